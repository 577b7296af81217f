"""Spans: the plain sum over their windows, however they moved and were revised."""

from dataclasses import replace
from random import Random

import msgspec
import pytest

from models.partial import Mark, Partial
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock
from tables.plan import COUNTED_LOOK_BACK_MS, MIN_MS, WHOLE, Plan, Span
from tables.records import Record, Recorder
from tables.rolling import RollingSum, first_window
from tables.snapshot import NAMES_MAX, Snapshot
from tests.unit.tables.support import HOLD_MS, MODEL, T0, WINDOW_MS, Merging, partial

HOUR = Span("1h", 3_600_000)
HUNDRED = Span("100 labelled", labelled=100)
LAGGING = Span("2m lag 3m", 120_000, lag_ms=180_000)
PLAN = Plan({"fraud": replace(MODEL, spans=(HOUR, HUNDRED))})
START = T0 - T0 % WINDOW_MS


def spans(recorder: Recorder, now_ms: int) -> dict[str, Record]:
    return {r.span: r for r in recorder.collect(now_ms).records if r.rolling}


def plain_sum(held: dict[int, tuple[int, int]], first_ms: int, end_ms: int) -> tuple[int, int]:
    inside = [counts for start, counts in held.items() if first_ms <= start < end_ms]
    return sum(total for total, _ in inside), sum(labelled for _, labelled in inside)


def afresh(merging: Merging, record: Record) -> dict[str, object]:
    """The trends that one sees who begins to look only now."""
    total = RollingSum(merging.state.slices[record.name])
    total.move(record.start_ms, record.end_ms)
    return total.trends(record.end_ms)


@pytest.mark.parametrize("seed", range(5))
def test_spans_equal_the_plain_sum_while_they_move_on_and_are_revised(seed: int) -> None:
    rng, merging = Random(seed), Merging(PLAN, 1)
    recorder, held, version = Recorder(merging.state), dict[int, tuple[int, int]](), 0
    for minute in range(150):
        for start in {START + minute * WINDOW_MS, START + rng.randrange(minute + 1) * WINDOW_MS}:
            version += 1
            held[start] = (20 + version, rng.randrange(20))
            merging.partials(partial(start, {0: version}, *held[start]))
        end_ms = START + (minute + 1) * WINDOW_MS
        merging.mark(0, end_ms + 7)
        found = spans(recorder, minute * 60_000)
        hour = found["1h"]
        assert (hour.start_ms, hour.end_ms) == (end_ms - 3_600_000, end_ms)
        assert (hour.parts["total"], hour.parts["labelled"]) == plain_sum(held, hour.start_ms, end_ms)
        assert minute % 10 or hour.parts["trends"] == afresh(merging, hour)
        counted = found["100 labelled"]
        total, labelled = plain_sum(held, counted.start_ms, end_ms)
        assert (counted.parts["total"], counted.parts["labelled"]) == (total, labelled)
        if counted.start_ms > START:
            assert labelled >= 100
            assert plain_sum(held, counted.start_ms + WINDOW_MS, end_ms)[1] < 100


def test_a_span_with_a_lag_ends_so_long_before_the_newest_closed_window() -> None:
    merging = Merging(Plan({"fraud": replace(MODEL, spans=(LAGGING,))}), 1)
    recorder = Recorder(merging.state)
    merging.partials(*(partial(START + minute * WINDOW_MS, {0: 1}, 1 << minute) for minute in range(10)))
    merging.mark(0, START + 10 * WINDOW_MS + 7)
    first = spans(recorder, 0)["2m lag 3m"]
    assert (first.start_ms, first.end_ms) == (START + 5 * WINDOW_MS, START + 7 * WINDOW_MS)
    assert first.parts["total"] == (1 << 5) + (1 << 6)
    merging.partials(partial(START + 6 * WINDOW_MS, {0: 2}, 1000))
    assert spans(recorder, 60_000)["2m lag 3m"].parts["total"] == (1 << 5) + 1000


def test_windows_are_kept_for_a_lagging_span_as_long_as_it_looks_back_on_them() -> None:
    plan = replace(MODEL, spans=(LAGGING,))
    assert plan.look_back_ms == 300_000
    merging, end_ms = Merging(Plan({"fraud": plan}), 1), START + 10 * WINDOW_MS
    merging.partials(*(partial(START + minute * WINDOW_MS, {0: 1}, 1) for minute in range(10)))
    merging.state.apply(MergeBlock(2, announced=[("fraud", end_ms)]))
    [one] = merging.state.slices.values()
    assert min(one.windows) == end_ms - 300_000


