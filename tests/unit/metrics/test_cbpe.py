"""Estimated performance against NannyML's formulas record by record, scikit-learn on drawn labels, and coverage."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as oracle

from metrics.cbpe import Estimated, auc_optimism, estimate
from metrics.confusion import Confusion
from metrics.isotonic import isotonic, middles
from metrics.roc_auc import roc_auc

BINS = 1000
MANY = 10**12
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TRUTH = np.clip(middles(BINS) ** 1.7, 0.002, 0.98)
"""What the scores really mean."""
METRICS = ("accuracy", "precision", "recall", "specificity", "f1", "auc")


def draw_bins(rng: np.random.Generator, n: int) -> Ints:
    """Score bins of n records; a quarter of them are suspicious."""
    score = np.where(rng.random(n) < 0.25, rng.beta(6, 2, n), rng.beta(1.2, 9, n))
    return (score * BINS).astype(np.int64)


def estimated(bins: Ints, p: Floats, reference_records: int = MANY, auc_optimism: float = 0.0) -> Estimated:
    positive = bins >= BINS // 2
    negatives, positives = (np.bincount(bins[of], minlength=BINS) for of in (~positive, positive))
    return estimate(negatives, positives, p, reference_records, auc_optimism)


def by_class(bins: Ints, actual: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Histograms of the scores of negatives and positives."""
    return np.bincount(bins[~actual], minlength=BINS), np.bincount(bins[actual], minlength=BINS)


def nannyml(score: Floats, p: Floats, predicted: NDArray[np.bool_]) -> dict[str, float]:
    """The sums of NannyML over single records: raw scores sort, calibrated ones count."""
    tp, fp, fn, tn = p[predicted].sum(), (1 - p[predicted]).sum(), p[~predicted].sum(), (1 - p[~predicted]).sum()
    order = np.argsort(-score)
    last = np.append(np.diff(score[order]) != 0, True)  # a threshold stands behind the last of equal scores
    tpr, fpr = (np.append(0, np.cumsum(weight[order])[last]) / weight.sum() for weight in (p, 1 - p))
    return {
        "accuracy": (tp + tn) / len(p),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "f1": tp / (tp + 0.5 * (fp + fn)),
        "auc": float(np.trapezoid(tpr, fpr)),
    }


def realised(bins: Ints, actual: NDArray[np.bool_]) -> dict[str, float | None]:
    """Metrics of the labels, quickly."""
    predicted = bins >= BINS // 2
    pairs = np.bincount(2 * predicted + actual, minlength=4).tolist()
    table = Confusion(tn=pairs[0], fn=pairs[1], fp=pairs[2], tp=pairs[3])
    auc = roc_auc(*by_class(bins, actual))
    return {name: auc if name == "auc" else getattr(table, name) for name in METRICS}


def scikit_learns(bins: Ints, actual: NDArray[np.bool_]) -> dict[str, float]:
    predicted = bins >= BINS // 2
    return {
        "accuracy": oracle.accuracy_score(actual, predicted),
        "precision": oracle.precision_score(actual, predicted),
        "recall": oracle.recall_score(actual, predicted),
        "specificity": oracle.recall_score(~actual, ~predicted),
        "f1": oracle.f1_score(actual, predicted),
        "auc": oracle.roc_auc_score(actual, bins),
    }


