"""Trends: the line of scipy and of weighted least squares, an interval that holds, and nothing of too few windows."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from metrics.trends import WINDOWS_MIN, against_history, trend

Floats = NDArray[np.float64]


def half(found: dict[str, Any]) -> float:
    low, high = found["intervals"]["slope_per_hour"]
    assert low <= found["slope_per_hour"] <= high
    return float(high - low) / 2


def by_hand(x: Floats, y: Floats, w: Floats) -> tuple[Floats, float, float]:
    """(intercept and slope, classical error of the slope, that of Newey and West) by the matrices of the textbooks."""
    n, design = len(x), np.stack([np.ones(len(x)), x], axis=1)
    bread = np.linalg.inv(design.T @ (design * w[:, None]))
    beta = bread @ design.T @ (w * y)
    scores = design * (w * (y - design @ beta))[:, None]
    lag = int(np.ceil(1.3 * np.sqrt(n)))
    meat = np.zeros((2, 2))
    for i, j in product(range(n), repeat=2):
        meat += max(0.0, 1 - abs(i - j) / (lag + 1)) * np.outer(scores[i], scores[j])
    classical = np.sqrt(np.sum(w * (y - design @ beta) ** 2) / (n - 2) * bread[1, 1])
    robust = np.sqrt((bread @ meat @ bread)[1, 1] * n / (n - 2))
    b = lag / n
    critical = 1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3
    return beta, float(stats.t.ppf(0.975, n - 2) * classical), float(critical * robust)


@pytest.mark.parametrize("n", [10, 25, 60])
def test_windows_of_equal_weight_have_the_line_of_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    x, y = np.arange(n) / 60 - 5, rng.normal(0.9, 0.01, n)
    found, expected = trend(x, y, np.full(n, 40.0)), stats.linregress(x, y)
    assert found["slope_per_hour"] == pytest.approx(expected.slope)
    assert found["moving_average"] == pytest.approx(y.mean())
    assert half(found) >= stats.t.ppf(0.975, n - 2) * expected.stderr * (1 - 1e-9)


@pytest.mark.parametrize(("seed", "correlated"), [(1, 0.0), (2, 0.0), (3, 0.9), (4, 0.9)])
def test_weights_and_the_interval_are_those_of_the_textbooks(seed: int, correlated: float) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=50)
    for i in range(1, 50):
        noise[i] += correlated * noise[i - 1]
    x, w = np.sort(rng.choice(500, 50, replace=False)) / 60, rng.integers(1, 200, 50).astype(float)
    found, (beta, classical, robust) = trend(x, noise, w), by_hand(x, noise, w)
    assert found["slope_per_hour"] == pytest.approx(beta[1])
    assert half(found) == pytest.approx(max(classical, robust))
    assert (robust > classical) == (correlated > 0), "one case must prove each of the two"


@pytest.mark.parametrize(("n", "correlated", "least"), [(10, 0.0, 0.94), (60, 0.0, 0.94), (60, 0.5, 0.86)])
def test_the_interval_covers_what_the_documentation_says(n: int, correlated: float, least: float) -> None:
    rng, covered, rounds = np.random.default_rng(7), 0, 1500
    for _ in range(rounds):
        noise = rng.normal(size=n + 20)
        for i in range(1, n + 20):
            noise[i] += correlated * noise[i - 1]
        x = np.arange(n) / 60
        low, high = trend(x, 2 * x + noise[20:], np.ones(n))["intervals"]["slope_per_hour"]  # type: ignore[index]
        covered += low <= 2 <= high
    assert least <= covered / rounds <= 0.98


@given(st.integers(0, 9), st.integers(0, 20))
def test_a_few_windows_have_an_average_and_no_direction(known: int, empty: int) -> None:
    values, weights = np.arange(known + empty, dtype=float), np.r_[np.full(known, 3.0), np.zeros(empty)]
    found = trend(np.arange(known + empty) / 60, values, weights)
    assert found["moving_average"] == (pytest.approx((known - 1) / 2) if known else None)
    assert found["slope_per_hour"] is None
    assert found["intervals"] == {"slope_per_hour": None}


def test_a_window_without_a_value_is_no_window_at_all() -> None:
    x, y, w = np.arange(30) / 60, np.random.default_rng(0).normal(size=30), np.ones(30)
    w[[3, 7, 8, 29]] = 0
    y[[3, 7, 8, 29]] = np.nan
    assert trend(x, y, w) == trend(x[w > 0], y[w > 0], w[w > 0])


def test_a_constant_goes_nowhere_for_sure() -> None:
    found = trend(np.arange(20) / 60, np.full(20, 0.5), np.arange(1.0, 21.0))
    assert found["slope_per_hour"] == pytest.approx(0, abs=1e-12)
    assert half(found) == pytest.approx(0, abs=1e-12)


def test_the_newest_value_is_held_against_those_before_it() -> None:
    before = np.random.default_rng(3).normal(500, 20, WINDOWS_MIN)
    found = against_history(np.r_[before, 560.0])
    assert found["newest"] == 560
    assert found["z"] == pytest.approx((560 - before.mean()) / before.std(ddof=1))


@pytest.mark.parametrize("values", [[], [1.0], [5.0] * 40, [1.0, 2.0] * (WINDOWS_MIN // 2)])
def test_there_is_no_z_without_enough_history_or_without_any_spread(values: list[float]) -> None:
    found = against_history(np.array(values))
    assert found == {"newest": values[-1] if values else None, "z": None}
