"""The performance that was estimated, held against the one that the labels have shown since.

An estimate from scores (`metrics.cbpe`, `metrics.dle`) is blind to concept drift, so where it parts from mature labels
it is the labels that are right, and what it says of windows without labels is not to be relied on.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Final

from metrics.intervals import Z

LABELLED_MIN: Final = 100
MATURE: Final = 0.9
"""Labels of fewer predictions than this share are the early ones, which differ from those to come."""
ERRORS_MAX: Final = 3.0


def reconcile(record: Mapping[str, object], come: float | None) -> dict[str, object] | None:
    """``estimated`` of a summarised record, completed by ``gap``, ``gap_metric`` and ``reliable``; None without one.

    gap is the distance of realised and estimated value in gap_metric, the metric where it is the most standard errors;
    reliable is False if those are more than `ERRORS_MAX`. All are None while fewer than `LABELLED_MIN` records have
    labels, or less than `MATURE` of those that ever will: the share come, or where it is not known ``label_coverage``.
    """
    estimated = record.get("estimated")
    if not isinstance(estimated, dict):
        return None
    coverage = come if come is not None else record.get("label_coverage")
    labelled = record.get("labelled")
    mature = isinstance(coverage, int | float) and coverage >= MATURE
    found: dict[str, object] = {"gap": None, "gap_metric": None, "reliable": None}
    if mature and isinstance(labelled, int) and labelled >= LABELLED_MIN:
        found |= _compared(estimated, record)
    return estimated | found


def _compared(estimated: Mapping[str, object], realised: Mapping[str, object]) -> dict[str, object]:
    """gap, its metric and the verdict; empty if no metric has both values and intervals."""
    ours, theirs = _known(estimated), _known(realised)
    apart = {name: standard_errors_apart(*ours[name], *theirs[name]) for name in ours if name in theirs}
    if not apart:
        return {}
    worst = max(apart, key=apart.__getitem__)
    gap = abs(theirs[worst][0] - ours[worst][0])
    return {"gap": gap, "gap_metric": worst, "reliable": apart[worst] <= ERRORS_MAX}


def standard_errors_apart(
    estimated: float, expected: tuple[float, float], realised: float, interval: tuple[float, float]
) -> float:
    """Distance of two values in their common standard errors, read from the widths of both 95 % intervals.

    Both intervals hold the chance in the labels, so an estimate that is right stays within 3 errors far more often
    than in 99.7 % of windows. That is wanted: six metrics are looked at, every few seconds.

    >>> round(standard_errors_apart(0.90, (0.88, 0.92), 0.80, (0.77, 0.83)), 2)
    5.44
    """
    gap = abs(realised - estimated)
    width = sqrt((expected[1] - expected[0]) ** 2 + (interval[1] - interval[0]) ** 2)
    return gap / (width / 2 / Z) if width > 0 else 0.0 if gap == 0 else float("inf")


def _known(part: Mapping[str, object]) -> dict[str, tuple[float, tuple[float, float]]]:
    """Value and interval of the metrics that have both."""
    metrics, intervals = part.get("metrics"), part.get("intervals")
    if not isinstance(metrics, dict) or not isinstance(intervals, dict):
        return {}
    return {
        name: (value, (interval[0], interval[1]))
        for name, value in metrics.items()
        if value is not None and (interval := intervals.get(name)) is not None
    }
