"""Codes for the classes of multiclass models, kept in the state so that they never change.

Models that share a labels topic share its classes: a label names no model. Each state partition counts
its classes on as it sees them, so that the same class may have another code in another partition: whatever
leaves the partition goes by the names (`tables.join_state.classes_of`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.batch import OTHER, Batch
from models.outcome import narrow, renumbered

Named = tuple[int, str]
"""(labels topic code, class name)."""


class Classes:
    """The dictionary of one state partition."""

    def __init__(self) -> None:
        self.log: list[Named] = []
        """All of them, in the order in which they came."""
        self._code: dict[int, dict[str, int]] = {}

    def of(self, topic: int) -> list[str]:
        """The names of a labels topic's classes by their codes."""
        return list(self._code.get(topic, ()))

    def enter(self, topic: int, name: str) -> int:
        """The code of a class; an unknown one gets the next."""
        codes = self._code.setdefault(topic, {})
        if name not in codes:
            codes[name] = len(codes)
            self.log.append((topic, name))
        return codes[name]

    def code(self, topic: int, name: str, classes_max: int) -> int:
        """The code of a class; what is new beyond ``classes_max`` is counted as ``__other__``."""
        codes = self._code.get(topic, {})
        return self.enter(topic, name if name in codes or len(codes) < classes_max else OTHER)

    def coded(self, topic: int, batch: Batch, classes_max: int) -> NDArray[np.int32]:
        """The outcomes of a multiclass batch as codes of this state, i4[n]; withdrawn ones stay -1."""
        classes, outcome = narrow(batch.classes, batch.outcome)
        table = np.array([self.code(topic, name, classes_max) for name in classes], np.int64)
        return renumbered(table, outcome)
