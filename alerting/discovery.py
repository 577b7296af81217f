"""Many segments judged at once: which breaches are more than what chance makes of so many looks."""

from __future__ import annotations

from collections.abc import Iterable
from math import erfc, sqrt
from typing import Final

from scipy.special import bdtr, bdtrc

from alerting.paths import Interval

_Z: Final = 1.959963984540054
"""Intervals leave 2.5 % beyond each end."""


def cutoff(p_values: Iterable[float], rate: float, looks: int = 0) -> float:
    """The greatest p-value that counts as a discovery (Benjamini & Hochberg 1995); -1 where none does.

    Of what is at or below it, at most ``rate`` is false in the mean; holds under positive dependence.
    looks: how many p-values there will be, where some are still to come: they may all be 1.

    >>> cutoff([0.01, 0.04, 0.03, 0.5], 0.1), cutoff([0.2, 0.9], 0.1), cutoff([0.01], 0.1, looks=20)
    (0.04, -1.0, -1.0)
    """
    ordered = sorted(p_values)
    looks = max(looks, len(ordered))
    found = -1.0
    for rank, p_value in enumerate(ordered, start=1):
        if p_value <= rank * rate / looks:
            found = p_value
    return found


def below_p(value: float, threshold: float, trials: tuple[int, int] | None, interval: Interval | None) -> float | None:
    """How likely a value this low is where the truth is the threshold; None where nothing tells.

    trials: (successes, trials), then the exact binomial tail; else a normal error from the 95 % interval.

    >>> round(below_p(0.8, 0.9, (80, 100), None), 4)
    0.002
    >>> round(below_p(0.8, 0.9, None, (0.7, 0.9)), 4)
    0.025
    """
    if trials is not None and trials[1] > 0:
        return float(bdtr(trials[0], trials[1], min(1.0, max(0.0, threshold))))
    return _normal_tail(threshold - value, interval)


def above_p(value: float, threshold: float, trials: tuple[int, int] | None, interval: Interval | None) -> float | None:
    """The same for a value this high.

    >>> round(above_p(0.2, 0.1, (20, 100), None), 4)
    0.002
    """
    if trials is not None and trials[1] > 0:
        return _at_least(trials[0], trials[1], min(1.0, max(0.0, threshold)))
    return _normal_tail(value - threshold, interval)


def _at_least(successes: int, trials: int, share: float) -> float:
    return 1.0 if successes <= 0 else float(bdtrc(successes - 1, trials, share))


def _normal_tail(beyond: float, interval: Interval | None) -> float | None:
    if interval is None or interval[1] <= interval[0]:
        return None
    deviation = (interval[1] - interval[0]) / (2 * _Z)
    return erfc(beyond / deviation / sqrt(2)) / 2
