"""Numbers whose oracle is not in the test of their own module: what each published number is held against stands in
docs/statistics.md.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn.calibration import calibration_curve as sklearns_curve

from metrics.adwin import Adwin
from metrics.calibration import calibration_curve, expected_calibration_error
from metrics.drift_tests import ks, ks_pvalue
from metrics.layout import FINE
from metrics.observer import ERROR, OK, Observation
from metrics.regression_result import mean_interval, positive_mean_interval, skewness
from metrics.sequential import PageHinkley
from metrics.service import Service

unhurried = settings(deadline=None)  # a loaded machine is no wrong answer
windows = st.lists(st.integers(0, 30).map(lambda errors: (errors, 30)), min_size=1, max_size=5)


@pytest.mark.parametrize("n", [2, 30, 5000])
def test_the_interval_of_a_mean_is_scipys_of_students_t(n: int) -> None:
    values = np.random.default_rng(n).gamma(2, 3, n)
    total, squares = (sum((Fraction(x) ** power for x in values.tolist()), Fraction(0)) for power in (1, 2))
    mean, error = values.mean(), stats.sem(values)
    assert mean_interval(total, squares, n) == pytest.approx(stats.t.interval(0.95, n - 1, mean, error), rel=1e-9)
    on_logs = stats.t.interval(0.95, n - 1, np.log(mean), error / mean)  # delta method: d ln m = dm / m
    assert positive_mean_interval(total, squares, n) == pytest.approx(np.exp(on_logs), rel=1e-9)


@pytest.mark.parametrize("n", [20, 300])
def test_the_interval_of_a_skewed_mean_solves_halls_cubic(n: int) -> None:
    values = np.random.default_rng(n).gamma(0.4, 3, n)
    total, squares = (sum((Fraction(x) ** power for x in values.tolist()), Fraction(0)) for power in (1, 2))
    skew = float(stats.skew(values))
    assert skewness(np.ones(n, np.int64), values) == pytest.approx(skew, rel=1e-12)
    g, quantile = skew / math.sqrt(n), stats.t.ppf(0.975, n - 1)

    def studentised(normal: float) -> float:
        return float(optimize.brentq(lambda t: t + g / 3 * t**2 + g**2 / 27 * t**3 + g / 6 - normal, -1e3, 1e3))

    low, high = (values.mean() - stats.sem(values) * studentised(end) for end in (quantile, -quantile))
    on_logs = np.exp(stats.t.interval(0.95, n - 1, np.log(values.mean()), stats.sem(values) / values.mean()))
    found = positive_mean_interval(total, squares, n, skew)
    assert high > on_logs[1]  # what the cubic is for
    assert found == pytest.approx((min(low, on_logs[0]), high), rel=1e-9)


@pytest.mark.parametrize("n", [40, 3000])
def test_the_calibration_curve_is_scikit_learns(n: int) -> None:
    rng = np.random.default_rng(n)
    score = rng.beta(1, 2, n)
    actual = rng.random(n) < score**1.3
    bins = (score * 10).astype(np.int64)
    counts, positives, sums = (np.bincount(bins, weights=w, minlength=10) for w in (np.ones(n), actual, score))
    found = calibration_curve(counts.astype(int).tolist(), positives.astype(int).tolist(), sums.tolist())
    rates, means = sklearns_curve(actual, score, n_bins=10)
    assert [each["positive_rate"] for each in found] == pytest.approx(rates.tolist(), abs=1e-12)
    assert [each["mean_score"] for each in found] == pytest.approx(means.tolist(), abs=1e-12)
    held = counts[counts > 0]
    assert expected_calibration_error(found) == pytest.approx(float(held @ np.abs(rates - means)) / n, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(30, 30), (30, 60), (50, 200), (100, 1000)])
def test_kolmogorov_smirnov_of_few_unbinned_values_is_near_the_exact_test(n: int, m: int) -> None:
    """Each value a bin of its own: the statistic is scipy's, the p-value the asymptotic one."""
    rng = np.random.default_rng([n, m])
    for _ in range(20):
        values, reference = rng.normal(0, 1, n), rng.normal(rng.uniform(0, 0.8), 1, m)
        place = np.argsort(np.argsort(np.concatenate([values, reference])))
        mine, others = (np.bincount(side, minlength=n + m) for side in (place[:n], place[n:]))
        exact = stats.ks_2samp(values, reference, method="exact")
        statistic, _ = ks(others, mine)
        assert statistic == pytest.approx(exact.statistic, abs=1e-12)
        p_value = ks_pvalue(statistic, n, m)
        assert p_value == pytest.approx(stats.kstwobign.sf(np.sqrt(n * m / (n + m)) * statistic), abs=1e-12)
        assert -0.01 <= p_value - exact.pvalue <= 0.025


