"""What is remembered of label delays: fed once with every final window, faded, restored."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from metrics.layout import Column
from models.outcome import Task
from models.partial import Partial
from tables.delay_watch import MEMORY_WINDOWS_MIN, UNIT, DelayWatch, delay_watch
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState
from tables.plan import WHOLE, ModelPlan
from tables.snapshot import Snapshot
from tables.tasks import layout_of
from tests.unit.tables.support import MODEL, PLAN, T0, WINDOW_MS

START = T0 - T0 % WINDOW_MS
DAY_MS = 86_400_000
FAST, SLOW = 60, 88
"""Bins of delays: half a minute, more than an hour."""
Counts = tuple[int, int, int]
"""(positive labels, negative labels, predictions without one) of a window; all are predicted positive."""


def window(counts: Counts, bin_: int = FAST, version: int = 1) -> Snapshot:
    tp, fp, others = counts
    head, cells = np.zeros(WHOLE.head_columns, np.int64), np.zeros(WHOLE.cells, np.int32)
    head[Column.TP], head[Column.FP], head[Column.LABELLED] = tp, fp, tp + fp
    head[Column.TOTAL] = head[Column.PREDICTED_POSITIVE_TOTAL] = tp + fp + others
    cells[WHOLE.cell_starts[1] + bin_], cells[WHOLE.cell_starts[1] + 140 + bin_] = tp, fp
    return Snapshot(version, head, cells)


def watch(plan: ModelPlan = MODEL) -> DelayWatch:
    found = delay_watch(plan, "")
    assert found is not None
    return found


def fed(known: DelayWatch, *windows: Snapshot) -> DelayWatch:
    for one in windows:
        known = known.update(one.head, one.cells)
    return known.next_round()


def share_within_an_hour(known: DelayWatch) -> float:
    found: float = known.curves.of_labels.arrived_by(np.array([3.6e6]))[0, 0]
    return found


def test_every_window_adds_its_delays_and_predictions() -> None:
    known = watch().update(*window((3, 2, 5))[1:3])
    assert [(int(cell), int(bin_)) for cell, bin_ in np.argwhere(known.delays)] == [(0, FAST), (1, FAST)]
    assert known.delays[:2, FAST].tolist() == [3 * UNIT, 2 * UNIT]
    assert known.predictions.tolist() == [10 * UNIT, 0]


def test_a_window_weighs_less_and_less_and_another_distribution_is_learned_anew() -> None:
    known = fed(replace(watch(), memory_windows=100), *[window((50, 0, 0), FAST)] * 300)
    assert share_within_an_hour(known) == 1
    changed = fed(known, *[window((50, 0, 0), SLOW)] * 100)
    assert share_within_an_hour(changed) == pytest.approx(np.exp(-1), rel=0.05)
    assert share_within_an_hour(fed(changed, *[window((50, 0, 0), SLOW)] * 600)) < 0.002


def test_nothing_is_remembered_for_ever() -> None:
    known = fed(replace(watch(), memory_windows=24), window((1, 0, 0)), *[window((0, 0, 0))] * 1_000)
    assert not known.delays.any()
    assert not known.predictions.any()


@pytest.mark.parametrize(("window_ms", "windows"), [(60_000, 1_440), (3_600_000, 24), (7 * DAY_MS, MEMORY_WINDOWS_MIN)])
def test_long_windows_are_remembered_for_two_dozen_of_them(window_ms: int, windows: int) -> None:
    assert watch(replace(MODEL, window_ms=window_ms)).memory_windows == windows


def test_what_is_learned_is_put_to_use_at_the_end_of_the_round() -> None:
    known = watch()
    learning = known.update(*window((50, 40, 10))[1:3])
    assert learning.curves is known.curves
    assert np.isnan(known.curves.of_labels.arrived).all()
    assert share_within_an_hour(learning.next_round()) == 1
    assert (known.rounds, learning.rounds, learning.next_round().rounds) == (0, 0, 1)


def test_a_segment_is_not_watched() -> None:
    assert delay_watch(MODEL, "country=DE") is None


def of_task(task: Task) -> ModelPlan:
    return replace(MODEL, task=task, whole=layout_of(task, 3, whole=True), of_segment=layout_of(task, 3, whole=False))


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_of_a_model_that_has_become_one_of_another_task_only_the_rounds_are_kept(task: Task) -> None:
    known = fed(watch(), window((50, 0, 0)))
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(known.stored()))
    other = delay_watch(of_task(task), "", stored)
    assert other is not None
    assert (other.rounds, int(other.delays.sum()), other.delays.shape) == (1, 0, (1, 560))
    same = delay_watch(MODEL, "", stored)
    assert same is not None
    assert same.stored() == known.stored()
    assert share_within_an_hour(same) == 1


# -- fed by the merge


def partial(minute: int, counts: Counts, change: int) -> Partial:
    packed = window(counts, FAST + minute, change).pack(WHOLE)
    return Partial("fraud", "v1", "", START + minute * WINDOW_MS, [(0, change)], packed)


@st.composite
def stories(draw: st.DrawFn) -> list[MergeBlock]:
    """Windows, some of them revised or late, and final rounds that overlap or fall behind."""
    blocks, count = [], st.integers(0, 60)
    for change in range(1, draw(st.integers(1, 8)) + 1):
        rows = draw(st.lists(st.tuples(st.integers(0, 8), count, count, count), max_size=4))
        partials = [partial(minute, (a, b, c), change) for minute, a, b, c in rows]
        final = draw(st.lists(st.integers(0, 8), max_size=1))
        announced = [("fraud", START + (minute + 1) * WINDOW_MS) for minute in final]
        blocks.append(MergeBlock(change, partials=partials, announced=announced))
    return blocks


def folded(blocks: list[MergeBlock]) -> MergeState:
    state = MergeState(PLAN, 1, MemoryCheckpoint())
    for block in blocks:
        state.apply(block)
    return state


def told(state: MergeState) -> list[tuple[object, NDArray[np.float64]]]:
    watches = [one.delays for one in state.slices.values()]
    return [(one.stored(), one.curves.of_labels.arrived) for one in watches if one is not None]


def assert_same(one: MergeState, other: MergeState) -> None:
    for (stored, curve), (stored_too, curve_too) in zip(told(one), told(other), strict=True):
        assert stored == stored_too
        np.testing.assert_array_equal(curve, curve_too)


@settings(max_examples=30)
@given(stories(), st.data())
def test_a_fold_with_a_checkpoint_anywhere_is_the_fold_in_one_go(blocks: list[MergeBlock], data: st.DataObject) -> None:
    whole = folded(blocks)
    stop = data.draw(st.integers(0, len(blocks)))
    before, checkpoint = folded(blocks[:stop]), MemoryCheckpoint()
    checkpoint.write(before.cut((1, 1, 1)))
    again = MergeState(PLAN, 1, checkpoint)
    assert_same(again, before)
    for block in blocks[stop:]:
        again.apply(block)
    assert_same(again, whole)
    restored = folded([])
    restored.restore_body(whole.snapshot_body())
    assert_same(restored, whole)


def test_windows_count_as_they_stand_when_they_become_final_once_and_in_the_order_of_time() -> None:
    rows = [(8, (9, 1, 0), 1), (0, (5, 5, 5), 1), (8, (4, 4, 4), 2), (3, (1, 0, 1), 1)]
    announced = [("fraud", START + (minute + 1) * WINDOW_MS) for minute in (3, 3, 1, 8)]
    state = folded([MergeBlock(0, partials=[partial(*row) for row in rows]), MergeBlock(1, announced=announced)])
    expected = watch()
    for minute, counts in ((0, (5, 5, 5)), (3, (1, 0, 1))):
        expected = expected.update(*window(counts, FAST + minute)[1:3])
    expected = fed(expected.next_round(), window((4, 4, 4), FAST + 8))
    [(stored, _)] = told(state)
    assert stored == expected.stored()


def test_a_checkpoint_from_before_delays_were_learned_restores_to_knowing_nothing() -> None:
    body = msgspec.msgpack.decode(folded([MergeBlock(0, partials=[partial(0, (9, 9, 9), 1)])]).snapshot_body())
    del body["delays"]
    restored = folded([])
    restored.restore_body(msgspec.msgpack.encode(body))
    [(stored, _)] = told(restored)
    assert stored == watch().stored()
