"""Distances against scipy, on the values themselves where bins are all that is known."""

from math import log

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from metrics.distances import jensen_shannon, psi, psi_noise, wasserstein
from tests.unit.metrics.features import numeric_feature, window_of

histograms = st.integers(1, 12).flatmap(
    lambda bins: st.tuples(*[st.lists(st.integers(0, 50), min_size=bins, max_size=bins)] * 2)
)


def test_psi_is_what_the_hand_computes() -> None:
    # (c + 1/2) / (n + 3/2) on both sides: 40, 30, 30 of 100 against 10, 0, 40 of 50; the last bin is empty
    p = [40.5 / 101.5, 30.5 / 101.5, 30.5 / 101.5]
    q = [10.5 / 51.5, 0.5 / 51.5, 40.5 / 51.5]
    by_hand = sum((b - a) * log(b / a) for a, b in zip(p, q, strict=True))
    assert psi(np.array([40, 30, 30, 0]), np.array([10, 0, 40, 0])) == pytest.approx(by_hand, rel=1e-12)


@given(histograms)
def test_psi_is_symmetric_never_negative_and_0_of_equals(pair: tuple[list[int], list[int]]) -> None:
    reference, counts = map(np.array, pair)
    assert psi(reference, counts) == pytest.approx(psi(counts, reference), abs=1e-12)
    assert psi(reference, counts) >= 0
    assert psi(reference, reference) == 0


def test_the_noise_of_psi_is_a_quantile_of_chi_square() -> None:
    reference, counts = np.array([100, 200, 0, 300]), np.array([5, 5, 0, 40])
    expected = (1 / 50 + 1 / 600) * stats.chi2.ppf(0.99, 2)
    assert psi_noise(reference, counts, 0.01) == pytest.approx(expected, rel=1e-12)
    assert psi_noise(np.array([9, 0]), np.array([4, 0]), 0.01) == 0


@pytest.mark.parametrize("n", [50, 500])
def test_without_drift_psi_exceeds_its_noise_about_as_often_as_promised(n: int) -> None:
    rng = np.random.default_rng(31)
    shares = np.array([0.005, 0.095, *[0.1] * 9])  # nulls, and ten groups
    references, windows = (rng.multinomial(size, shares, 1500) for size in (10_000, n))
    above = [psi(m, w) > psi_noise(m, w, 0.01) for m, w in zip(references, windows, strict=True)]
    assert 0.001 <= np.mean(above) <= 0.02


@given(histograms)
def test_jensen_shannon_equals_scipy(pair: tuple[list[int], list[int]]) -> None:
    reference, counts = map(np.array, pair)
    assume(reference.any() and counts.any())
    expected = np.nan_to_num(distance.jensenshannon(reference, counts, base=2))  # scipy: nan for some equals
    assert jensen_shannon(reference, counts) == pytest.approx(expected, abs=1e-7)


def standardised(reference: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, float, float]:
    """(distance, its error, scipy's of the values)."""
    feature = numeric_feature(reference)
    window = window_of(feature, values.tolist())
    edges = (np.array(feature.edges) - feature.mean) / feature.std
    shift, square = window.z_sum / len(values), window.z_squares / len(values)
    found, error = wasserstein(edges, np.array(feature.counts[4:]), window.counts[4:], shift, square)
    return found, error, stats.wasserstein_distance(reference / feature.std, values / feature.std)


@pytest.mark.parametrize("shift", [0.0, 0.3, -2.0, 30.0])
@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_wasserstein_is_within_its_bound_of_the_distance_of_the_values(shift: float, scale: float) -> None:
    rng = np.random.default_rng(32)
    reference, values = rng.normal(size=4000), rng.normal(shift, scale, 1500)
    found, error, expected = standardised(reference, values)
    assert abs(found - expected) <= error
    # The bound is for the worst case; only of what lies beyond both ends is a part really lost.
    assert found == pytest.approx(expected, rel=0.25 if scale == 3.0 else 0.05, abs=0.05)


def test_wasserstein_of_values_beyond_the_range_is_as_exact_as_their_mean() -> None:
    rng = np.random.default_rng(33)
    found, _, expected = standardised(rng.random(1000), 10 + rng.random(300))
    assert found == pytest.approx(expected, rel=1e-3)


def test_the_bound_covers_what_cancels_beyond_both_ends() -> None:
    reference = np.random.default_rng(34).random(1000)
    found, error, expected = standardised(reference, np.array([*[-10.0] * 50, *[11.0] * 50]))
    assert found < expected / 10
    assert expected <= found + error <= 1.1 * expected


numbers = st.lists(st.floats(-50, 50, allow_subnormal=False), min_size=1, max_size=25)


@given(numbers, numbers)
def test_wasserstein_is_within_its_bound_whatever_the_values(of_reference: list[float], of_window: list[float]) -> None:
    reference, values = np.array(of_reference), np.array(of_window)
    assume(reference.std() > 0.05)  # z-scores end at 1000
    found, error, expected = standardised(reference, values)
    assert abs(found - expected) <= error + 1e-5  # z-scores are kept as f4


def test_without_a_bin_between_edges_there_is_the_mean_alone() -> None:
    assert wasserstein(np.array([0.0]), np.array([3, 0]), np.array([0, 3]), 2.0, 4.0) == (2.0, 0.0)
