import pytest

from telemetry.health import Liveness, Pulse, Readiness

BUSY = Pulse(processed=10, lag=500, held=False)


def walk(*pulses: Pulse) -> Liveness:
    state = Liveness(0)
    for second, pulse in enumerate(pulses):
        state = state.step(pulse, float(second * 10))
    return state


def test_a_worker_with_lag_and_no_progress_for_a_minute_is_stuck() -> None:
    state = walk(*[BUSY] * 7)
    assert state.reason(59.9) is None
    assert state.reason(60.0) == "no progress for 60 s with 500 records waiting"


@pytest.mark.parametrize(
    "last",
    [
        Pulse(processed=11, lag=500, held=False),
        Pulse(processed=10, lag=0, held=False),
        Pulse(processed=10, lag=500, held=True),
    ],
    ids=["progress", "no lag", "held"],
)
def test_progress_no_lag_or_a_holdup_outside_starts_the_minute_anew(last: Pulse) -> None:
    state = walk(*[BUSY] * 6, last)
    assert state.reason(60.0) is None
    assert state.reason(119.0) is None


def test_the_minute_counts_from_the_end_of_the_holdup() -> None:
    away = Pulse(processed=10, lag=500, held=True)
    state = walk(*[away] * 10, *[BUSY] * 6)
    assert state.reason(149.0) is None
    assert state.reason(150.0) is not None


def test_a_worker_that_was_never_looked_at_is_alive() -> None:
    assert Liveness(0).reason(1e9) is None


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (Readiness(), "waiting for the consumer group to assign partitions"),
        (Readiness(assigned=True, recovering=3), "recovering the state of 3 partitions"),
        (Readiness(assigned=True, broker_reachable=False), "no broker can be reached"),
        (Readiness(assigned=True, paused="x"), "paused: x"),
        (Readiness(assigned=True, stopping=True), "stopping"),
        (Readiness(assigned=True), None),
    ],
)
def test_readiness_gives_the_first_reason_that_applies(state: Readiness, reason: str | None) -> None:
    assert state.reason() == reason