def test_names_beyond_the_limit_leave_with_the_windows_that_brought_them() -> None:
    merging = Merging(PLAN, 1)
    for minute in range(4):
        one, names = partial(START + minute * WINDOW_MS, {0: 1}, 5), range(80 * minute, 80 * minute + 100)
        merging.partials(with_names(one, {f"errors/{name:04}": minute + 1 for name in names}))
    [held] = merging.state.slices.values()
    total, limit = RollingSum(held), NAMES_MAX["errors"]
    total.move(START, START + 4 * WINDOW_MS)
    assert len(total.named) == limit + 1
    assert sum(total.named.values()) == 100 * (1 + 2 + 3 + 4)
    assert total.named["errors/0240"] == 3 + 4, "the commonest are told by name"
    total.move(START + WINDOW_MS, START + 2 * WINDOW_MS)
    assert total.named == {f"errors/{name:04}": 2 for name in range(80, 180)}
    total.move(START + 9 * WINDOW_MS, START + 9 * WINDOW_MS)
    assert total.named == {}


def with_names(one: Partial, named: dict[str, int]) -> Partial:
    packed = Snapshot.unpack(one.value, WHOLE)._replace(named=named).pack(WHOLE)
    return msgspec.structs.replace(one, value=packed)


def test_an_idle_partition_that_wakes_behind_does_not_turn_spans_back() -> None:
    merging = Merging(PLAN, 2)
    recorder = Recorder(merging.state)
    merging.partials(partial(START, {0: 1}, 5), partial(START + WINDOW_MS, {0: 1}, 7))
    merging.mark(0, START + 2 * WINDOW_MS, idle=True)
    merging.mark(1, START + WINDOW_MS, idle=True)
    before = spans(recorder, 0)["1h"]
    merging.mark(1, START + WINDOW_MS, idle=False)
    merging.partials(partial(START, {1: 1}, 1))
    after = spans(recorder, 100_000)["1h"]
    assert (before.parts["total"], after.parts["total"]) == (12, 13)
    assert after.revision > before.revision


def test_a_counted_span_looks_back_a_day_whether_or_not_older_windows_are_forgotten() -> None:
    merging = Merging(PLAN, 1)
    merging.partials(partial(START, {0: 1}, 9, 9), partial(START + WINDOW_MS, {0: 1}, 9, 9))
    one = next(iter(merging.state.slices.values()))
    end_ms = START + WINDOW_MS + COUNTED_LOOK_BACK_MS
    assert first_window(one, HUNDRED, end_ms) == START + WINDOW_MS


def final_round(merging: Merging, recorder: Recorder) -> list[Record]:
    due = recorder.collect(0)
    merging.state.apply(MergeBlock(merging.state.applied, announced=list(due.announced.items())))
    return [r for r in due.records if not r.rolling]


@pytest.mark.parametrize("replayed", [False, True])
def test_f03_a_final_window_is_not_said_again_after_a_restart(replayed: bool) -> None:
    checkpoint = MemoryCheckpoint()
    merging = Merging(PLAN, 1, checkpoint)
    merging.partials(partial(START, {0: 1}, 9))
    end_ms = START + WINDOW_MS
    merging.mark(0, end_ms + HOLD_MS, end_ms)
    assert [r.final for r in final_round(merging, Recorder(merging.state))][-1] is True
    if replayed:
        again = Merging(PLAN, 1)
        again.partials(partial(START, {0: 1}, 9))
        again.mark(0, end_ms + HOLD_MS, end_ms)
        again.state.apply(MergeBlock(2, announced=[("fraud", end_ms)]))
    else:
        checkpoint.write(merging.state.cut((1, 1, 1)))
        again = Merging(PLAN, 1, checkpoint)
    assert [r for r in Recorder(again.state).collect(0).records if not r.rolling and r.parts["total"]] == []


def test_no_window_is_final_before_every_partition_has_said_so_idle_or_not() -> None:
    merging = Merging(PLAN, 2)
    end_ms = START + WINDOW_MS
    merging.partials(partial(START, {0: 1}, 9))
    merging.mark(1, START, MIN_MS, idle=True)
    merging.mark(0, end_ms + HOLD_MS, end_ms)
    assert merging.state.final_ms(PLAN.models["fraud"]) == MIN_MS
    merging.partials(partial(START, {1: 1}, 1))
    merging.mark(1, end_ms + HOLD_MS, end_ms)
    final = [r for r in final_round(merging, Recorder(merging.state)) if r.final]
    assert [r.parts["total"] for r in final] == [10]


def test_a_state_with_a_checkpoint_goes_on_where_it_was() -> None:
    checkpoint = MemoryCheckpoint()
    merging = Merging(PLAN, 2, checkpoint)
    merging.partials(partial(START, {0: 1, 1: 2}, 9), partial(START, {0: 2}, 5))
    merging.mark(0, START + WINDOW_MS, idle=True)
    merging.mark(1, START)
    checkpoint.write(merging.state.cut((1, 1, 1)))
    again = Merging(PLAN, 2, checkpoint)
    for one in (merging, again):
        one.state.apply(MergeBlock(9, [Mark("fraud", 1, START + WINDOW_MS, MIN_MS, False)]))
        one.partials(partial(START, {1: 3}, 6))
    expected, found = (r.collect(0).records for r in (Recorder(merging.state), Recorder(again.state)))
    assert found == expected
    assert [r.parts["total"] for r in found if not r.rolling] == [11]
