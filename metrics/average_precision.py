"""Average precision from two score histograms, and how far binning can move it.

AP = sum (R_n - R_(n-1)) P_n over falling thresholds, as scikit-learn defines it,
without interpolation; scores of one bin count as ties.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Histogram = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Falling:
    """The bins that hold positives, highest scores first, as f8[bins] each."""

    positives: NDArray[np.float64]
    negatives: NDArray[np.float64]
    positives_above: NDArray[np.float64]
    negatives_above: NDArray[np.float64]


def average_precision(negatives: Histogram, positives: Histogram) -> float | None:
    """Mean, over the positives, of the precision at their score.

    None if there are no positives, or no negatives to tell them from.

    >>> average_precision(np.array([2, 1, 0]), np.array([0, 1, 1]))  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    if not negatives.any() or not positives.any():
        return None
    bins = _falling(negatives, positives)
    return _mean_precision(bins, bins.negatives_above + bins.negatives)


def binning_error(negatives: Histogram, positives: Histogram) -> float | None:
    """Bound of the distance from the average precision of the unbinned scores.

    Within a bin the best that can be is all positives tied above all negatives, and the
    worst all negatives first and then the positives one by one: the j-th of k then has
    precision (TP + j) / (D + j), D all records up to there. These sum to
    k - (D - TP) sum 1 / (D + j), and sum 1 / (D + j) <= ln((D + k + 1/2) / (D + 1/2)), 1/x being
    convex, which saves a sum over records and keeps the bound a bound.

    >>> round(binning_error(np.array([2, 1, 0]), np.array([0, 1, 1])), 3)
    0.167
    """
    binned = average_precision(negatives, positives)
    if binned is None:
        return None
    bins = _falling(negatives, positives)
    best = _mean_precision(bins, bins.negatives_above)
    before = bins.negatives_above + bins.negatives
    records = before + bins.positives_above
    inverse_sum = np.log1p(bins.positives / (records + 0.5))
    worst = float((bins.positives - before * inverse_sum).sum() / bins.positives.sum())
    return max(best - binned, binned - worst, 0.0)


def _mean_precision(bins: _Falling, false_positives: NDArray[np.float64]) -> float:
    true_positives = bins.positives_above + bins.positives
    precision = true_positives / (true_positives + false_positives)
    return float((bins.positives * precision).sum() / bins.positives.sum())


def _falling(negatives: Histogram, positives: Histogram) -> _Falling:
    down_positives = positives[::-1].astype(np.float64)
    down_negatives = negatives[::-1].astype(np.float64)
    held = down_positives > 0
    return _Falling(
        positives=down_positives[held],
        negatives=down_negatives[held],
        positives_above=(np.cumsum(down_positives) - down_positives)[held],
        negatives_above=(np.cumsum(down_negatives) - down_negatives)[held],
    )
