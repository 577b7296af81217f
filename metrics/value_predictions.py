"""What a regression predicts, as a part of a window: where the values lie, and how far they are probably off."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.coding import standard_scores
from metrics.confusion import ratio
from metrics.dle import estimate
from metrics.drift import Window, drift_alone
from metrics.inputs import SQUARE_SCALE, Z_SCALE, duration_text, rounded_sums
from metrics.observer import Observation
from metrics.reference import FIRST, Losses, Numeric
from metrics.window_layout import Cells, Head

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BUCKETS: Final = 1024
"""Equal predictions share a bucket; of different ones so many do not, that the fullest tells of the commonest value."""
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_NUMBERS: Final = (
    "ks", "ks_pvalue", "psi", "psi_threshold", "js", "wasserstein", "mean_shift", "drifted", "drifted_by",
)  # fmt: skip


@dataclass(frozen=True)
class ValuePredictions:
    """Predicted numbers in the bins of the baseline's distribution, with the losses that its labels showed there.

    Head: sums of z and of z squared, in fixed point as those of features. Cells: bins of the reference, then `BUCKETS`.
    Drift is looked for in spans of over_seconds or more; it and the estimated losses take min_records.
    """

    reference: Numeric
    losses: Losses | None
    over_seconds: float
    min_records: int

    def __hash__(self) -> int:
        return hash(self.name)  # the reference's lists have none

    @cached_property
    def name(self) -> str:
        """Of these very bins: counts of others must not be added."""
        return f"values/{zlib.crc32(msgspec.json.encode(self.reference)):08x}"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return 2

    @property
    def bins(self) -> int:
        """Bins of the reference."""
        return len(self.reference.edges) + 1

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return self.bins + BUCKETS

    def observe(self, observation: Observation, slot: Ints, slots: int) -> tuple[Head, NDArray[np.int32]]:
        """Count n finite predictions into so many windows: head i8[slots, 2], cells i4[slots, cells].

        slot i8[n]: the window of each record. Raises IndexError for a slot that is not there.
        """
        if slot.size and not 0 <= slot.min() <= slot.max() < slots:
            raise IndexError(f"a slot outside 0 to {slots - 1}")
        value = observation.predicted
        z = standard_scores(self.reference, value)
        sums = (rounded_sums(z * Z_SCALE, slot, slots), rounded_sums(z * z * SQUARE_SCALE, slot, slots))
        at = np.searchsorted(self.reference.edges, value, side="left")
        cell = np.concatenate([slot * self.cells + at, slot * self.cells + self.bins + bucket_of(value)])
        counted = np.bincount(cell, minlength=slots * self.cells).astype(np.int32)
        return np.stack(sums, axis=1), counted.reshape(slots, self.cells)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """``estimated``, one of ``metrics``, and of a span that is long enough ``drift``."""
        counts, buckets = np.split(cells.astype(np.int64), [self.bins])
        records = int(counts.sum())
        found: dict[str, object] = {
            "metrics": {"top_value_share": ratio(int(buckets.max()), records)},
            "estimated": self._estimated(counts),
        }
        if seconds >= self.over_seconds:
            z_sum, z_squares = (head / (Z_SCALE, SQUARE_SCALE)).tolist()
            window = Window(np.concatenate([np.zeros(FIRST, np.int64), counts]), z_sum, z_squares)
            found["drift"] = {
                "over": duration_text(self.over_seconds),
                "records": records,
                "prediction": drift_alone(self.reference, window, self.min_records).fields(_NUMBERS),
            }
        return found

    def _estimated(self, counts: Ints) -> dict[str, object]:
        records, least = int(counts.sum()), max(1, self.min_records)
        reason = f"{records} predictions in the window, at least {least} are needed" if records < least else None
        if self.losses is None:
            reason = "no labels in the baseline to learn losses from"
        if self.losses is None or reason:
            return {**estimate(0 * counts, np.zeros((4, self.bins))), "reason": reason}
        return {**estimate(counts, self.losses.sums)}


def bucket_of(values: Floats) -> Ints:
    """A bucket of `BUCKETS` for each value, i8[n]: equal ones have the same (Fibonacci hashing of their bits)."""
    bits = (values + 0.0).view(np.uint64)  # of two zeros that are equal, one
    mixed = (bits ^ (bits >> np.uint64(32))) * _SPREAD
    return (mixed >> np.uint64(64 - BUCKETS.bit_length() + 1)).astype(np.int64)
