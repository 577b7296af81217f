"""A batch: decoded records as columns, as they travel from the decoder to the join.

Columns have one entry a record, in the order of consumption. Times are whole milliseconds
since the epoch (UTC). As bytes: see `models.packed_batch`. What `outcome` holds depends on the task of
the models: see `models.outcome`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models import carried
from models.combo import Combo, narrow, unite
from models.observed import Observed
from models.outcome import Outcomes, Task, task_of

Kind = Literal["predictions", "labels", "heartbeats"]
"""What a record is; of heartbeats (see `models.heartbeat`) nothing is joined."""

Index = NDArray[np.int64] | NDArray[np.bool_]

MIN_MS: Final = -(2**62)
"""The watermark before anything was seen."""


@dataclass(frozen=True, slots=True)
class Source:
    """One partition of one of the user's topics."""

    topic: str
    partition: int


@dataclass(slots=True, eq=False)
class Batch:
    """Records of one source partition (or a part of them) as columns.

    `base` is the source offset up to which the sender had covered the source before this
    batch (-1: unknown), `last` the one up to which this batch covers it, gaps and bad records
    included. `score` is empty but for predictions, `combo_index` for labels. All records are of one task.
    """

    kind: Kind
    source: Source
    base: int
    last: int
    watermark_ms: int
    idle: bool
    ids: list[bytes]
    offsets: NDArray[np.int64]
    time_ms: NDArray[np.int64]
    score: NDArray[np.float64]
    outcome: Outcomes
    combos: list[Combo]
    combo_index: NDArray[np.int32]
    bad: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Source offsets of the records that went to the dead letters instead."""
    observed: Observed | None = None
    """What the records say besides; None where nothing of it is watched."""
    carried: NDArray[np.void] | None = None
    """What is kept of each record until its label comes, V[n] (see `models.carried`); None where nothing is."""

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        """Equal in everything, column by column; NaN scores equal each other."""
        if not isinstance(other, Batch):
            return NotImplemented
        return (
            self._head() == other._head()
            and self.observed == other.observed
            and carried_bytes(self) == carried_bytes(other)
            and np.array_equal(self.bad, other.bad)
            and all(
                np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
                for a, b in zip(self.columns(), other.columns(), strict=True)
            )
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def task(self) -> Task:
        """What kind of outcomes these are."""
        return task_of(self.outcome)

    def _head(self) -> tuple[object, ...]:
        return (
            self.kind, self.source, self.base, self.last, self.watermark_ms, self.idle,
            self.ids, self.combos, self.task,
        )  # fmt: skip

    def columns(self) -> tuple[NDArray[np.signedinteger | np.float64], ...]:
        """Offsets, times, scores, outcomes and combo indexes."""
        return self.offsets, self.time_ms, self.score, self.outcome, self.combo_index

    def select(self, index: Index) -> Batch:
        """The records that a boolean mask or an array of positions names; same source chain."""
        return self._take(np.arange(len(self))[index])

    def split(self, partitions: int) -> list[Batch]:
        """One batch per partition by `crc32(id) % partitions`, empty ones included.

        The order within a part is the order of this batch; combos are narrowed to those used.
        What is said of bad records goes with the first part.
        """
        if partitions == 1:
            return [self]
        owner = id_partitions(self.ids, partitions)
        order = np.argsort(owner, kind="stable")
        ends = np.cumsum(np.bincount(owner, minlength=partitions)).tolist()
        starts = [0, *ends]
        parts = [self._take(order[a:b]) for a, b in zip(starts, ends, strict=False)]
        for part in parts[1:]:
            part.bad = part.bad[:0]
        return parts

    def _take(self, positions: NDArray[np.int64]) -> Batch:
        ids = self.ids
        used = self.combo_index[positions] if self.combos else self.combo_index
        combos, combo_index = narrow(self.combos, used)
        return Batch(
            self.kind, self.source, self.base, self.last, self.watermark_ms, self.idle,
            [ids[i] for i in positions.tolist()],
            self.offsets[positions],
            self.time_ms[positions],
            self.score[positions] if self.score.size else self.score,
            self.outcome[positions],
            combos,
            combo_index,
            self.bad,
            self.observed and self.observed.take(positions),
            None if self.carried is None else self.carried[positions],
        )  # fmt: skip

    def cap(self, capped: Callable[[Combo], Combo]) -> Batch:
        """The same records with each distinct combo mapped by `capped`; equal results unite."""
        if not self.combos:
            return self
        seen: dict[Combo, int] = {}
        renumbered = [seen.setdefault(capped(combo), len(seen)) for combo in self.combos]
        table = np.array(renumbered, dtype=np.int32)
        return _replaced(self, list(seen), table[self.combo_index])

    @staticmethod
    def concat(batches: Sequence[Batch]) -> Batch:
        """All records of batches of one kind, in order; the source chain is the first one's.

        Raises ValueError when there are none, or of several kinds or tasks.
        """
        if not batches or len({batch.kind for batch in batches}) != 1:
            raise ValueError("concat needs at least one batch, all of one kind")
        if len(batches) == 1:
            return batches[0]
        head = batches[0]
        combos, combo_index = unite([(batch.combos, batch.combo_index) for batch in batches])
        if len({batch.task for batch in batches}) != 1:
            raise ValueError("outcomes of several tasks cannot be put together")
        return Batch(
            head.kind, head.source, head.base, head.last, head.watermark_ms, head.idle,
            [one for batch in batches for one in batch.ids],
            np.concatenate([batch.offsets for batch in batches]),
            np.concatenate([batch.time_ms for batch in batches]),
            np.concatenate([batch.score for batch in batches]),
            np.concatenate([batch.outcome for batch in batches]),
            combos,
            combo_index,
            np.concatenate([batch.bad for batch in batches]),
            _observed(batches),
            carried.unite([(len(batch), batch.carried) for batch in batches]),
        )  # fmt: skip


def id_partitions(ids: Sequence[bytes], partitions: int) -> NDArray[np.uint16]:
    """The by-id partition of each id: `crc32(id) % partitions`, shape [n].

    Sixteen bits, since numpy sorts those by radix; ValueError for more partitions than that.
    """
    if not 0 < partitions <= 2**16:
        raise ValueError(f"{partitions} partitions; from 1 to {2**16} are possible")
    hashes = np.fromiter(map(zlib.crc32, ids), dtype=np.uint32, count=len(ids))
    return (hashes % np.uint32(partitions)).astype(np.uint16)


def empty(kind: Kind, source: Source, *, base: int, last: int, watermark_ms: int, idle: bool) -> Batch:
    """A batch without records: a marker that carries coverage, watermark and idleness on."""
    return Batch(
        kind, source, base, last, watermark_ms, idle, [],
        np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64),
        np.empty(0, np.int8), [], np.empty(0, np.int32),
    )  # fmt: skip


def _replaced(batch: Batch, combos: list[Combo], combo_index: NDArray[np.int32]) -> Batch:
    return Batch(
        batch.kind, batch.source, batch.base, batch.last, batch.watermark_ms, batch.idle,
        batch.ids, batch.offsets, batch.time_ms, batch.score, batch.outcome, combos, combo_index,
        batch.bad, batch.observed, batch.carried,
    )  # fmt: skip


def _observed(batches: Sequence[Batch]) -> Observed | None:
    if all(batch.observed is None for batch in batches):
        return None
    return Observed.concat([batch.observed or Observed(len(batch)) for batch in batches])


def carried_bytes(batch: Batch) -> tuple[int, bytes]:
    """What a batch carries: (bytes a record, all of them)."""
    return (0, b"") if batch.carried is None else (batch.carried.itemsize, batch.carried.tobytes())
