"""Do scores mean what they say? Calibration curve and expected calibration error."""

from collections.abc import Sequence
from math import sqrt
from typing import TypedDict


class CalibrationBin(TypedDict):
    """Labelled records whose score lies in [lower, upper); the last bin holds 1 too."""

    lower: float
    upper: float
    count: int
    mean_score: float
    positive_rate: float


def calibration_curve(
    counts: Sequence[int], positives: Sequence[int], score_sums: Sequence[float]
) -> list[CalibrationBin]:
    """The bins that hold records, of uniform width over [0, 1].

    >>> calibration_curve([4, 0], [1, 0], [0.8, 0.0])
    [{'lower': 0.0, 'upper': 0.5, 'count': 4, 'mean_score': 0.2, 'positive_rate': 0.25}]
    """
    bins = len(counts)
    return [
        CalibrationBin(
            lower=index / bins,
            upper=(index + 1) / bins,
            count=count,
            mean_score=score_sum / count,
            positive_rate=positive / count,
        )
        for index, (count, positive, score_sum) in enumerate(zip(counts, positives, score_sums, strict=True))
        if count > 0
    ]


def expected_calibration_error(curve: Sequence[CalibrationBin]) -> float | None:
    """Mean distance of observed rate and mean score, bins weighted by their records.

    ECE as Naeini, Cooper & Hauskrecht (2015). Biased upwards by sampling noise, about
    sqrt(bins / n): read it beside `debiased_calibration_error`.

    >>> round(expected_calibration_error(calibration_curve([4, 4], [1, 3], [0.8, 3.6])), 3)
    0.1
    """
    total = sum(each["count"] for each in curve)
    if total == 0:
        return None
    return sum(each["count"] * abs(_gap(each)) for each in curve) / total


def debiased_calibration_error(curve: Sequence[CalibrationBin]) -> float | None:
    """Root mean squared gap, less what sampling noise alone adds (Kumar, Liang & Ma 2019).

    A bin of one record cannot tell its noise from its gap and adds 0, as in Kumar's own
    code; None when no bin holds two. An L2 error: at least the L1 ECE but for the noise.

    >>> round(debiased_calibration_error(calibration_curve([10], [5], [9.0])), 4)
    0.3636
    >>> debiased_calibration_error(calibration_curve([10], [5], [5.0]))
    0.0
    """
    if not any(each["count"] > 1 for each in curve):
        return None
    total = sum(each["count"] for each in curve)
    squared = sum(each["count"] * (_gap(each) ** 2 - _noise(each)) for each in curve if each["count"] > 1)
    return sqrt(max(0.0, squared / total))


def _gap(each: CalibrationBin) -> float:
    return each["positive_rate"] - each["mean_score"]


def _noise(each: CalibrationBin) -> float:
    return each["positive_rate"] * (1 - each["positive_rate"]) / (each["count"] - 1)
