"""How clean the values of one feature are, from its counts by code."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from metrics.confusion import ratio
from metrics.reference import FIRST, MISMATCH, NON_FINITE, NULL, Feature, Numeric

Ints = NDArray[np.int64]


class FeatureQuality(TypedDict):
    """The first three are shares of all records, the others of the finite numbers (None for a category).

    An outlier is more than 3 standard deviations off the reference's mean, or more than 1.5 interquartile ranges
    beyond its quartiles (Tukey 1977); out of range is what is less than its least or more than its greatest value.
    """

    missing_ratio: float | None
    type_mismatch_ratio: float | None
    non_finite_ratio: float | None
    outlier_zscore_ratio: float | None
    outlier_iqr_ratio: float | None
    out_of_range_ratio: float | None


def feature_quality(feature: Feature, counts: Ints) -> FeatureQuality:
    """Shares of counts i8[codes]; None of nothing. Exact: every bound is an edge of the reference's bins.

    >>> from metrics.reference import Numeric
    >>> edges = [np.nextafter(18, -np.inf), 40.0, 65.0]
    >>> age = Numeric(edges=edges, counts=[0] * 8, mean=40, std=0, min=18, max=65, quartiles=(40, 40, 40))
    >>> found = feature_quality(age, np.array([0, 2, 0, 0, 1, 3, 3, 1]))
    >>> found["missing_ratio"], found["out_of_range_ratio"], found["outlier_iqr_ratio"]
    (0.2, 0.25, None)
    """
    records = int(counts.sum())
    zscore, iqr, out_of_range = _beyond_bounds(feature, counts[FIRST:]) if isinstance(feature, Numeric) else [None] * 3
    return FeatureQuality(
        missing_ratio=ratio(int(counts[: NULL + 1].sum()), records),
        type_mismatch_ratio=ratio(int(counts[MISMATCH]), records),
        non_finite_ratio=ratio(int(counts[NON_FINITE]), records),
        outlier_zscore_ratio=zscore,
        outlier_iqr_ratio=iqr,
        out_of_range_ratio=out_of_range,
    )


def _beyond_bounds(feature: Numeric, bins: Ints) -> list[float | None]:
    """Shares beyond z-score 3, the IQR fences and the range. A spread of 0 makes no outliers, but no sense either."""
    q1, _, q3 = feature.quartiles
    fence, deviation = 1.5 * (q3 - q1), 3 * feature.std  # to the bit as the baseline's edges are made
    edges = np.array(feature.edges)
    return [
        _share_beyond(edges, bins, feature.mean - deviation, feature.mean + deviation) if deviation > 0 else None,
        _share_beyond(edges, bins, q1 - fence, q3 + fence) if fence > 0 else None,
        _share_beyond(edges, bins, feature.min, feature.max),
    ]


def _share_beyond(edges: NDArray[np.float64], bins: Ints, low: float, high: float) -> float | None:
    """Share of values ``x < low or x > high``; None where the edges do not hold both bounds.

    Bin i ends with edge i, so ``x < low`` is all up to the float before low, and ``x > high`` all behind high.
    """
    before, behind = np.searchsorted(edges, [np.nextafter(low, -np.inf), high])
    ends = edges[[before, behind]] if behind < len(edges) else None
    if ends is None or ends[0] != np.nextafter(low, -np.inf) or ends[1] != high:
        return None
    return ratio(int(bins[: before + 1].sum() + bins[behind + 1 :].sum()), int(bins.sum()))
