"""How long the labels of each confusion cell took: what maturity and delay-weighted metrics are learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from metrics.binary import Prepared
from metrics.layout import LATENCY_OCTAVES, Column
from metrics.scatter import bin_of, scatter
from metrics.window_layout import Cells, Head

Ints = NDArray[np.int64]
CELLS: Final = 4
"""True and false positives, false and true negatives, in the order of `layout.Column`."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Label latencies of a binary model by confusion cell, in logarithmic bins."""

    bins_per_octave: ClassVar[int] = 4

    @property
    def name(self) -> str:
        """There is one of it."""
        return f"delays/{self.bins_per_octave}"

    @property
    def head_columns(self) -> int:
        """It has none of its own."""
        return 0

    @property
    def bins(self) -> int:
        """Bins of one histogram."""
        return LATENCY_OCTAVES * self.bins_per_octave

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return CELLS * self.bins

    def add_outcomes(
        self, head: Head, cells: NDArray[np.int32], starts: tuple[int, int], slot: Ints, prepared: Prepared, sign: Ints
    ) -> None:
        """As `window_layout.AlsoOutcomes`; sign -1 retracts exactly."""
        del head
        outcome = prepared.outcome
        if outcome is None or outcome.latency_octaves is None:
            return
        bins = bin_of(outcome.latency_octaves, self.bins_per_octave, self.bins)
        scatter(cells, slot, starts[1] + (outcome.confusion - Column.TP) * self.bins + bins, sign)

    def histograms(self, cells: Cells) -> Ints:
        """By confusion cell, i8[4, bins], of the part's cells."""
        return np.asarray(cells, np.int64).reshape(CELLS, self.bins)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """Nothing of its own: what is learned of it stands in the records of other windows."""
        del head, cells, seconds
        return {}
