"""Calibration against scikit-learn's isotonic regression, and when it is left alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from metrics.isotonic import calibrated, calibration_error, isotonic, middles

BINS = 1000
Histogram = NDArray[np.int64]


def labelled(seed: int, n: int, p: NDArray[np.float64]) -> tuple[Histogram, Histogram]:
    """Uniform scores whose labels are positive with the probability of their bin."""
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, len(p), n)
    actual = rng.random(n) < p[bins]
    return np.bincount(bins[~actual], minlength=len(p)), np.bincount(bins[actual], minlength=len(p))


@pytest.mark.parametrize("n", [3, 300, 20_000])
def test_the_curve_is_the_one_of_scikit_learn(n: int) -> None:
    negatives, positives = labelled(1, n, middles(BINS) ** 2)
    scores, counts = np.tile(middles(BINS), 2), np.concatenate([negatives, positives])
    actual = np.repeat([0, 1], BINS)
    held = counts > 0
    oracle = IsotonicRegression(out_of_bounds="clip").fit(scores[held], actual[held], counts[held])
    np.testing.assert_allclose(isotonic(negatives, positives), oracle.predict(middles(BINS)), atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_probabilities_are_in_0_to_1_and_never_fall_with_the_score(bins: list[tuple[int, int]]) -> None:
    negatives, positives = np.array(bins, np.int64).T
    for p in isotonic(negatives, positives), calibrated(negatives, positives, np.random.default_rng(2)):
        assert p.shape == negatives.shape
        assert ((p >= 0) & (p <= 1)).all()
        assert (np.diff(p) >= 0).all()


def test_scores_that_mean_something_else_are_calibrated() -> None:
    truth = middles(BINS) ** 3
    found = calibrated(*labelled(3, 20_000, truth), np.random.default_rng(0))
    assert np.abs(found - truth).mean() < 0.02 < np.abs(middles(BINS) - truth).mean()


def test_scores_that_are_probabilities_are_left_as_they_are() -> None:
    found = calibrated(*labelled(4, 2_000, middles(BINS)), np.random.default_rng(0))
    assert (found == middles(BINS)).all()


def test_the_same_reference_and_seed_give_the_same_calibration() -> None:
    reference = labelled(5, 500, middles(BINS) ** 1.2)
    first, second = (calibrated(*reference, np.random.default_rng(6)) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize(("negatives", "positives"), [(0, 0), (5, 0), (0, 5)])
def test_without_records_of_both_classes_scores_are_taken_at_their_word(negatives: int, positives: int) -> None:
    found = calibrated(np.full(4, negatives), np.full(4, positives), np.random.default_rng(0))
    assert found.tolist() == [0.125, 0.375, 0.625, 0.875]


def test_the_calibration_error_is_that_of_ten_groups_of_equal_size() -> None:
    rng = np.random.default_rng(7)
    score, actual = np.sort(rng.random(1000)), rng.random(1000) < 0.4
    by_hand = np.mean([abs(score[i : i + 100].mean() - actual[i : i + 100].mean()) for i in range(0, 1000, 100)])
    ones = np.ones(1000)
    assert calibration_error(ones, actual.astype(float), score) == pytest.approx(by_hand, abs=1e-12)
    assert calibration_error(0 * ones, 0 * ones, 0 * ones) == 0.0
