"""From a score to the probability that it stands for, learned from the labelled scores of a reference."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.equal_mass import equal_mass_groups

Histogram = NDArray[np.int64]
Probabilities = NDArray[np.float64]

SPLITS: Final = 10
HELD_OUT: Final = 0.1
"""Share of the reference that each split keeps back to judge the calibration by."""
GROUPS: Final = 10
"""Groups of about equal size that the calibration error is measured in."""


def middles(bins: int) -> Probabilities:
    """Middles of equal bins of [0, 1]: what the scores say, taken at their word.

    >>> middles(4).tolist()
    [0.125, 0.375, 0.625, 0.875]
    """
    return (np.arange(bins) + 0.5) / bins


def calibrated(negatives: Histogram, positives: Histogram, rng: np.random.Generator) -> Probabilities:
    """P(positive) of every score bin, f8[bins], never falling with the score.

    negatives, positives i8[bins]: labelled scores of the reference. Isotonic regression, kept only where it makes
    the expected calibration error of held-out records smaller, else the scores are their own probabilities: the
    rule of NannyML (`calibration.py`), with its 10 splits of which a tenth is held out and 10 groups of equal size.
    A reference of one class says nothing of the other, so its scores stay as they are too.

    >>> calibrated(np.array([0, 0]), np.array([3, 4]), np.random.default_rng(0)).tolist()
    [0.25, 0.75]
    """
    plain = middles(len(negatives))
    if not (negatives.any() and positives.any()):
        return plain
    counts, found, said, learned = (np.zeros(len(negatives)) for _ in range(4))
    for _ in range(SPLITS):
        out_negatives, out_positives = rng.binomial(negatives, HELD_OUT), rng.binomial(positives, HELD_OUT)
        held_out = out_negatives + out_positives
        counts += held_out
        found += out_positives
        said += held_out * plain
        learned += held_out * isotonic(negatives - out_negatives, positives - out_positives)
    if calibration_error(counts, found, learned) < calibration_error(counts, found, said):
        return isotonic(negatives, positives)
    return plain


def isotonic(negatives: Histogram, positives: Histogram) -> Probabilities:
    """The rising curve through the bins' rates with the least squares (pool adjacent violators), f8[bins].

    Bins without records lie on the line between their neighbours, beyond the last ones on a level with them, as
    scikit-learn's IsotonicRegression predicts. Without any record the scores themselves.
    """
    from scipy.optimize import isotonic_regression  # half a second, for models with a labelled baseline only

    counts = negatives + positives
    held = np.flatnonzero(counts)
    if not len(held):
        return middles(len(counts))
    rates: Probabilities = isotonic_regression(positives[held] / counts[held], weights=counts[held]).x
    return np.interp(np.arange(len(counts)), held, rates)


def calibration_error(
    counts: NDArray[np.float64], positives: NDArray[np.float64], expected: NDArray[np.float64]
) -> float:
    """Mean distance of found and expected positives in groups of neighbouring bins with about as many records each.

    All f8[bins]; expected: the sum of the probabilities of the bin's records. 0 without records.

    >>> calibration_error(np.array([10.0, 10.0]), np.array([1.0, 9.0]), np.array([3.0, 8.0]))
    0.15
    """
    total = counts.sum()
    if not total:
        return 0.0
    gaps = np.bincount(equal_mass_groups(counts, GROUPS), weights=positives - expected)
    return float(np.abs(gaps).sum() / total)