def test_serving_latency_and_failures_are_numpys_of_the_records() -> None:
    rng = np.random.default_rng(5)
    seconds = rng.lognormal(-4, 1.5, 2000)
    seen = np.zeros(2100, [("latency_us", "<u4"), ("status", "u1")])
    seen["latency_us"][:2000] = np.rint(seconds * 1e6) + 1  # the others do not tell
    seen["status"] = np.where(np.arange(2100) % 50 == 0, ERROR, OK)
    made = np.arange(2100) % 100 != 0
    observation = Observation(np.full(2100, np.nan), np.zeros(2100, np.int8), seen, made)
    head, cells = Service().observe(observation, np.zeros(2100, np.int64), 1)
    found = Service().summarise(head[0], cells[0], 60.0)
    marks = np.quantile(seconds, [0.5, 0.95, 0.99, 1], method="inverted_cdf")
    expected = dict(zip(("p50", "p95", "p99", "max"), marks, strict=True)) | {"mean": seconds.mean()}
    assert found["prediction_latency_seconds"] == pytest.approx(expected, rel=FINE.latency_relative_error + 1e-6)
    assert found["prediction_latency_seconds"]["mean"] == pytest.approx(seconds.mean(), abs=1e-6)  # type: ignore[index]  # a dictionary
    assert found["failed"] == 21


@unhurried
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(20, 40)), min_size=1, max_size=30))
def test_page_hinkley_is_the_greatest_rise_of_the_cumulative_sum(counts: list[tuple[int, int]]) -> None:
    """By its definition: the sum of (error - mean so far - tolerance), less the least one so far."""
    test, errors, records, sums = PageHinkley(threshold=1e9), 0, 0, [0.0]
    for k, n in counts:
        errors, records = errors + k, records + n
        sums.append(sums[-1] + k - n * (errors / records + test.tolerance))
        test = test.update(k, n)
    assert test.statistic == pytest.approx(sums[-1] - min(sums), abs=1e-9)
    assert test.mean == pytest.approx(errors / records)


@unhurried
@given(windows)
def test_adwin_drops_the_oldest_windows_as_long_as_the_papers_bound_is_broken_anywhere(
    counts: list[tuple[int, int]],
) -> None:
    """Five windows are kept one by one, so that every cut can be tried by hand."""
    test, kept = Adwin(delta=0.05), list[tuple[int, int]]()
    for k, n in counts:
        test, kept = test.update(k, n), [*kept, (k, n)]
        while any(parts_differ(kept[:cut], kept[cut:], 0.05) for cut in range(1, len(kept))):
            kept = kept[1:]
        assert [(each.errors, each.records) for each in test.buckets] == kept


def parts_differ(old: list[tuple[int, int]], new: list[tuple[int, int]], delta: float) -> bool:
    """Bifet & Gavalda 2007, section 4: |mean difference| > sqrt(2 var ln(2 / d) / m) + 2 ln(2 / d) / (3 m)."""
    (k0, n0), (k1, n1) = (map(sum, zip(*part, strict=True)) for part in (old, new))
    rate = (k0 + k1) / (n0 + n1)
    harmonic = 1 / (1 / n0 + 1 / n1)
    confidence = np.log(2 * np.log(n0 + n1) / delta)
    bound = np.sqrt(2 / harmonic * rate * (1 - rate) * confidence) + 2 / (3 * harmonic) * confidence
    return bool(abs(k1 / n1 - k0 / n0) > bound)
