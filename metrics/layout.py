"""Where everything stands in the two vectors of a binary window.

*head* (int64) holds counts and sums; a sum of fractions is kept in fixed point
(scaled by 2**30), because integers add, retract and merge exactly in any order.
*cells* (int32) holds three histograms, one behind the other: scores of
negatives, scores of positives, label latencies.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FIXED_POINT = 2**30
"""Scale of the sums of fractions: one term is at most 2**-31 = 4.7e-10 off."""

CALIBRATION_BINS = 10

LATENCY_OCTAVES = 35
"""The latency histogram spans 1 ms to 2**35 ms, which is 397 days."""


class Column(IntEnum):
    """Columns of head. CALIBRATION starts 10 triples (count, positives, score sum)."""

    TOTAL = 0
    SCORED_TOTAL = 1
    PREDICTED_POSITIVE_TOTAL = 2
    SCORE_SUM = 3
    LABELLED = 4
    SCORED = 5
    TP = 6
    FP = 7
    FN = 8
    TN = 9
    LOG_LOSS_SUM = 10
    BRIER_SUM = 11
    LATENCY_SUM_MS = 12
    CALIBRATION = 13


HEAD_COLUMNS = int(Column.CALIBRATION) + 3 * CALIBRATION_BINS


@dataclass(frozen=True, slots=True)
class Layout:
    """How finely a window's histograms are cut.

    >>> Layout(score_bins=1000, latency_bins=560).cells
    2560
    """

    score_bins: int
    latency_bins: int

    def __post_init__(self) -> None:
        if self.score_bins < 1 or self.latency_bins < 1:
            raise ValueError("a layout needs at least one bin of each kind")

    @property
    def cells(self) -> int:
        """Length of the cells vector."""
        return 2 * self.score_bins + self.latency_bins

    @property
    def latency_start(self) -> int:
        """Where the latency histogram starts in cells."""
        return 2 * self.score_bins

    @property
    def latency_bins_per_octave(self) -> float:
        """Latency bins for each doubling of the latency."""
        return self.latency_bins / LATENCY_OCTAVES

    @property
    def latency_relative_error(self) -> float:
        """How far, relatively, a latency read from the histogram may be off.

        A bin is answered for by its geometric middle, half a bin from either end.

        >>> round(FINE.latency_relative_error, 4), round(COARSE.latency_relative_error, 4)
        (0.0219, 0.0905)
        """
        return float(2 ** (0.5 / self.latency_bins_per_octave)) - 1

    def negatives(self, cells: NDArray[np.int32]) -> NDArray[np.int64]:
        """Score histogram of the actual negatives, int64[score_bins]."""
        return cells[: self.score_bins].astype(np.int64)

    def positives(self, cells: NDArray[np.int32]) -> NDArray[np.int64]:
        """Score histogram of the actual positives, int64[score_bins]."""
        return cells[self.score_bins : self.latency_start].astype(np.int64)

    def latencies(self, cells: NDArray[np.int32]) -> NDArray[np.int64]:
        """Label latency histogram, int64[latency_bins]."""
        return cells[self.latency_start :].astype(np.int64)


FINE = Layout(score_bins=1000, latency_bins=560)
"""For the whole model: 16 latency bins an octave, latencies within 2.2 %."""

COARSE = Layout(score_bins=200, latency_bins=140)
"""For segments: 4 latency bins an octave, latencies within 9.1 %."""
