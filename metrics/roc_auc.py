"""Area under the ROC curve from two score histograms, with its variance and error.

Scores of one bin count as ties. Histograms are int64[bins], lowest scores first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Histogram = NDArray[np.int64]


def roc_auc(negatives: Histogram, positives: Histogram) -> float | None:
    """Probability that a positive scores above a negative, ties half (Mann & Whitney 1947).

    None if there are no positives or no negatives. Counted in whole numbers,
    so that perfect separation is exactly 1.

    >>> roc_auc(np.array([2, 1, 0]), np.array([0, 1, 1]))  # 5 pairs won, 1 tied, of 6
    0.9166666666666666
    """
    pairs = int(negatives.sum()) * int(positives.sum())
    if pairs == 0:
        return None
    below_twice = 2 * np.cumsum(negatives) - negatives
    return int((positives * below_twice).sum()) / (2 * pairs)


class Variance(NamedTuple):
    """Variance of an AUC, and as much data as it rests on: degrees of freedom."""

    value: float
    freedom: float


def delong_variance(negatives: Histogram, positives: Histogram) -> Variance | None:
    """Variance of the AUC (DeLong, DeLong & Clarke-Pearson 1988; ranks as Sun & Xu 2014).

    Exactly DeLong's on the binned scores. It is the sum of one variance for each class, so its degrees of freedom
    are Satterthwaite's (1946), as in Brunner & Munzel (2000). None with fewer than two of either class.

    >>> found = delong_variance(np.array([2, 1, 0]), np.array([0, 1, 1]))
    >>> round(found.value, 4), round(found.freedom, 2)  # 2 x 0.00694
    (0.0139, 2.67)
    """
    auc = roc_auc(negatives, positives)
    count_negative, count_positive = int(negatives.sum()), int(positives.sum())
    if auc is None or count_negative < 2 or count_positive < 2:
        return None
    below = (np.cumsum(negatives) - negatives / 2) / count_negative
    above = (count_positive - np.cumsum(positives) + positives / 2) / count_positive
    of_positives = float((positives * np.square(below - auc)).sum()) / (count_positive - 1) / count_positive
    of_negatives = float((negatives * np.square(above - auc)).sum()) / (count_negative - 1) / count_negative
    value = of_positives + of_negatives
    spread = of_positives**2 / (count_positive - 1) + of_negatives**2 / (count_negative - 1)
    return Variance(value, value**2 / spread if spread > 0 else float(count_positive + count_negative - 2))


def binning_error(negatives: Histogram, positives: Histogram) -> float | None:
    """Greatest possible distance from the AUC of the unbinned scores.

    Only pairs within a bin can be misjudged, each by a half: sum(pos neg) / (2 P N).

    >>> binning_error(np.array([2, 1, 0]), np.array([0, 1, 1]))
    0.08333333333333333
    """
    pairs = int(negatives.sum()) * int(positives.sum())
    if pairs == 0:
        return None
    return int((negatives * positives).sum()) / (2 * pairs)
