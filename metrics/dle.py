"""How far a regression is off before any label has come: direct loss estimation.

NannyML's DLE learns the loss of a prediction from labelled reference records and averages what it expects over the
window. Its model is gradient boosting on features and prediction; this one is the mean loss in each bin of the
prediction, which a histogram of a window suffices for. Like every estimate from a reference it is blind to a change
of how losses depend on predictions.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.cbpe import Estimated
from metrics.intervals import Z

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LOSSES: Final = ("mae", "mse")
_COUNT, _ABSOLUTE, _SQUARED, _FOURTH = range(4)


def loss_sums(bin_of_prediction: Ints, error: Floats, bins: int) -> Floats:
    """What is kept of labelled records: their number, sum |e|, sum e^2, sum e^4 in each bin, f8[4, bins].

    bin_of_prediction i8[n] in 0..bins-1; error f8[n], prediction minus truth; records whose error is not finite are
    left out. Sums of chunks add up to the sums of the whole.

    >>> loss_sums(np.array([0, 0, 1]), np.array([1.0, -3.0, np.nan]), 2).tolist()
    [[2.0, 0.0], [4.0, 0.0], [10.0, 0.0], [82.0, 0.0]]
    """
    known = np.isfinite(error)
    where, size = bin_of_prediction[known], np.abs(error[known])
    return np.stack([np.bincount(where, weights=size**power, minlength=bins) for power in (0, 1, 2, 4)])


def estimate(predictions: Ints, reference: Floats) -> Estimated:
    """MAE, MSE and RMSE that the labels of these predictions would show, with 95 % intervals of what they will show.

    predictions i8[bins]: histogram of the window; reference f8[4, bins]: `loss_sums` of labelled records. The
    variance is that of the window's n losses, sum n_b v_b / n^2, and of the m_b reference losses that each bin's
    mean was learned from, sum (n_b / n)^2 v_b / m_b. A bin that the reference has no losses of lies between its
    neighbours, and one of fewer than two losses has the variance of all.

    >>> found = estimate(np.array([3, 1]), loss_sums(np.array([0, 0, 1, 1]), np.array([1.0, -3, 4, 4]), 2))
    >>> found["metrics"]["mae"], found["metrics"]["mse"]
    (2.5, 7.75)
    """
    metrics: dict[str, float | None] = dict.fromkeys((*LOSSES, "rmse"))
    intervals: dict[str, list[float] | None] = dict.fromkeys(metrics)
    if predictions.any() and reference[_COUNT].any():
        for name, sums, squares in (("mae", _ABSOLUTE, _SQUARED), ("mse", _SQUARED, _FOURTH)):
            mean, half = _mean_loss(predictions, reference[_COUNT], reference[sums], reference[squares])
            metrics[name], intervals[name] = mean, [max(0.0, mean - half), mean + half]
            if name == "mse":
                metrics["rmse"], intervals["rmse"] = sqrt(mean), [sqrt(max(0.0, mean - half)), sqrt(mean + half)]
    return Estimated(method="dle", metrics=metrics, intervals=intervals)


def _mean_loss(predictions: Ints, counts: Floats, sums: Floats, squares: Floats) -> tuple[float, float]:
    """Mean loss of the window and half of its interval; sums and squares f8[bins] of the reference's losses."""
    held = np.flatnonzero(counts)
    means = np.interp(np.arange(len(counts)), held, sums[held] / counts[held])
    share = predictions / predictions.sum()
    variances = _variances(counts, sums, squares)
    spread = share**2 * variances * (1 / np.maximum(predictions, 1) + 1 / np.maximum(counts, 1))
    return float(share @ means), Z * sqrt(float(spread.sum()))


def _variances(counts: Floats, sums: Floats, squares: Floats) -> Floats:
    """Variance of the loss within each bin, unbiased."""
    deviations = np.maximum(squares - sums**2 / np.maximum(counts, 1), 0.0)
    freedom = np.maximum(counts - 1, 0)
    of_all = deviations.sum() / max(freedom.sum(), 1)
    return np.where(counts >= 2, deviations / np.maximum(freedom, 1), of_all)
