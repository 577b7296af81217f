"""The model's inputs as a part of a window: what was counted of every feature of its baseline."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.drift import Window, drift
from metrics.observer import Observation
from metrics.quality import feature_quality
from metrics.reference import MISSING, Feature, Numeric
from metrics.window_layout import Cells, Head

Ints = NDArray[np.int64]

Z_SCALE: Final = 2**20
SQUARE_SCALE: Final = 2**10
"""Fixed point. z is at most 1000, so that either sum holds 2**33 records at worst."""


@dataclass(frozen=True)
class Inputs:
    """Features of a baseline, in a fixed order.

    Head: records, then for every number the sums of z and of z squared. Cells: for every feature its codes.
    Drift is looked for in spans of over_seconds or more, and in features with min_records.
    """

    features: tuple[tuple[str, Feature], ...]
    over_seconds: float
    min_records: int

    def __hash__(self) -> int:
        return hash(self.name)  # the features' lists have none

    @cached_property
    def name(self) -> str:
        """Of these very features: counts of other bins must not be added."""
        return f"inputs/{zlib.crc32(msgspec.json.encode(self.features)):08x}"

    @cached_property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return 1 + 2 * self._numbers

    @cached_property
    def cells(self) -> int:
        """How many cells it has."""
        return sum(feature.codes for _, feature in self.features)

    def observe(self, observation: Observation, slot: Ints, slots: int) -> tuple[Head, NDArray[np.int32]]:
        """Count n records into so many windows: head i8[slots, head_columns], cells i4[slots, cells].

        Of what was seen: codes u1[n, features], z f4[n, numeric features], in the order of the features. slot i8[n]:
        the window of each record. Raises IndexError for a slot that is not there.
        """
        codes, z = observation.seen["codes"], observation.seen["z"]
        if slot.size and not 0 <= slot.min() <= slot.max() < slots:
            raise IndexError(f"a slot outside 0 to {slots - 1}")
        head = np.empty((slots, self.head_columns), np.int64)
        cells = np.empty((slots, self.cells), np.int32)
        head[:, 0] = np.bincount(slot, minlength=slots)
        # A feature at a time, because what that needs stays in the cache: three times as fast as all at once.
        for number, of_it in enumerate(z.T):
            head[:, 1 + 2 * number] = rounded_sums(of_it * Z_SCALE, slot, slots)
            head[:, 2 + 2 * number] = rounded_sums(of_it * of_it * SQUARE_SCALE, slot, slots)
        for number, (_, feature) in enumerate(self.features):
            start, end = self._starts[number : number + 2]
            counts = np.bincount(slot * feature.codes + codes[:, number], minlength=slots * feature.codes)
            cells[:, start:end] = counts.reshape(slots, feature.codes)
        return head, cells

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """``quality``, and of a span that is long enough ``drift``."""
        whole = cells.astype(np.int64)
        counts = [whole[start:end] for start, end in pairwise(self._starts.tolist())]
        found: dict[str, object] = {"quality": self._quality(counts)}
        if seconds >= self.over_seconds:
            found["drift"] = self._drift(head, counts)
        return found

    def _quality(self, counts: list[Ints]) -> dict[str, object]:
        named = [(name, feature, of_it) for (name, feature), of_it in zip(self.features, counts, strict=True)]
        return {
            "features": {name: feature_quality(feature, of_it) for name, feature, of_it in named},
            "columns_missing": [name for name, _, of_it in named if 0 < of_it.sum() == of_it[MISSING]],
            "columns_extra": [],
        }

    def _drift(self, head: Head, counts: list[Ints]) -> dict[str, object]:
        found = drift(self.features, self._windows(head, counts), self.min_records)
        decided = [one.drifted for one in found.values() if one.drifted is not None]
        return {
            "over": duration_text(self.over_seconds),
            "records": int(head[0]),
            "features": {name: _record(vars(one)) for name, one in found.items()},
            "features_drifted": sum(decided) if decided else None,
        }

    def _windows(self, head: Head, counts: list[Ints]) -> list[Window]:
        moments = iter((head[1:].reshape(-1, 2) / (Z_SCALE, SQUARE_SCALE)).tolist())
        return [
            Window(of_it, *next(moments)) if isinstance(feature, Numeric) else Window(of_it)
            for (_, feature), of_it in zip(self.features, counts, strict=True)
        ]

    @cached_property
    def _numbers(self) -> int:
        return sum(isinstance(feature, Numeric) for _, feature in self.features)

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Where each feature's cells begin, and behind the last one their number."""
        return np.cumsum([0, *(feature.codes for _, feature in self.features)])


def rounded_sums(terms: NDArray[np.floating[Any]], slot: Ints, slots: int) -> Ints:
    """Sums i8[slots] of terms [n], each rounded to a whole number: floats add these exactly below 2**53."""
    return np.bincount(slot, weights=np.rint(terms), minlength=slots).astype(np.int64)


def _record(found: dict[str, object]) -> dict[str, object]:
    """Without a reason where there is none to be given, nor errors and bins where there are none."""
    return {name: value for name, value in found.items() if name not in {"reason", "binning_error", "bins"} or value}


def duration_text(seconds: float) -> str:
    """As configuration writes it.

    >>> duration_text(3600), duration_text(90), duration_text(0.5)
    ('1h', '90s', '0.5s')
    """
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
