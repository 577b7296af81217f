"""The accumulator: exact in both directions, indifferent to order and grouping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import binary
from metrics.layout import COARSE, FINE, FIXED_POINT, Column, Layout
from tests.unit.metrics.records import Records, any_records, draw_records, window

layouts = st.sampled_from([FINE, COARSE, Layout(7, 3)])
SLOTS = 5


def slots_of(records: Records, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.random.default_rng(seed).integers(0, SLOTS, len(records))


@given(any_records(), layouts, st.integers(0, 99))
def test_add_then_retract_leaves_nothing(records: Records, layout: Layout, seed: int) -> None:
    head, cells = binary.zeros(SLOTS, layout)
    slot, prepared = slots_of(records, seed), records.prepared()
    for sign in (1, -1):
        binary.add_predictions(head, cells, layout, slot, prepared, sign)
        binary.add_outcomes(head, cells, layout, slot, prepared, sign)
        assert sign == -1 or len(records) == 0 or (head.any() and cells.any())
    assert not head.any()
    assert not cells.any()


@given(any_records(), layouts, st.integers(0, 99))
def test_signs_may_differ_from_record_to_record(records: Records, layout: Layout, seed: int) -> None:
    slot = slots_of(records, seed)
    sign = np.random.default_rng(seed + 1).choice(np.array([-1, 1]), len(records))
    together = binary.zeros(SLOTS, layout)
    binary.add_outcomes(*together, layout, slot, records.prepared(), sign)
    apart = binary.zeros(SLOTS, layout)
    for each in (-1, 1):
        index = np.flatnonzero(sign == each)
        binary.add_outcomes(*apart, layout, slot[index], records.select(index).prepared(), each)
    assert np.array_equal(together[0], apart[0])
    assert np.array_equal(together[1], apart[1])


@given(any_records(), layouts, st.integers(0, 99))
def test_merge_of_parts_in_any_order_is_the_batch_over_their_union(records: Records, layout: Layout, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(len(records)), 3)
    windows = [window(records.select(part), layout) for part in parts]
    head, cells = window(records, layout)
    assert np.array_equal(head, sum(each[0] for each in windows))
    assert np.array_equal(cells, sum(each[1] for each in windows))


def test_each_record_counts_in_its_own_slot_only() -> None:
    records = draw_records(seed=1, n=3000)
    slot = slots_of(records, seed=2)
    head, cells = binary.zeros(SLOTS, COARSE)
    binary.add_predictions(head, cells, COARSE, slot, records.prepared())
    binary.add_outcomes(head, cells, COARSE, slot, records.prepared())
    for each in range(SLOTS):
        alone = window(records.select(np.flatnonzero(slot == each)), COARSE)
        assert np.array_equal(head[each], alone[0])
        assert np.array_equal(cells[each], alone[1])


def test_a_score_stands_in_the_bin_its_product_truncates_to_and_1_in_the_last() -> None:
    score = np.array([0.0, 0.0009, 0.001, 0.9999, 1.0])
    ones = np.ones(5, np.int8)
    head, cells = window(Records(score, ones, ones, np.ones(5, np.int64)), FINE)
    assert np.flatnonzero(FINE.positives(cells)).tolist() == [0, 1, 999]
    assert FINE.positives(cells)[[0, 1, 999]].tolist() == [2, 1, 2]
    assert not FINE.negatives(cells).any()
    assert head[Column.SCORE_SUM] == pytest.approx(score.sum() * FIXED_POINT, abs=5)


@pytest.mark.parametrize("score", [float("nan"), -0.001, 1.001, float("inf")])
def test_a_record_without_a_usable_score_counts_in_the_confusion_only(score: float) -> None:
    one = np.ones(1, np.int8)
    head, cells = window(Records(np.array([score]), one, one, np.array([1000])), FINE)
    counted = {Column.TOTAL: 1, Column.PREDICTED_POSITIVE_TOTAL: 1, Column.LABELLED: 1, Column.TP: 1}
    counted[Column.LATENCY_SUM_MS] = 1000
    assert {Column(index): int(head[index]) for index in np.flatnonzero(head).tolist()} == counted
    assert cells[: FINE.latency_start].sum() == 0


def test_predictions_alone_touch_no_label_column_and_no_cell() -> None:
    records = draw_records(seed=3, n=100)
    head, cells = binary.zeros(1, FINE)
    unlabelled = binary.prepare(records.score, records.predicted)
    binary.add_predictions(head, cells, FINE, np.zeros(100, np.int64), unlabelled)
    assert head[0, Column.TOTAL] == head[0, Column.SCORED_TOTAL] == 100
    assert not head[0, Column.LABELLED :].any()
    assert not cells.any()


def test_outcomes_of_unlabelled_records_are_refused() -> None:
    records = draw_records(seed=3, n=2)
    unlabelled = binary.prepare(records.score, records.predicted)
    with pytest.raises(ValueError, match="without labels"):
        binary.add_outcomes(*binary.zeros(1, FINE), FINE, np.zeros(2, np.int64), unlabelled)


@pytest.mark.parametrize("wrong", [-1, 2])
def test_a_class_that_is_neither_0_nor_1_is_refused(wrong: int) -> None:
    good, bad = np.ones(1, np.int8), np.array([wrong], np.int8)
    with pytest.raises(ValueError, match="actual must be 0 or 1"):
        binary.prepare(np.ones(1), good, bad, np.ones(1, np.int64))
    with pytest.raises(ValueError, match="predicted must be 0 or 1"):
        binary.prepare(np.ones(1), bad)


def test_slots_that_are_not_there_and_views_that_would_be_copied_are_refused() -> None:
    prepared = draw_records(seed=3, n=2).prepared()
    head, cells = binary.zeros(4, FINE)
    for slot in (-1, 4):
        with pytest.raises(IndexError):
            binary.add_outcomes(head, cells, FINE, np.full(2, slot), prepared)
    with pytest.raises(ValueError, match="C-contiguous"):
        binary.add_predictions(head[:, ::2], cells, FINE, np.zeros(2, np.int64), prepared)
    assert not head.any()
    assert not cells.any()


@pytest.mark.parametrize(("score_bins", "latency_bins"), [(0, 1), (1, 0)])
def test_a_layout_without_bins_is_refused(score_bins: int, latency_bins: int) -> None:
    with pytest.raises(ValueError, match="at least one bin"):
        Layout(score_bins, latency_bins)
