"""Estimates held against labels: agreement, concept drift, labels that are too few or too young."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics import binary
from metrics.cbpe import estimate
from metrics.isotonic import middles
from metrics.kinds import conclude
from metrics.layout import FINE
from metrics.reconcile import reconcile, standard_errors_apart
from metrics.result import summarise
from metrics.window_layout import WindowLayout

BINS = FINE.score_bins
P = middles(BINS)


def record(seed: int, n: int, truth: NDArray[np.float64]) -> dict[str, object]:
    """A window whose labels have all come, positive with truth f8[bins]; estimated as if with `P`."""
    rng = np.random.default_rng(seed)
    bins = (rng.beta(1.5, 4, n) * BINS).astype(np.int64)
    predicted, actual = (bins >= BINS // 2).astype(np.int8), (rng.random(n) < truth[bins]).astype(np.int8)
    head, cells = binary.zeros(1, FINE)
    prepared = binary.prepare(P[bins], predicted, actual)
    for add in (binary.add_predictions, binary.add_outcomes):
        add(head, cells, FINE, np.zeros(n, np.int64), prepared)
    negatives, positives = (np.bincount(bins[predicted == of], minlength=BINS) for of in (0, 1))
    return {**summarise(head[0], cells[0], FINE, 60.0), "estimated": estimate(negatives, positives, P, 10**9)}


def verdict(found: dict[str, object] | None) -> object:
    assert found is not None
    return found["reliable"]


@pytest.mark.parametrize("n", [200, 5000])
def test_estimates_of_a_concept_that_holds_are_reliable(n: int) -> None:
    assert [verdict(reconcile(record(seed, n, P), 1.0)) for seed in range(30)] == [True] * 30


def test_estimates_of_another_concept_are_not() -> None:
    assert [verdict(reconcile(record(seed, 3000, P / 2 + 0.25), 1.0)) for seed in range(30)] == [False] * 30


def test_the_gap_is_that_of_the_metric_that_parts_most() -> None:
    found = reconcile(window := record(31, 3000, 1 - P), 1.0)
    assert found is not None
    name = found["gap_metric"]
    for part in (found, window):
        assert isinstance(part["metrics"], dict)
    assert found["gap"] == abs(found["metrics"][name] - window["metrics"][name])  # type: ignore[index]  # checked above
    assert (found["method"], found["reliable"]) == ("cbpe", False)


@pytest.mark.parametrize(
    ("change", "maturity"),
    [({"labelled": 99}, 1.0), ({}, 0.89), ({"label_coverage": 0.5}, None), ({"label_coverage": None}, None)],
)
def test_nothing_is_said_before_enough_labels_have_come(change: dict[str, object], maturity: float | None) -> None:
    found = reconcile(record(32, 500, 1 - P) | change, maturity)
    assert found is not None
    assert found["gap"] is found["gap_metric"] is found["reliable"] is None
    assert found["metrics"]


def test_without_maturity_the_share_of_labels_stands_for_it() -> None:
    assert verdict(reconcile(record(33, 500, P), None)) is True


@pytest.mark.parametrize(
    ("maturity", "expected_share", "label_coverage", "told"),
    [(1.0, 0.95, 0.1, True), (0.9, 0.95, 1.0, False), (None, 0.0, 1.0, False), (None, None, 0.95, True)],
)
def test_in_a_record_the_share_of_all_labels_that_are_in_decides_and_coverage_where_it_is_not_known(
    maturity: float | None, expected_share: float | None, label_coverage: float, told: bool
) -> None:
    late = {"maturity": maturity, "expected_share": expected_share, "label_coverage": label_coverage}
    found: Any = conclude(record(33, 500, P) | late, WindowLayout(()))["estimated"]
    assert (found["reliable"] is not None) is told


def test_metrics_without_values_or_intervals_are_not_compared() -> None:
    window = record(34, 500, P)
    assert verdict(reconcile(window | {"intervals": {"auc": None}}, 1.0)) is None
    assert verdict(reconcile(window | {"metrics": {"auc": None}}, 1.0)) is None
    assert reconcile({"labelled": 500}, 1.0) is None


def test_values_without_any_uncertainty_part_as_soon_as_they_differ() -> None:
    assert standard_errors_apart(0.5, (0.5, 0.5), 0.5, (0.5, 0.5)) == 0.0
    assert standard_errors_apart(0.5, (0.5, 0.5), 0.6, (0.6, 0.6)) == float("inf")
