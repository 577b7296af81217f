"""What a worker with several roles says of itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP

from agents.context import AppContext, Progress
from runtime.watch import RoleWatch, Watch
from telemetry.registry import Telemetry

METRICS, CHANGELOG = TP("metrics", 0), TP("rules-changelog", 0)


class Role:
    """A role whose state the test sets."""

    def __init__(self, name: str) -> None:
        self.seconds = 0.0
        self.lag: dict[TP, int] = {}
        self.polled_ms: int | None = 0
        self.read = {METRICS, CHANGELOG}
        self.recovering = SimpleNamespace(ready=True, replayed=0)
        consumer = SimpleNamespace(lag=lambda: self.lag, reachable=lambda: True, polled_ms=lambda _: self.polled_ms)
        assignor = SimpleNamespace(assigned_actives=lambda: self.read)
        app = SimpleNamespace(rebalancing_count=1, rebalancing=False, should_stop=False, assignor=assignor)
        self.progress = Progress()
        context = SimpleNamespace(app=app, consumer=consumer, progress=self.progress, now_ms=self.now_ms)
        data = SimpleNamespace(partitions={0: self.recovering}, recovery_seconds=1.5)
        table = cast("Any", SimpleNamespace(data=data))
        self.watch = RoleWatch(name, cast("AppContext", context), [table], lambda: self.seconds)

    def now_ms(self) -> int:
        return 1_795_000_000_000 + int(self.seconds * 1000)

    def look_at(self, seconds: float, *, polled: bool = True) -> str | None:
        self.seconds = seconds
        if polled:
            self.polled_ms = self.now_ms()
        self.watch.look()
        return self.watch.why_not_live()


def test_records_that_wait_without_progress_for_a_minute_are_a_stuck_role() -> None:
    role = Role("alerts")
    role.lag = {METRICS: 3}
    assert role.look_at(0) is None
    assert role.look_at(59) is None
    assert role.look_at(61) == "no progress for 61 s with 3 records waiting"
    role.progress.chunks += 1
    assert role.look_at(62) is None


def test_a_role_that_replays_its_changelog_gets_on_although_no_chunk_is_finished() -> None:
    role = Role("ingest")
    role.lag, role.recovering.ready = {METRICS: 3}, False
    for seconds in range(0, 300, 30):
        role.recovering.replayed += 1
        assert role.look_at(seconds) is None
    assert role.look_at(331) == "no progress for 61 s with 3 records waiting"


def test_a_role_that_is_held_from_outside_is_alive_because_a_restart_would_not_help() -> None:
    role = Role("ingest")
    role.lag, role.progress.paused["dead-letters"] = {METRICS: 3}, "cannot be written"
    assert [role.look_at(seconds) for seconds in (0, 61, 122)] == [None] * 3
    role.progress.paused.clear()
    assert role.look_at(150) is None
    assert role.look_at(183) == "no progress for 61 s with 3 records waiting"


def test_what_stands_on_a_changelog_is_nobodys_lag() -> None:
    role = Role("alerts")
    role.lag = {CHANGELOG: 3}
    assert [role.look_at(seconds) for seconds in (0, 61, 122)] == [None] * 3


def test_a_consumer_that_has_never_asked_for_records_is_stuck_although_it_knows_of_no_lag() -> None:
    role = Role("alerts")
    role.polled_ms = None
    assert role.look_at(59, polled=False) is None
    assert role.look_at(80, polled=False) == "no topic was asked for records for 80 s"
    assert role.look_at(81) is None
    assert role.look_at(140, polled=False) is None


def test_a_spare_worker_and_one_that_recovers_have_nothing_to_ask_for() -> None:
    role = Role("alerts")
    role.read = {CHANGELOG}
    assert [role.look_at(seconds, polled=False) for seconds in (0, 100, 200)] == [None] * 3
    role.read, role.recovering.ready = {METRICS}, False
    assert [role.look_at(seconds, polled=False) for seconds in (300, 400)] == [None] * 2


def test_readiness_names_the_role_that_is_not_unless_all_say_the_same() -> None:
    roles = [Role("ingest"), Role("alerts")]
    watch = Watch([role.watch for role in roles], Telemetry(10))
    assert watch.why_not_ready() is None
    roles[1].recovering.ready = False
    assert watch.why_not_ready() == "alerts: recovering the state of 1 partitions"
    roles[0].recovering.ready = False
    assert watch.why_not_ready() == "recovering the state of 1 partitions"
    roles[0].progress.paused["p"] = "held"
    roles[0].recovering.ready = roles[1].recovering.ready = True
    assert watch.why_not_ready() == "ingest: paused: held"
