"""The outcomes of the binary task as a part of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics import binary
from metrics.binary import Prepared
from metrics.followed import UNDEFINED, Value
from metrics.layout import FIXED_POINT, HEAD_COLUMNS, Column, Layout
from metrics.result import summarise
from metrics.window_layout import Cells, Head

Ints = NDArray[np.int64]
Table = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class BinaryPart:
    """Predictions counted and labels joined, as `metrics.binary` adds them up."""

    layout: Layout
    labelled_column: ClassVar[int] = Column.LABELLED
    series: ClassVar[tuple[str, ...]] = ("accuracy", "mean_score")

    @property
    def name(self) -> str:
        """What it holds, and how finely it is cut."""
        return f"binary/{self.layout.score_bins}/{self.layout.latency_bins}"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return HEAD_COLUMNS

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return self.layout.cells

    def add_predictions(self, head: Head, cells: Table, slot: Ints, prepared: Prepared, sign: Ints) -> None:
        """As `binary.add_predictions`."""
        binary.add_predictions(head, cells, self.layout, slot, prepared, sign)

    def add_outcomes(self, head: Head, cells: Table, slot: Ints, prepared: Prepared, sign: Ints) -> None:
        """As `binary.add_outcomes`."""
        binary.add_outcomes(head, cells, self.layout, slot, prepared, sign)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """The fields of a binary metric record; see `result.summarise`."""
        return {**summarise(head, cells, self.layout, seconds)}

    def follow(self, head: Head, cells: Cells, total: int) -> Sequence[Value]:
        """Accuracy and mean score of a window."""
        del cells, total  # every part is asked alike
        right, labelled = int(head[Column.TP] + head[Column.TN]), int(head[Column.LABELLED])
        score, scored = int(head[Column.SCORE_SUM]), int(head[Column.SCORED_TOTAL])
        return (
            (right / labelled, labelled) if labelled else UNDEFINED,
            (score / scored / FIXED_POINT, scored) if scored else UNDEFINED,
        )
