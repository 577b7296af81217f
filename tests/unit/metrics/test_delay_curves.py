"""Groups of labels of every task, and what their curves say of a record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics import binary
from metrics.binary_part import BinaryPart
from metrics.delay_curves import DelayCurves
from metrics.delays import Delays
from metrics.label_groups import LabelGroups, label_groups
from metrics.layout import COARSE, FINE
from metrics.multiclass import MulticlassPart
from metrics.regression import FINE as REGRESSION
from metrics.regression import RegressionPart
from metrics.service import Service
from metrics.window_layout import Part, WindowLayout

N = 500
PREDICTED, ACTUAL = (np.random.default_rng(seed).integers(0, 2, N) for seed in (1, 2))
DELAY_MS = np.random.default_rng(3).integers(1, 10**8, N)
HAS_LABEL = np.random.default_rng(4).random(N) < 0.6
CLASSES = MulticlassPart(2, 1, 560)


def groups_of(layout: WindowLayout) -> LabelGroups:
    found = label_groups(layout)
    assert found is not None
    return found


def prepared(part: object, which: NDArray[np.bool_], *, labelled: bool) -> Any:  # noqa: ANN401  # the task's own
    predicted, actual, delay_ms = PREDICTED[which], ACTUAL[which], DELAY_MS[which]
    if isinstance(part, MulticlassPart):
        return part.prepare(predicted, None, *([actual, delay_ms] if labelled else []))
    if isinstance(part, RegressionPart):
        return part.prepare(predicted.astype(float), *([actual.astype(float), delay_ms] if labelled else []))
    said = np.full(len(predicted), 0.5), predicted.astype(np.int8)
    return binary.prepare(*said, actual.astype(np.int8), delay_ms) if labelled else binary.prepare(*said)


def window(layout: WindowLayout) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """N predictions, labelled where HAS_LABEL: head i8[1, H] and cells i4[C]."""
    head, cells = np.zeros((1, layout.head_columns), np.int64), np.zeros((1, layout.cells), np.int32)
    ones = np.ones(N, np.int64)
    made = prepared(layout.outcomes, ones > 0, labelled=False)
    layout.outcomes.add_predictions(head, cells, 0 * ones, made, ones)
    joined, sign = prepared(layout.outcomes, HAS_LABEL, labelled=True), ones[HAS_LABEL]
    layout.outcomes.add_outcomes(head, cells, 0 * sign, joined, sign)
    for also, starts in layout.also_outcomes:
        also.add_outcomes(head, cells, starts, 0 * sign, joined, sign)
    return head, cells[0]


def histogram(delay_ms: NDArray[np.int64], bins_per_octave: int, bins: int) -> list[int]:
    counts: list[int] = np.histogram(delay_ms, 2 ** (np.arange(bins + 1) / bins_per_octave))[0].tolist()
    return counts


def test_binary_labels_are_told_apart_by_cell_and_predictions_by_predicted_class() -> None:
    layout = WindowLayout((BinaryPart(FINE), Delays()))
    groups, (head, cells) = groups_of(layout), window(layout)
    cell = np.array([[3, 2], [1, 0]])[PREDICTED, ACTUAL]
    of_cell = [HAS_LABEL & (cell == number) for number in range(4)]
    assert groups.labels(head).tolist() == [[int(one.sum()) for one in of_cell]]
    assert groups.predictions(head).tolist() == [[int(PREDICTED.sum()), int((1 - PREDICTED).sum())]]
    assert groups.delays(cells).tolist() == [histogram(DELAY_MS[one], 4, 140) for one in of_cell]
    assert (groups.head_columns, groups.has_cells) == (10, True)


@pytest.mark.parametrize("part", [REGRESSION, CLASSES], ids=["regression", "multiclass"])
def test_of_other_tasks_all_labels_are_one_group(part: Part) -> None:
    layout = WindowLayout((part, Service()))
    groups, (head, cells) = groups_of(layout), window(layout)
    assert groups.labels(head).tolist() == [[int(HAS_LABEL.sum())]]
    assert groups.predictions(head).tolist() == [[N]]
    assert groups.delays(cells).tolist() == [histogram(DELAY_MS[HAS_LABEL], 16, 560)]
    assert not groups.has_cells
    curves = DelayCurves.learn(groups, groups.delays(cells), groups.predictions(head)[0])
    found = curves.summary(np.array([1e5]), head)
    within = int((DELAY_MS[HAS_LABEL] <= 1e5).sum())
    assert found.keys() == {"maturity", "expected_share"}
    assert found["expected_share"] == pytest.approx(within / HAS_LABEL.sum(), abs=0.01)
    assert curves.summary(np.array([np.inf]), head) == {"maturity": 1.0, "expected_share": 1.0}


def test_where_no_delays_are_counted_by_group_there_are_none() -> None:
    assert label_groups(WindowLayout((BinaryPart(COARSE),))) is None


def test_a_group_of_predictions_too_small_to_learn_from_is_taken_to_be_as_all() -> None:
    groups = groups_of(WindowLayout((BinaryPart(FINE), Delays())))
    delays = np.zeros((4, 140), np.int64)
    delays[3, 40], delays[0, 80] = 100, 10
    curves = DelayCurves.learn(groups, delays, np.array([20, 180]))
    ever = curves.of_predictions.arrived[:, -1]
    assert ever == pytest.approx([110 / 200, 100 / 180])


def test_a_cell_borrows_the_delays_of_its_actual_class_and_of_no_other() -> None:
    groups = groups_of(WindowLayout((BinaryPart(FINE), Delays())))
    delays = np.zeros((4, 140), np.int64)
    delays[0, 80], delays[2, 90], delays[3, 40] = 60, 20, 5
    curve = DelayCurves.learn(groups, delays, np.array([100, 100])).of_labels
    within = curve.arrived_by(np.array([2.0**21]))[0]  # behind bin 80, before bin 90
    assert within[[0, 2]] == pytest.approx([1, 60 / 80])
    assert np.isnan(within[[1, 3]]).all()


def test_before_anything_is_learned_nothing_is_known() -> None:
    layout = WindowLayout((BinaryPart(FINE), Delays()))
    curves, (head, _) = DelayCurves.unlearned(groups_of(layout)), window(layout)
    weighted = dict.fromkeys(("accuracy", "precision", "recall", "f1"))
    unknown = {"maturity": None, "expected_share": None, "metrics_weighted": weighted}
    for heads in (head, np.zeros_like(head), head[:0]):
        assert curves.summary(np.full(len(heads), 1e9), heads) == unknown
