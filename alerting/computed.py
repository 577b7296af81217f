"""Paths that are computed from a metric record and the baseline, for rules alone.

`error_rate`: share of requests for a prediction that ended in an error: ``errors`` over ``total`` and ``failed``.
`confidence`: mean confidence in the class that the score speaks for, max(p, 1 - p): ``metrics.mean_confidence``
where a record has it, else from the calibration bins (of the labelled records).
`identical_predictions_log10_probability`: a model that says the same to everybody. 0 where predictions differ,
undefined up to 100 of them or without a baseline; else log10 of how likely the baseline makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log10
from typing import Final

Record = Mapping[str, object]
Lookup = Callable[[str], float | None]
"""The baseline of a path; None where there is none (yet)."""

PREDICTIONS_MIN: Final = 100
"""Up to so many identical predictions say nothing."""
_TOP_SHARES: Final = ("top_score_share", "top_class_share", "top_value_share")
_SHARE_MIN: Final = 1e-9
"""A class that the baseline has never seen is rare, not impossible."""


def count(record: Record, name: str) -> int:
    """A count of the record; 0 where it has none."""
    value = record.get(name)
    return value if isinstance(value, int) else 0


def requests(record: Record) -> int:
    """Predictions that were made, and those that were not because of an error."""
    return count(record, "total") + count(record, "failed")


def error_rate(record: Record, _: Lookup) -> float | None:
    """Failed predictions over all; None where the record counts no errors."""
    errors = record.get("errors")
    if not isinstance(errors, dict):
        return None
    found = sum(errors.values())
    asked = max(requests(record), found)
    return found / asked if asked else None


def confidence(record: Record, _: Lookup) -> float | None:
    """Mean of max(p, 1 - p); exact for bins that lie on one side of 1/2."""
    metrics, bins = record.get("metrics"), record.get("calibration")
    if isinstance(metrics, dict) and isinstance(metrics.get("mean_confidence"), int | float):
        return float(metrics["mean_confidence"])
    if not isinstance(bins, list) or not bins:
        return None
    total = sum(each["count"] for each in bins)
    sure = sum(each["count"] * max(each["mean_score"], 1 - each["mean_score"]) for each in bins)
    return float(sure / total) if total else None


def identical_predictions_log10_probability(record: Record, baseline: Lookup) -> float | None:
    """log10 P(all n the same) under the baseline's shares.

    Where the record says how often its commonest score, class or value comes (`_TOP_SHARES`): the sum of p_i^n over
    them is at most p_max^(n - 1); of several the least likely one. Else classes: r^n + (1 - r)^n, by the greater of
    the two; scores that lie in different calibration bins show that the model still tells its inputs apart.
    """
    metrics, total = record.get("metrics"), count(record, "total")
    if total <= PREDICTIONS_MIN or not isinstance(metrics, dict):
        return None
    tops = {name: share for name in _TOP_SHARES if isinstance(share := metrics.get(name), int | float)}
    rate = metrics.get("positive_rate")
    if tops:
        usual = [share for name in tops if (share := baseline(name)) is not None]
        return 0.0 if min(tops.values()) < 1 else (total - 1) * _log_share(min(usual)) if usual else None
    if not isinstance(rate, int | float):
        return None
    bins = record.get("calibration")
    if 0 < rate < 1 or (isinstance(bins, list) and len(bins) > 1):
        return 0.0
    usual_rate = baseline("positive_rate")
    return None if usual_rate is None else total * _log_share(usual_rate if rate else 1 - usual_rate)


def _log_share(share: float) -> float:
    return log10(min(1.0, max(_SHARE_MIN, share)))


COMPUTED: Final[Mapping[str, Callable[[Record, Lookup], float | None]]] = {
    "error_rate": error_rate,
    "confidence": confidence,
    "identical_predictions_log10_probability": identical_predictions_log10_probability,
}

BASELINES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "identical_predictions_log10_probability": (*_TOP_SHARES, "positive_rate"),
}
"""The baselines that a computed path asks for."""
