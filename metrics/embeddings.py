"""Embeddings as a part of a window: how far their centroid has turned from the baseline's.

Only the direction of a vector counts, so each is scaled to length 1 (`metrics.packed_embedding`).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from math import inf, sqrt
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from metrics.confusion import ratio
from metrics.drift import EFFECT_MIN, PSI_ALPHA
from metrics.inputs import duration_text
from metrics.observer import Observation
from metrics.packed_embedding import SCALE, State
from metrics.reference import Scatter
from metrics.window_layout import Cells, Head

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

THRESHOLD_MAX: Final = 0.5
"""Cosine distance. Where chance alone turns a centroid so far, it points nowhere."""


class _Column(IntEnum):
    """Columns of head; from SUMS on those of the vectors."""

    RECORDS, MISSING, MISMATCH, SUMS = range(4)


def rounding(dimension: int) -> float:
    """How far the cosine distance may be off because numbers are packed: half a unit in each."""
    return dimension / (8 * SCALE**2)


@dataclass(frozen=True)
class Embeddings:
    """The sum of the embeddings of a window, in fixed point, and how many records had none.

    centroid: of the baseline, with its scatter if that is known. Drift is looked for in spans of over_seconds or more,
    with min_records.
    """

    centroid: Sequence[float]
    scatter: Scatter | None
    over_seconds: float
    min_records: int

    def __hash__(self) -> int:
        return hash(self.name)  # a list has none

    @cached_property
    def name(self) -> str:
        """Sums of vectors of one model mean nothing beside those of another, so it is of this very centroid."""
        return f"embeddings/{zlib.crc32(msgspec.json.encode(self.centroid)):08x}"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return _Column.SUMS + len(self.centroid)

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return 0

    def observe(self, observation: Observation, slot: Ints, slots: int) -> tuple[Head, NDArray[np.int32]]:
        """Count n records into so many windows: head i8[slots, head_columns], cells i4[slots, 0].

        Of what was seen: as `packed_type`. slot i8[n]: the window of each record. Raises IndexError for a slot that is
        not there.
        """
        if slot.size and not 0 <= slot.min() <= slot.max() < slots:
            raise IndexError(f"a slot outside 0 to {slots - 1}")
        states, vectors = observation.seen["embedding_state"], observation.seen["embedding"]
        head = np.zeros((slots, self.head_columns), np.int64)
        head[:, _Column.RECORDS] = np.bincount(slot, minlength=slots)
        for column, state in ((_Column.MISSING, State.MISSING), (_Column.MISMATCH, State.MISMATCH)):
            head[:, column] = np.bincount(slot[states == state], minlength=slots)
        for one in np.unique(slot).tolist():
            head[one, _Column.SUMS :] = vectors[slot == one].sum(axis=0, dtype=np.int64)
        return head, np.zeros((slots, 0), np.int32)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """``quality.embedding``, and of a span that is long enough ``drift.embedding``."""
        del cells  # it has none
        records, missing, mismatch = head[: _Column.SUMS].tolist()
        shares = {"missing_ratio": ratio(missing, records), "type_mismatch_ratio": ratio(mismatch, records)}
        found: dict[str, object] = {"quality": {"embedding": shares}}
        if seconds >= self.over_seconds:
            drift = self._drift(head[_Column.SUMS :] / SCALE, records - missing - mismatch)
            found["drift"] = {"over": duration_text(self.over_seconds), "records": records, "embedding": drift}
        return found

    def _drift(self, total: Floats, records: int) -> dict[str, object]:
        """The fields of ``drift.embedding``. total f8[dimension]: sum of so many vectors of length 1."""
        found: dict[str, object] = {
            "cosine_distance": None, "records": records, "threshold": None, "drifted": None,
        }  # fmt: skip
        least = max(1, self.min_records)
        if records < least:
            return found | {"reason": f"{records} embeddings in the window, at least {least} are needed"}
        distance = cosine_distance(total, np.array(self.centroid))
        if distance is None:
            return found | {"reason": "the embeddings of the window, or of the baseline, cancel each other out"}
        found["cosine_distance"] = distance
        if self.scatter is None:
            return found | {"reason": "no centroid_scatter in the baseline: build it anew"}
        limit = threshold(np.array(self.centroid), self.scatter, records)
        if limit > THRESHOLD_MAX:
            return found | {"reason": f"the baseline's embeddings have no direction that {records} of them would show"}
        return found | {"threshold": limit, "drifted": distance > limit}


def cosine_distance(one: Floats, other: Floats) -> float | None:
    """1 - cos of the angle between two vectors, f8[dimension] each; None if one of them is 0.

    >>> cosine_distance(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    lengths = float(np.sqrt((one @ one) * (other @ other)))
    return max(0.0, 1 - float(one @ other) / lengths) if lengths > 0 else None


def threshold(centroid: Floats, scatter: Scatter, records: int) -> float:
    """Above which cosine distance the centroid of n records has turned, and not by chance alone.

    To first order the distance is |e|^2 / 2 R^2, with R the length of the centroid and e the error across its
    direction: of n records and of the m of the baseline together |e|^2 has the mean V (1/n + 1/m), V being
    ``variance``, and is about that times chi-square over f = ``freedom`` degrees (Satterthwaite 1946). The threshold
    is that chi-square's quantile 0.99, or if it is more, a centroid that has moved by `EFFECT_MIN` of the root of V.
    Of R, which is known no better, one standard error is taken: along the direction the variance is 1 - V - R^2.
    Measured without drift, n from 30 to 1,000, 12 to 768 dimensions: passed in 0 to 2 % of windows.
    """
    inverse, square = 1 / records + 1 / scatter.records, float(centroid @ centroid)
    length = sqrt(square) - sqrt(max(0.0, 1 - scatter.variance - square) * inverse)
    noise = inverse * float(chdtri(scatter.freedom, PSI_ALPHA)) / scatter.freedom
    moved = scatter.variance * max(EFFECT_MIN**2, noise) / (2 * length**2) if length > 0 else inf
    return max(moved, rounding(len(centroid)))
