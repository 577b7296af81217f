"""Estimated losses against scikit-learn's piecewise constant regression, and coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from metrics.dle import estimate, loss_sums

BINS = 20


def draw(rng: np.random.Generator, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Predictions' bins and errors: the greater the prediction, the farther it is off."""
    bins = np.minimum(rng.exponential(4, n).astype(np.int64), BINS - 1)
    return bins, rng.normal(0.3, 1 + bins / 5)


def test_the_estimate_is_the_mean_of_a_tree_that_splits_at_every_bin() -> None:
    rng = np.random.default_rng(1)
    bins, error = draw(rng, 3000)
    seen = rng.choice(bins, 400)
    found = estimate(np.bincount(seen, minlength=BINS), loss_sums(bins, error, BINS))["metrics"]
    for name, loss in ("mae", np.abs(error)), ("mse", error**2):
        tree = DecisionTreeRegressor(min_impurity_decrease=0.0).fit(bins.reshape(-1, 1), loss)
        assert found[name] == pytest.approx(tree.predict(seen.reshape(-1, 1)).mean(), rel=1e-9)
    mse = found["mse"]
    assert mse is not None
    assert found["rmse"] == pytest.approx(np.sqrt(mse))


@given(st.integers(0, 30))
def test_sums_of_chunks_are_the_sums_of_the_whole(cut: int) -> None:
    bins, error = draw(np.random.default_rng(2), 30)
    parts = loss_sums(bins[:cut], error[:cut], BINS) + loss_sums(bins[cut:], error[cut:], BINS)
    np.testing.assert_allclose(parts, loss_sums(bins, error, BINS), rtol=1e-12)


@pytest.mark.parametrize(("n", "reference"), [(500, 5000), (5000, 5000)])
def test_intervals_hold_the_realised_loss_95_times_in_100(n: int, reference: int) -> None:
    rng, windows = np.random.default_rng(3), 200
    covered = {"mae": 0, "mse": 0, "rmse": 0}
    for _ in range(windows):
        sums = loss_sums(*draw(rng, reference), BINS)
        bins, error = draw(rng, n)
        mse = np.mean(error**2)
        truth = {"mae": np.mean(np.abs(error)), "mse": mse, "rmse": np.sqrt(mse)}
        intervals = estimate(np.bincount(bins, minlength=BINS), sums)["intervals"]
        for name, value in truth.items():
            lower, upper = intervals[name] or (np.nan, np.nan)
            covered[name] += lower <= value <= upper
    assert {name for name, count in covered.items() if not 0.92 <= count / windows <= 0.98} == set()


def test_a_bin_that_the_reference_lacks_lies_between_its_neighbours() -> None:
    sums = loss_sums(np.array([0, 0, 2, 2]), np.array([1.0, -1.0, 3.0, 3.0]), 4)
    for bin_, loss in (1, 2.0), (3, 3.0):
        assert estimate(np.bincount([bin_], minlength=4), sums)["metrics"]["mae"] == loss


def test_one_reference_record_gives_a_number_and_none_of_them_none() -> None:
    window = np.array([2, 1])
    single = estimate(window, loss_sums(np.array([0]), np.array([-2.0]), 2))
    assert single["metrics"] == {"mae": 2.0, "mse": 4.0, "rmse": 2.0}
    for empty in (
        estimate(window, loss_sums(np.array([0]), np.array([np.nan]), 2)),
        estimate(0 * window, loss_sums(np.array([0]), np.array([1.0]), 2)),
    ):
        assert list(empty["metrics"].values()) == [None] * 3
        assert list(empty["intervals"].values()) == [None] * 3
