"""Intervals against scipy, a pairwise DeLong and simulated coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from metrics.intervals import DELONG_RECORDS_MIN, auc_interval, f1_interval, wilson
from metrics.layout import FINE
from metrics.roc_auc import Variance, delong_variance, roc_auc
from tests.unit.metrics.records import draw_records, window


@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_equals_scipy(trials: int, share: float) -> None:
    successes = round(share * trials)
    expected = stats.binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_touches_its_end_exactly_when_all_or_none_succeed() -> None:
    none, every = wilson(0, 7), wilson(7, 7)
    assert none is not None
    assert every is not None
    assert none[0] == 0.0 < none[1]
    assert every[0] < every[1] == 1.0


@pytest.mark.parametrize("n", [100, 1000])
def test_the_f1_interval_covers_the_true_f1_about_95_times_in_100(n: int) -> None:
    tp, fp, fn = 0.10, 0.06, 0.04  # shares of all outcomes; the rest are true negatives
    truth = 2 * tp / (2 * tp + fp + fn)
    drawn = np.random.default_rng(21).multinomial(n, [tp, fp, fn, 1 - tp - fp - fn], size=4000)
    covered = [lower <= truth <= upper for lower, upper in map(f1_of, drawn.tolist())]
    assert 0.94 <= np.mean(covered) <= 0.965


def f1_of(outcomes: list[int]) -> tuple[float, float]:
    interval = f1_interval(*outcomes[:3])
    assert interval is not None
    return interval


def pairwise_delong(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> tuple[float, float]:
    """AUC and variance straight from the definition, all P N pairs."""
    difference = positives[:, np.newaxis] - negatives[np.newaxis, :]
    wins = np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0))
    of_positives, of_negatives = wins.mean(axis=1), wins.mean(axis=0)
    variance = of_positives.var(ddof=1) / len(positives) + of_negatives.var(ddof=1) / len(negatives)
    return float(wins.mean()), float(variance)


@pytest.mark.parametrize("n", [30, 800])
def test_the_variance_of_the_auc_equals_delong_over_all_pairs(n: int) -> None:
    records = draw_records(seed=22, n=n)
    _, cells = window(records, FINE)
    binned = np.minimum(np.floor(records.score * 1000), 999)
    auc, variance = pairwise_delong(binned[records.actual == 1], binned[records.actual == 0])
    histograms = FINE.negatives(cells), FINE.positives(cells)
    assert roc_auc(*histograms) == pytest.approx(auc, abs=1e-12)
    found = delong_variance(*histograms)
    assert found is not None
    assert found.value == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("n", [150, 800])
def test_the_degrees_of_freedom_and_the_quantile_are_brunner_munzels(n: int) -> None:
    """scipy publishes them as a p-value of AUC = 1/2: statistic (A - 1/2) / sd, two-sided."""
    records = draw_records(seed=24, n=n)
    noise = np.random.default_rng(24).random(n)  # scores that know little, for a p-value that is not 0
    binned = np.minimum(np.floor((0.1 * records.score + 0.9 * noise) * 1000), 999).astype(np.int64)
    histograms = [np.bincount(binned[records.actual == of], minlength=1000) for of in (0, 1)]
    auc, found = roc_auc(*histograms), delong_variance(*histograms)
    assert auc is not None
    assert found is not None
    statistic = (auc - 0.5) / np.sqrt(found.value)
    expected = stats.brunnermunzel(binned[records.actual == 0], binned[records.actual == 1])
    assert abs(statistic) == pytest.approx(abs(expected.statistic), rel=1e-9)
    assert 2 * stats.t.sf(abs(statistic), found.freedom) == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_auc_interval_is_symmetric_on_the_logit_scale() -> None:
    interval = auc_interval(0.9, Variance(0.0009, freedom=60), 50, 500)
    assert interval is not None
    lower, upper = (np.log(end / (1 - end)) for end in interval)
    assert (lower + upper) / 2 == pytest.approx(np.log(9), abs=1e-12)
    assert upper - lower == pytest.approx(2 * stats.t.ppf(0.975, 60) * 0.03 / 0.09, abs=1e-12)


def test_perfect_separation_is_uncertain_by_the_smaller_class() -> None:
    assert auc_interval(1.0, Variance(0.0, 508), 10, 500) == wilson(10, 10)
    assert auc_interval(0.0, Variance(0.0, 508), 500, 10) == wilson(0, 10)


def test_equal_scores_leave_the_auc_uncertain_though_its_variance_is_0() -> None:
    histogram = np.array([0, 20, 0])
    assert delong_variance(histogram, histogram) == (0, 38)
    assert auc_interval(0.5, Variance(0.0, 38), 20, 20) == wilson(10, 20)


def test_a_class_too_small_for_a_variance_gets_the_wide_interval() -> None:
    few = DELONG_RECORDS_MIN - 1
    assert delong_variance(np.array([3, 4]), np.array([0, 1])) is None
    assert auc_interval(0.8, None, 1, 7) == wilson(0.8, 1)
    assert auc_interval(0.8, Variance(1e-4, 500), few, 500) == wilson(0.8 * few, few)
    assert auc_interval(0.8, Variance(1e-4, 500), DELONG_RECORDS_MIN, 500) != wilson(0.8 * few, few)


def test_the_auc_interval_does_not_overflow_at_its_ends() -> None:
    assert auc_interval(1 - 1e-9, Variance(0.05, 10**6), 10**6, 10**6) == (0.0, 1.0)


@pytest.mark.parametrize(("positives", "least"), [(3, 0.95), (30, 0.90), (100, 0.92)])
def test_the_auc_interval_covers_the_true_auc(positives: int, least: float) -> None:
    rng = np.random.default_rng(23)
    truth = stats.norm.cdf(1.5 / np.sqrt(2))
    covered = []
    for _ in range(1000):
        histograms = [
            np.histogram(stats.norm.cdf(rng.normal(mean, 1, n)), 1000, (0, 1))[0]
            for mean, n in ((0.0, 500), (1.5, positives))
        ]
        interval = auc_interval(roc_auc(*histograms), delong_variance(*histograms), positives, 500)
        assert interval is not None
        covered.append(interval[0] <= truth <= interval[1])
    assert np.mean(covered) >= least
