"""From the moments of a regression window to its metrics and intervals; names and formulas as in scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp, sqrt
from typing import TypedDict

import numpy as np
from scipy import special

from metrics.confusion import ratio
from metrics.intervals import Interval
from metrics.scatter import Floats, Ints

QUANTILES = {"error_p50": 0.5, "error_p90": 0.9, "error_p95": 0.95, "error_p99": 0.99}

_SKEW_NONE = 1e-6
"""Below it Hall's cubic is the straight line, to rounding."""
_SPREAD_NONE = 1e-14
"""A variance below this share of the mean square is rounding noise: squares are rounded to 1e-16."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Counts and exact sums; e = prediction - actual. percentages: labelled records whose actual is not 0."""

    total: int
    labelled: int
    percentages: int
    prediction: Fraction  # of all predictions, the others of labelled records
    actual: Fraction
    error: Fraction
    absolute: Fraction  # |e|
    squared: Fraction  # e**2
    fourth: Fraction  # e**4
    actual_squared: Fraction
    percentage: Fraction  # |e / actual|
    percentage_squared: Fraction


class RegressionSummary(TypedDict):
    """The parts of a regression metric record that come from moments and the histogram of absolute errors."""

    total: int
    labelled: int
    label_coverage: float | None
    throughput_per_second: float | None
    metrics: dict[str, float | None]
    intervals: dict[str, list[float] | None]
    zero_actuals: int


def summarise(moments: Moments, errors: Ints, middles: Floats, seconds: float) -> RegressionSummary:
    """Everything that is known. errors i8[bins]: histogram of |e|; middles f8[bins]: what stands for each bin.

    zero_actuals counts the labelled records that mape leaves out.
    """
    n = moments.labelled
    return RegressionSummary(
        total=moments.total,
        labelled=n,
        label_coverage=ratio(n, moments.total),
        throughput_per_second=ratio(moments.total, seconds),
        metrics=_of_moments(moments) | _of_histogram(errors, middles),
        intervals=_intervals(moments, skewness(errors, np.square(middles))),
        zero_actuals=n - moments.percentages,
    )


def _of_moments(moments: Moments) -> dict[str, float | None]:
    n = moments.labelled
    mse = _mean(moments.squared, n)
    return {
        "mse": mse,
        "rmse": None if mse is None else sqrt(mse),
        "mae": _mean(moments.absolute, n),
        "r2": _r2(moments),
        "mape": _mean(moments.percentage, moments.percentages),
        "bias": _mean(moments.error, n),
        "mean_prediction": _mean(moments.prediction, moments.total),
        "mean_actual": _mean(moments.actual, n),
    }


def _mean(total: Fraction, count: int) -> float | None:
    return float(total / count) if count > 0 else None


def _r2(moments: Moments) -> float | None:
    """1 - SS_res / SS_tot; None where the truth is constant (scikit-learn answers 0 or 1 there), or one record."""
    n = moments.labelled
    total_squares = n * moments.actual_squared - moments.actual**2
    return float(1 - n * moments.squared / total_squares) if total_squares > 0 else None


def _of_histogram(errors: Ints, middles: Floats) -> dict[str, float | None]:
    """Quantiles of |e|: the record of rank ceil(share n), answered for by the middle of its bin."""
    up_to = np.cumsum(errors)
    count = int(up_to[-1])
    if count == 0:
        return dict.fromkeys(QUANTILES)
    ranks = {name: max(1, ceil(share * count)) for name, share in QUANTILES.items()}
    return {name: float(middles[np.searchsorted(up_to, rank)]) for name, rank in ranks.items()}


def _intervals(moments: Moments, squares_skewness: float) -> dict[str, list[float] | None]:
    """R2 and quantiles have none: the first would need mixed moments, the second their own bins' bounds."""
    n = moments.labelled
    mse = positive_mean_interval(moments.squared, moments.fourth, n, squares_skewness)
    rmse = None if mse is None else (sqrt(mse[0]), sqrt(mse[1]))
    found = {
        "mse": mse,
        "rmse": rmse,
        "mae": positive_mean_interval(moments.absolute, moments.squared, n),
        "r2": None,
        "mape": positive_mean_interval(moments.percentage, moments.percentage_squared, moments.percentages),
        "bias": mean_interval(moments.error, moments.squared, n),
    }
    return {name: None if interval is None else list(interval) for name, interval in found.items()}


def mean_interval(total: Fraction, squares: Fraction, count: int) -> Interval | None:
    """95 % interval of a mean, from the sums of values and squares (Student 1908).

    None of fewer than two values, and of equal ones: they say nothing of their spread.

    >>> [round(end, 3) for end in mean_interval(Fraction(6), Fraction(14), 3)]  # 1, 2, 3
    [-0.484, 4.484]
    """
    half = _half_width(total, squares, count)
    return None if half is None else (float(total / count) - half, float(total / count) + half)


def positive_mean_interval(
    total: Fraction, squares: Fraction, count: int, skewness: float | None = None
) -> Interval | None:
    """The same of values >= 0, built on the logarithm of the mean (delta method): above 0, and fairer to a long tail.

    Where the values' skewness is known, as wide as Hall's interval (1992, Journal of the Royal Statistical Society B
    54, 221-228) besides, which counts in that a mean without its rare great values comes with too small a spread.

    >>> [round(end, 3) for end in positive_mean_interval(Fraction(6), Fraction(14), 3)]
    [0.578, 6.926]
    >>> [round(end, 3) for end in positive_mean_interval(Fraction(6), Fraction(14), 3, skewness=0.5)]
    [0.163, 11.81]
    """
    half = _half_width(total, squares, count)
    if half is None:
        return None
    mean = float(total / count)
    factor = exp(half / mean)  # half / mean is at most Student's quantile, 12.7: all of the sum in one record
    if skewness is None:
        return mean / factor, mean * factor
    quantile = _student(count)
    low, high = (mean - half * _less_skewed(end, skewness / sqrt(count)) / quantile for end in (quantile, -quantile))
    return min(mean / factor, low if low > 0 else mean), max(mean * factor, high)


def _less_skewed(quantile: float, skew: float) -> float:
    """The studentised mean at a symmetric quantile, skew being skewness / sqrt(n): the inverse of Hall's cubic."""
    if abs(skew) < _SKEW_NONE:
        return quantile
    return float(3 / skew * (np.cbrt(1 + skew * (quantile - skew / 6)) - 1))


def skewness(counts: Ints, values: Floats) -> float:
    """Third standardised moment of binned values, each as often as it was counted; 0 where they do not differ."""
    n = int(counts.sum())
    if n == 0:
        return 0.0
    away = values - counts @ values / n
    variance = float(counts @ away**2) / n
    return float(counts @ away**3) / n / variance**1.5 if variance > 0 else 0.0


def _half_width(total: Fraction, squares: Fraction, count: int) -> float | None:
    if count < 2:
        return None
    variance = (squares - total**2 / count) / (count - 1)
    if variance <= Fraction(_SPREAD_NONE) * squares / count:
        return None
    return _student(count) * sqrt(variance / count)


def _student(count: int) -> float:
    return float(special.stdtrit(count - 1, 0.975))
