"""inactive -> pending -> firing -> resolved: an alert's state is a fold of its verdicts in event time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from alerting.judge import Verdict


class State(msgspec.Struct, frozen=True, array_like=True):
    """since_ms: end of the first window of the breach, None = inactive; firing: else pending.

    fine_since_ms: a firing alert has been fine since then and waits for its keep-firing time.
    """

    since_ms: int | None = None
    firing: bool = False
    fine_since_ms: int | None = None


class Incident(msgspec.Struct, frozen=True, array_like=True):
    """One closed stretch of firing: from the start of the breach to the window that resolved it."""

    starts_at_ms: int
    ends_at_ms: int


INACTIVE = State()


def step(
    state: State, verdict: Verdict, end_ms: int, for_ms: int, keep_firing_ms: int
) -> tuple[State, Incident | None]:
    """The state after one more window, and the incident that it closes. The same object: nothing changed."""
    if verdict is Verdict.UNKNOWN:
        return state, None
    if verdict is Verdict.BREACHED or (verdict is Verdict.HOLDING and state.firing):
        return _breached(state, end_ms, for_ms), None
    if not state.firing or state.since_ms is None:
        return (state if state.since_ms is None else INACTIVE), None
    fine_since_ms = end_ms if state.fine_since_ms is None else state.fine_since_ms
    if end_ms - fine_since_ms >= keep_firing_ms:
        return INACTIVE, Incident(state.since_ms, end_ms)
    return (state if state.fine_since_ms is not None else State(state.since_ms, True, end_ms)), None


def _breached(state: State, end_ms: int, for_ms: int) -> State:
    since_ms = end_ms if state.since_ms is None else state.since_ms
    if state.firing:
        return state if state.fine_since_ms is None else State(since_ms, True)
    firing = end_ms - since_ms >= for_ms
    return state if state.since_ms is not None and not firing else State(since_ms, firing)


def fold(
    state: State, judged: Iterable[tuple[int, Verdict]], for_ms: int, keep_firing_ms: int
) -> tuple[State, list[Incident]]:
    """The state after windows (end, verdict) in order, and the incidents that they closed."""
    closed: list[Incident] = []
    for end_ms, verdict in judged:
        state, incident = step(state, verdict, end_ms, for_ms, keep_firing_ms)
        if incident is not None:
            closed.append(incident)
    return state, closed
