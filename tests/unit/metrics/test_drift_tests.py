"""p-values against scipy: to rounding where the bins say it all, within the stated bound where they do not."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from metrics.drift_tests import EXPECTED_MIN, benjamini_hochberg, chi2_pvalue, ks, ks_pvalue, nulls_doubled
from metrics.intervals import wilson
from tests.unit.metrics.features import numeric_feature, window_of

numbers = st.lists(st.floats(-5, 5), min_size=1, max_size=30)


@given(numbers, numbers, st.lists(st.floats(-6, 6), max_size=5, unique=True))
def test_the_true_statistic_is_at_most_its_error_above(
    reference: list[float], values: list[float], edges: list[float]
) -> None:
    binned = [
        np.bincount(np.searchsorted(sorted(edges), side, side="left"), minlength=len(edges) + 1)
        for side in (reference, values)
    ]
    found, error = ks(binned[0], binned[1])
    below = [
        np.searchsorted(np.sort(side), reference + values, side="right") / len(side) for side in (reference, values)
    ]
    expected = np.abs(below[0] - below[1]).max()  # by the definition; scipy's takes longer and warns of few values
    assert found - 1e-12 <= expected <= found + error + 1e-12


def test_the_statistic_of_values_that_are_all_edges_is_exact() -> None:
    rng = np.random.default_rng(41)
    reference, values = rng.poisson(3, 2000).astype(float), rng.poisson(4, 700).astype(float)
    feature = numeric_feature(reference)
    found, _ = ks(np.array(feature.counts[4:]), window_of(feature, values.tolist()).counts[4:])
    expected = stats.ks_2samp(reference, values)
    assert found == pytest.approx(expected.statistic, abs=1e-12)
    assert ks_pvalue(found, 700, 2000) == pytest.approx(expected.pvalue, rel=0.1)


@pytest.mark.parametrize("n", [30, 300, 3000])
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5])
def test_the_binned_p_value_is_conservative_and_close(n: int, shift: float) -> None:
    rng = np.random.default_rng(42)
    reference, values = rng.normal(size=10_000), rng.normal(shift, 1, n)
    feature = numeric_feature(reference)
    found, error = ks(np.array(feature.counts[4:]), window_of(feature, values.tolist()).counts[4:])
    expected = stats.ks_2samp(reference, values, method="asymp")
    assert ks_pvalue(found, n, 10_000) >= expected.pvalue
    assert ks_pvalue(found + error, n, 10_000) <= stats.kstwobign.sf(np.sqrt(n / (1 + n / 10_000)) * expected.statistic)
    assert error < (0.05 if n >= 300 else 0.2)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=2, max_size=8))
def test_chi_square_equals_scipy_where_nothing_is_rare(columns: list[tuple[int, int]]) -> None:
    table = np.array(columns).T
    assume(table.sum(axis=1).all() and table.sum(axis=0).all())
    expected = stats.chi2_contingency(table, correction=False)
    assume((expected.expected_freq >= EXPECTED_MIN).all())
    assert chi2_pvalue(table[0], table[1]) == pytest.approx(expected.pvalue, abs=1e-12)


def test_rare_bins_are_merged_into_one() -> None:
    # A bin of the window, a fifth of the baseline, has 5 expected records from 30 together.
    reference, counts = np.array([400, 20, 4, 2, 0, 0]), np.array([70, 9, 3, 1, 2, 0])
    merged = stats.chi2_contingency([[400, 26], [70, 15]], correction=False)
    assert chi2_pvalue(reference, counts) == pytest.approx(merged.pvalue, rel=1e-9)


def test_a_merged_bin_that_is_still_rare_takes_the_next_one() -> None:
    reference, counts = np.array([5000, 3000, 0]), np.array([20, 20, 10])
    merged = stats.chi2_contingency([[5000, 3000], [20, 30]], correction=False)
    assert chi2_pvalue(reference, counts) == pytest.approx(merged.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("reference", "counts"),
    [([9, 9], [0, 0]), ([0, 0], [9, 9]), ([500, 0], [50, 0]), ([500, 1], [50, 0]), ([500, 0], [0, 50]), ([], [])],
)
def test_chi_square_of_one_bin_or_nothing_is_unknown(reference: list[int], counts: list[int]) -> None:
    assert chi2_pvalue(np.array(reference, np.int64), np.array(counts, np.int64)) is None


def test_chi_square_without_change_rejects_as_often_as_promised() -> None:
    rng = np.random.default_rng(43)
    shares = np.array([0.5, 0.3, 0.1, 0.05, 0.03, 0.01, 0.01])
    references, windows = (rng.multinomial(size, shares, 2000) for size in (10_000, 100))
    p_values = [chi2_pvalue(m, w) for m, w in zip(references, windows, strict=True)]
    assert 0.035 <= np.mean([p is not None and p < 0.05 for p in p_values]) <= 0.065


@given(st.lists(st.floats(0, 1), max_size=20), st.sampled_from([0.01, 0.05, 0.2]))
def test_benjamini_hochberg_equals_scipy(p_values: list[float], q: float) -> None:
    expected = stats.false_discovery_control(p_values, method="bh") if p_values else np.array([])
    assume((np.abs(expected - q) > 1e-12).all())
    assert benjamini_hochberg(p_values, q) == (expected <= q).tolist()


def test_nulls_have_doubled_when_the_lower_end_of_the_interval_has() -> None:
    rate, doubled = wilson(125, 1000), wilson(500, 10_000)
    assert rate is not None
    assert doubled is not None
    assert rate[0] < 2 * doubled[1]
    assert not nulls_doubled(125, 1000, 500, 10_000)
    assert nulls_doubled(140, 1000, 500, 10_000)


@pytest.mark.parametrize(("null", "records"), [(0, 50), (9, 1000), (900, 100_000), (0, 0)])
def test_less_than_a_null_in_a_hundred_is_not_worth_a_word(null: int, records: int) -> None:
    assert not nulls_doubled(null, records, 0, 10_000)


def test_a_few_percent_of_nulls_are_found_where_there_were_none() -> None:
    assert nulls_doubled(15, 500, 0, 10_000)
    assert not nulls_doubled(15, 500, 0, 0)


@pytest.mark.parametrize("rate", [0.002, 0.01, 0.05])
@pytest.mark.parametrize("n", [50, 500])
def test_null_rates_that_did_not_change_have_hardly_ever_doubled(rate: float, n: int) -> None:
    rng = np.random.default_rng(44)
    pairs = zip(rng.binomial(n, rate, 3000).tolist(), rng.binomial(10_000, rate, 3000).tolist(), strict=True)
    assert np.mean([nulls_doubled(null, n, before, 10_000) for null, before in pairs]) <= 0.005