def test_metrics_equal_nannymls_when_scores_sit_in_the_middle_of_their_bins() -> None:
    bins = draw_bins(np.random.default_rng(1), 4000)
    expected = nannyml(middles(BINS)[bins], TRUTH[bins], bins >= BINS // 2)
    assert estimated(bins, TRUTH)["metrics"] == pytest.approx(expected, abs=1e-9)


def test_raw_scores_sort_even_where_the_calibration_is_level() -> None:
    level = np.full(BINS, 0.3)
    bins = draw_bins(np.random.default_rng(2), 500)
    expected = nannyml(middles(BINS)[bins], level[bins], bins >= BINS // 2)
    found = estimated(bins, level)["metrics"]
    assert found == pytest.approx(expected, abs=1e-9)
    assert found["auc"] == pytest.approx(0.5, abs=1e-12)


def test_metrics_and_intervals_are_mean_and_spread_of_those_of_drawn_labels() -> None:
    rng = np.random.default_rng(3)
    bins = draw_bins(rng, 2000)
    found = estimated(bins, TRUTH)
    labels = rng.random((200, len(bins))) < TRUTH[bins]
    drawn = [realised(bins, actual) for actual in labels]
    assert drawn[0] == pytest.approx(scikit_learns(bins, labels[0]), abs=1e-12)
    for name in METRICS:
        value, interval = found["metrics"][name], found["intervals"][name]
        assert value is not None
        assert interval is not None
        values, sd = [each[name] or 0.0 for each in drawn], (interval[1] - interval[0]) / 2 / 1.96
        assert abs(np.mean(values) - value) < 4 * sd / np.sqrt(len(drawn)), name
        assert 0.85 < np.std(values) / sd < 1.15, name


def test_the_accuracys_interval_is_that_of_independent_labels() -> None:
    bins = draw_bins(np.random.default_rng(4), 700)
    found, sd = estimated(bins, TRUTH), np.sqrt((TRUTH[bins] * (1 - TRUTH[bins])).sum()) / 700
    value, interval = found["metrics"]["accuracy"], found["intervals"]["accuracy"]
    assert value is not None
    assert interval == pytest.approx([value - 1.959963984540054 * sd, value + 1.959963984540054 * sd], abs=1e-9)


@pytest.mark.parametrize(("n", "reference"), [(300, None), (2000, 5000), (2000, 2000)])
def test_intervals_hold_the_realised_value_95_times_in_100(n: int, reference: int | None) -> None:
    """As well when the calibration was learned from as few records as the window has."""
    rng, windows = np.random.default_rng(5), 200
    covered = dict.fromkeys(METRICS, 0)
    for _ in range(windows):
        p, optimism = TRUTH, 0.0
        if reference is not None:
            learned = draw_bins(rng, reference)
            positive = rng.random(reference) < TRUTH[learned]
            known = by_class(learned, positive)
            p = isotonic(*known)
            optimism = auc_optimism(*known, p)
        bins = draw_bins(rng, n)
        truth = realised(bins, rng.random(n) < TRUTH[bins])
        intervals = estimated(bins, p, reference or MANY, optimism)["intervals"]
        for name in METRICS:
            lower, upper = intervals[name] or (np.nan, np.nan)
            value = truth[name]
            covered[name] += value is not None and lower <= value <= upper
    assert {name for name, count in covered.items() if not 0.92 <= count / windows <= 0.98} == set()
    assert 0.93 <= sum(covered.values()) / windows / len(METRICS) <= 0.97


def test_optimism_is_the_promised_auc_of_the_reference_less_scikit_learns_and_widens_downwards_only() -> None:
    rng = np.random.default_rng(6)
    bins = draw_bins(rng, 800)
    actual = rng.random(800) < TRUTH[bins]
    known = by_class(bins, actual)
    p = isotonic(*known)
    optimism, promised = auc_optimism(*known, p), estimated(bins, p)["metrics"]["auc"]
    assert promised is not None
    assert optimism == pytest.approx(promised - oracle.roc_auc_score(actual, bins), abs=1e-12)
    assert optimism > 0
    plain, wider = (estimated(bins, p, 800, extra)["intervals"] for extra in (0.0, optimism))
    for name in METRICS:
        (lower, upper), (below, above) = plain[name] or (0, 0), wider[name] or (0, 0)
        assert lower - below == pytest.approx(optimism if name == "auc" else 0.0), name
        assert above == upper, name
    assert auc_optimism(np.zeros(4, np.int64), np.array([0, 0, 3, 4]), middles(4)) == 0.0


def test_an_empty_window_and_one_without_predicted_positives_have_no_such_numbers() -> None:
    nothing = np.zeros(4, np.int64)
    empty = estimate(nothing, nothing, middles(4), 100)
    assert set(empty["metrics"]) == set(METRICS)
    assert list(empty["metrics"].values()) == [None] * 6
    assert list(empty["intervals"].values()) == [None] * 6
    negative = estimate(np.array([5, 1, 0, 0]), nothing, middles(4), 100)["metrics"]
    assert negative["precision"] is None
    assert negative["recall"] == negative["f1"] == 0.0


def test_one_class_only_has_no_auc_and_certainty_an_interval_of_no_width() -> None:
    counts, sure = np.array([0, 0, 0, 7]), np.array([0.0, 0.0, 1.0, 1.0])
    found = estimate(np.zeros(4, np.int64), counts, sure, 100)
    assert found["metrics"]["auc"] is None
    assert found["metrics"]["specificity"] is None
    assert found["intervals"]["accuracy"] == [1.0, 1.0]
