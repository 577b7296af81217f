"""Where a number is going: its moving average over the windows of a span, and a line through them.

The line is weighted least squares by event time, a window counting as much as it has records. Its interval does not
take windows for independent of each other, as a day is not: it is the wider one of

- the classical one, with Student's t on n - 2 degrees of freedom,
- that of Newey and West (1987), Bartlett weights up to a lag of 1.3 root n windows (Lazarus, Lewis, Stock and Watson
  2018), with the critical values of Kiefer and Vogelsang (2005), which know of so long a lag.

What that covers where windows are correlated all the same: docs/statistics.md.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

WINDOWS_MIN: Final = 10
"""Fewer windows say nothing of where things are going."""
_LAG: Final = 1.3
_TAIL: Final = 0.975


def trend(hours: Floats, values: Floats, weights: Floats) -> dict[str, object]:
    """``moving_average``, ``slope_per_hour`` and ``intervals`` of the slope (95 %) of n windows in order of time.

    hours f8[n]: when they were; values f8[n]; weights f8[n]: how many records each value is of, 0 where there is none.
    All None without any records; slope and interval are with fewer than `WINDOWS_MIN` windows that have some.

    >>> hour = np.arange(12) / 60
    >>> trend(hour, 3 + 2 * hour, np.ones(12))["slope_per_hour"].__round__(9)
    2.0
    """
    known = weights > 0
    hour, value, weight = hours[known], values[known], weights[known]
    average = float(weight @ value / weight.sum()) if len(hour) else None
    slope = interval = None
    if len(hour) >= WINDOWS_MIN:
        slope, half = _line(hour, value, weight / weight.mean())
        interval = [slope - half, slope + half]
    return {"moving_average": average, "slope_per_hour": slope, "intervals": {"slope_per_hour": interval}}


def _line(hour: Floats, value: Floats, weight: Floats) -> tuple[float, float]:
    """(slope, half of its interval) of n > 2 windows at different hours."""
    n = len(hour)
    away = hour - weight @ hour / n
    spread = float(weight * away @ away)
    slope = float(weight * away @ value) / spread
    residual = value - weight @ value / n - slope * away
    classical = sqrt(float(weight * residual @ residual) / (n - 2) / spread)
    lag = ceil(_LAG * sqrt(n))
    long_run = sqrt(_bartlett(weight * away * residual, lag) * n / (n - 2)) / spread
    return slope, max(float(stdtrit(n - 2, _TAIL)) * classical, _fixed_b(lag / n) * long_run)


def _bartlett(scores: Floats, lag: int) -> float:
    """Their long-run variance, n times over: the sum over all i, j of (1 - |i - j| / (lag + 1)) scores_i scores_j.

    That is the mean over all stretches of lag + 1 of the squared sum in them, so that it is never negative.
    """
    ends = np.concatenate((np.zeros(lag + 1), np.cumsum(scores), np.full(lag, scores.sum())))
    stretches = ends[lag + 1 :] - ends[: -(lag + 1)]
    return float(stretches @ stretches) / (lag + 1)


def _fixed_b(share: float) -> float:
    """The 97.5 % point for Bartlett weights up to that share of the series (Kiefer and Vogelsang 2005, table 1)."""
    return 1.96 + 2.9694 * share + 0.4160 * share**2 - 0.5324 * share**3


def against_history(values: Floats) -> dict[str, float | None]:
    """``newest`` of n values in order of time, and its ``z``: how many standard deviations it is off the mean of those
    before it. None without values; z is with fewer than `WINDOWS_MIN` before it, or if these are all the same.
    """
    if not len(values):
        return {"newest": None, "z": None}
    newest, before = float(values[-1]), values[:-1]
    deviation = float(np.std(before, ddof=1)) if len(before) >= WINDOWS_MIN else 0.0
    return {"newest": newest, "z": (newest - float(before.mean())) / deviation if deviation > 0 else None}
