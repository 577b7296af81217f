"""What a decoder makes of a chunk: columns of the good records, and the bad ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.class_scores import ClassScores
from models.combo import Combo
from models.judge import Record
from models.observed import Observed
from models.outcome import Outcomes, renumbered


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record for the dead letters; the message holds nothing of the record's content."""

    record: Record
    code: str
    message: str


@dataclass(slots=True)
class Decoded:
    """A chunk's good records as the columns of a Batch, its bad ones, the greatest event time."""

    ids: list[bytes]
    offsets: NDArray[np.int64]
    time_ms: NDArray[np.int64]
    score: NDArray[np.float64]
    outcome: Outcomes
    combos: list[Combo]
    combo_index: NDArray[np.int32]
    bad: list[BadRecord]
    greatest_ms: int
    observed: Observed | None = None
    carried: NDArray[np.void] | None = None
    classes: list[str] = field(default_factory=list)
    """The names that ``outcome`` points into, of a multiclass task."""
    class_scores: ClassScores | None = None
    """Of the same classes, where they are to be carried."""

    def coded(self, codes: NDArray[np.int64], classes_max: int) -> Decoded:
        """With these codes for the classes, i8[len(classes)], instead of names. classes_max: the code of all others."""
        outcome, carried = renumbered(codes, self.outcome), self.carried
        if self.class_scores is not None:
            carried = self.class_scores.renumbered(codes).pack(len(self.ids), classes_max)
        return replace(self, outcome=outcome, classes=[], carried=carried, class_scores=None)
