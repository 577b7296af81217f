"""How long labels take, learned from windows that are final, each window once.

Final windows alone: no label of theirs is missing, and what has been learned of them is never corrected, so that a
replay of the log learns the same. What is learned follows in `metrics.delay_curves`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import msgspec
import numpy as np

from metrics.delay_curves import DelayCurves
from metrics.label_groups import LabelGroups, label_groups
from metrics.scatter import Ints
from metrics.window_layout import Cells, Head
from tables.plan import ModelPlan

MEMORY_MS: Final = 86_400_000
MEMORY_WINDOWS_MIN: Final = 24
"""A window weighs 1 / e of what it did after a day of windows, and after so many at least."""
UNIT: Final = 2**20
"""Sums are whole numbers of 1 / UNIT records, so that fading is exact, too. Millions of records a second fit."""


class Stored(msgspec.Struct):
    """A `DelayWatch` in the meta of the merge state."""

    delays: list[list[int]]
    predictions: list[int]
    rounds: int


@dataclass(frozen=True, slots=True, eq=False)
class DelayWatch:
    """What all final windows of one model version have shown, the newest the most.

    delays i8[groups of labels, bins] and predictions i8[groups] in units of 1 / `UNIT` record. curves: what is known of
    it since the latest round. rounds: grows whenever that may have changed.
    """

    memory_windows: int
    delays: Ints
    predictions: Ints
    curves: DelayCurves
    rounds: int = 0

    @classmethod
    def begin(cls, groups: LabelGroups, memory_windows: int, stored: Stored | None = None) -> Self:
        """Knowing nothing, or what was stored; of that only the rounds if it was of other groups."""
        delays = np.zeros((len(groups.labelled), groups.bins), np.int64)
        predictions = np.zeros(len(groups.predicted) + 1, np.int64)
        if stored is not None:
            known = np.array(stored.delays, np.int64), np.array(stored.predictions, np.int64)
            if (known[0].shape, known[1].shape) == (delays.shape, predictions.shape):
                delays, predictions = known
        rounds = 0 if stored is None else stored.rounds
        return cls(memory_windows, delays, predictions, _curves(groups, delays, predictions), rounds)

    def update(self, head: Head, cells: Cells) -> Self:
        """The state after one more final window, of its two vectors."""
        groups = self.curves.groups
        (predictions,) = groups.predictions(head[np.newaxis])
        return replace(
            self,
            delays=self._faded(self.delays) + UNIT * groups.delays(cells),
            predictions=self._faded(self.predictions) + UNIT * predictions,
        )

    def _faded(self, sums: Ints) -> Ints:
        return sums - -(-sums // self.memory_windows)  # rounded up, so that nothing is remembered for ever

    def next_round(self) -> Self:
        """After the windows of one round, also where there were none: only now it is put to use."""
        curves = _curves(self.curves.groups, self.delays, self.predictions)
        return replace(self, curves=curves, rounds=self.rounds + 1)

    def stored(self) -> Stored:
        """What a restart needs, between rounds."""
        return Stored(self.delays.tolist(), self.predictions.tolist(), self.rounds)


def delay_watch(plan: ModelPlan, segment: str, stored: object = None) -> DelayWatch | None:
    """The watch of a slice; None of a segment, whose whole model is watched elsewhere.

    stored: as msgpack brought it back, if there was one. Raises msgspec.ValidationError if it is none.
    """
    groups = None if segment else label_groups(plan.whole)
    if groups is None:
        return None
    known = None if stored is None else msgspec.convert(stored, Stored)
    return DelayWatch.begin(groups, max(MEMORY_MS // plan.window_ms, MEMORY_WINDOWS_MIN), known)


def _curves(groups: LabelGroups, delays: Ints, predictions: Ints) -> DelayCurves:
    return DelayCurves.learn(groups, delays / UNIT, predictions / UNIT)
