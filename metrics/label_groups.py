"""Which labels of a window are alike in how long they take, and where the window's vectors count them.

Binary labels are told apart by confusion cell, which is what weights need; predictions, whose labels may not have come,
by the predicted class. Of the other tasks all are one group: they have maturity, and nothing weighted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.delays import Delays
from metrics.layout import LATENCY_OCTAVES, Column
from metrics.multiclass import MulticlassPart
from metrics.regression import RegressionPart
from metrics.scatter import Ints
from metrics.window_layout import TOTAL_COLUMN, Cells, WindowLayout

Heads = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class LabelGroups:
    """Groups of labels, and of predictions, in the windows of one layout.

    labelled: columns of head, each counts the labels of a group. predicted: columns of the groups of predictions; those
    that none of them counts are the last group. The delays of each group of labels are a histogram of so many bins
    among the cells, one behind the other from first_cell on.
    """

    labelled: tuple[int, ...]
    predicted: tuple[int, ...]
    first_cell: int
    bins: int
    bins_per_octave: float

    @property
    def head_columns(self) -> int:
        """So many columns of head, from the first one on, hold all that is counted here."""
        return 1 + max(TOTAL_COLUMN, *self.labelled, *self.predicted)

    @property
    def has_cells(self) -> bool:
        """Whether the groups of labels are confusion cells: tp, fp, fn, tn."""
        return len(self.labelled) == len(_CELLS)

    def labels(self, heads: Heads) -> Ints:
        """Labels that have come, i8[w, groups of labels], of w windows: heads [w, head_columns or more]."""
        return heads[:, list(self.labelled)].astype(np.int64)

    def predictions(self, heads: Heads) -> Ints:
        """Predictions, labelled or not, i8[w, groups of predictions]."""
        told = heads[:, list(self.predicted)].astype(np.int64)
        others = heads[:, TOTAL_COLUMN, np.newaxis] - told.sum(axis=1, keepdims=True)
        return np.hstack([told, others])

    def delays(self, cells: Cells) -> Ints:
        """Histograms of the delays of one window, i8[groups of labels, bins]."""
        end = self.first_cell + len(self.labelled) * self.bins
        return cells[self.first_cell : end].astype(np.int64).reshape(len(self.labelled), self.bins)


_CELLS = (int(Column.TP), int(Column.FP), int(Column.FN), int(Column.TN))


def label_groups(layout: WindowLayout) -> LabelGroups | None:
    """Those of a layout; None where it does not count delays, or not by confusion cell where there are such."""
    for part, start in zip(layout.parts, layout.cell_starts, strict=False):
        if isinstance(part, Delays):
            return LabelGroups(_CELLS, (int(Column.PREDICTED_POSITIVE_TOTAL),), start, part.bins, part.bins_per_octave)
        if isinstance(part, RegressionPart | MulticlassPart):
            bins = part.latency_bins
            column, first_cell = int(part.labelled_column), start + part.latency_start
            return LabelGroups((column,), (), first_cell, bins, bins / LATENCY_OCTAVES)
    return None
