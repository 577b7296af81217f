"""F62: a minute in which nothing came is told as one, and takes nothing back of what comes later."""

from dataclasses import replace

import orjson

from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock
from tables.plan import MIN_MS, Plan
from tables.records import Recorder
from tables.silence import SILENT_WINDOWS_MAX, reach_ms, silent_windows
from tests.unit.tables.support import HOLD_MS, MODEL, PLAN, T0, WINDOW_MS, Merging, partial

START = T0 - T0 % WINDOW_MS
REACH = MODEL.horizon_ms // WINDOW_MS


def at(window: int) -> int:
    return START + window * WINDOW_MS


def empty(recorder: Recorder, now_ms: int = 0) -> list[tuple[str, int]]:
    """(version, window number) of all that says zero."""
    records = [r for r in recorder.collect(now_ms).records if not r.rolling]
    return [(r.name[1], (r.start_ms - START) // WINDOW_MS) for r in records if r.parts["total"] == 0]


def test_closed_windows_between_and_behind_those_with_records_are_told_once_each() -> None:
    merging = Merging(PLAN, 1)
    recorder = Recorder(merging.state)
    merging.partials(partial(at(0), {0: 1}, 5), partial(at(3), {0: 1}, 5))
    merging.mark(0, at(5) + 7)
    assert empty(recorder) == [("v1", 1), ("v1", 2), ("v1", 4)]
    assert empty(recorder) == []
    merging.mark(0, at(6))
    assert empty(recorder) == [("v1", 5)]


def test_an_empty_record_says_zero_and_null_and_yields_to_whatever_comes_late() -> None:
    merging = Merging(PLAN, 1)
    recorder = Recorder(merging.state)
    merging.partials(partial(at(0), {0: 1}, 5))
    merging.mark(0, at(2))
    [record] = [r for r in recorder.collect(0).records if r.start_ms == at(1)]
    said = orjson.loads(record.encode(0))
    assert (said["total"], said["throughput_per_second"], said["final"], said["revision"]) == (0, 0.0, False, 0)
    assert (said["segment"], said["label_coverage"], said["metrics"]["accuracy"]) == ("", None, None)
    merging.partials(partial(at(1), {0: 1}, 3))
    [late] = [r for r in recorder.collect(100_000).records if r.start_ms == at(1)]
    assert (late.key(), late.parts["total"]) == (record.key(), 3)
    assert late.revision > record.revision


def test_nothing_is_empty_before_the_first_record_and_for_longer_than_the_horizon_after_the_last() -> None:
    merging = Merging(PLAN, 1)
    recorder = Recorder(merging.state)
    merging.mark(0, at(0))
    assert empty(recorder) == []
    merging.partials(partial(at(10), {0: 1}, 5))
    merging.mark(0, at(1_000))
    assert empty(recorder) == [("v1", 10 + n) for n in range(1, REACH + 1)]
    merging.partials(partial(at(1_000), {0: 1}, 5))
    merging.mark(0, at(1_003))
    assert empty(recorder) == [("v1", 1_001), ("v1", 1_002)]


def test_the_versions_of_the_last_window_with_records_speak_and_no_older_ones() -> None:
    merging = Merging(PLAN, 1)
    recorder = Recorder(merging.state)
    for version, window in (("v1", 0), ("v2", 1), ("v3", 1)):
        counted = partial(at(window), {0: 1}, 5)
        counted.model_version = version
        merging.partials(counted)
    merging.mark(0, at(3))
    assert empty(recorder) == [("v2", 2), ("v3", 2)]


def test_only_the_clock_tells_of_silence_where_all_sources_are_idle() -> None:
    merging = Merging(PLAN, 1)
    recorder = Recorder(merging.state)
    merging.partials(partial(at(0), {0: 1}, 5))
    merging.mark(0, at(1))
    assert empty(recorder, at(9)) == []
    merging.mark(0, at(1), idle=True)
    assert empty(recorder, at(2) + MODEL.idle_timeout_ms - 1) == []
    assert empty(recorder, at(2) + MODEL.idle_timeout_ms) == [("v1", 1)]
    assert len(empty(recorder, at(10_000))) == REACH - 1
    merging.partials(partial(at(500), {0: 1}, 5))  # history, and more of it
    assert empty(recorder, at(10_001)) == [("v1", 500 + n) for n in range(1, REACH + 1)]


def test_a_window_that_was_announced_final_is_never_called_empty_after_a_restart() -> None:
    checkpoint = MemoryCheckpoint()
    plan = Plan({"fraud": MODEL})
    merging = Merging(plan, 1, checkpoint)
    merging.partials(partial(at(0), {0: 1}, 5), partial(at(1), {0: 1}, 5), partial(at(4), {0: 1}, 5))
    merging.mark(0, at(2) + HOLD_MS, at(2))
    due = Recorder(merging.state).collect(0)
    merging.state.apply(MergeBlock(9, announced=list(due.announced.items())))
    checkpoint.write(merging.state.cut((1, 1, 1)))
    again = Recorder(Merging(plan, 1, checkpoint).state)
    assert {number for _, number in empty(again)} & {0, 1, 4} == set()


def test_f62_a_long_horizon_of_short_windows_is_bounded() -> None:
    model = replace(MODEL, horizon_ms=30 * 86_400_000, window_ms=1_000)
    assert reach_ms(model) == SILENT_WINDOWS_MAX * 1_000
    found = list(silent_windows([0], MIN_MS, 10**12, model))
    assert (len(found), found[-1]) == (SILENT_WINDOWS_MAX, (0, SILENT_WINDOWS_MAX * 1_000))
