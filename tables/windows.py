"""Accumulators of every open (window, slice) of one state partition.

Fixed-size vectors in two growing arrays, fine ones for the whole model and coarse ones for
segments. What memory does not hold, the checkpoint does: clean slots are evicted, the least
recently touched first, and read back when a record touches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from metrics.binary import Cells, Head
from metrics.layout import COARSE, FINE, HEAD_COLUMNS, Column, Layout

Ints = NDArray[np.int64]
SLICE_BITS = 20
"""A slot's key is ``window_start_ms << 20 | slice``."""


def slot_keys(window_start_ms: Ints, slices: Ints) -> Ints:
    """Keys of (window, slice) pairs, int64[n]."""
    return (window_start_ms << SLICE_BITS) | slices


def slot_key(window_start_ms: int, slice_code: int) -> int:
    """The key of one (window, slice) pair."""
    return window_start_ms << SLICE_BITS | slice_code


def slot_of(key: int) -> tuple[int, int]:
    """(window_start_ms, slice code) of a key."""
    return key >> SLICE_BITS, key & ((1 << SLICE_BITS) - 1)


class Snapshot(NamedTuple):
    """One accumulator as it stands: version (changes so far), head i8[H], cells i4[C]."""

    version: int
    head: NDArray[np.int64]
    cells: NDArray[np.int32]

    def pack(self) -> bytes:
        """Bytes: version and head, then the non-empty cells."""
        filled = np.flatnonzero(self.cells).astype("<u2")
        counts = self.cells[filled].astype("<i4")
        lead = np.concatenate(([self.version, len(filled)], self.head)).astype("<i8")
        return b"".join((lead.tobytes(), filled.tobytes(), counts.tobytes()))

    @staticmethod
    def unpack(value: bytes, layout: Layout) -> Snapshot:
        """The inverse of `pack`."""
        lead_bytes = 8 * (2 + HEAD_COLUMNS)
        lead = np.frombuffer(value[:lead_bytes], "<i8")
        filled_count = int(lead[1])
        cells = np.zeros(layout.cells, np.int32)
        filled = np.frombuffer(value, "<u2", filled_count, lead_bytes)
        cells[filled] = np.frombuffer(value, "<i4", filled_count, lead_bytes + 2 * filled_count)
        return Snapshot(int(lead[0]), lead[2:].astype(np.int64), cells)


class Prepared(Protocol):
    """A chunk of records as their task has prepared them."""

    def __len__(self) -> int: ...
    def take(self, index: Ints, /) -> Prepared:
        """The records at those positions."""


Load = Callable[[int], bytes | None]
Window = tuple[str, int]
"""(configured model, window_start_ms)."""


@dataclass(slots=True)
class Pool:
    """Slots of one layout."""

    layout: Layout
    load: Load
    slots: dict[int, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    head: Head = field(default_factory=lambda: np.zeros((0, HEAD_COLUMNS), np.int64))
    cells: Cells = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    versions: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    touched: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    dirty: set[int] = field(default_factory=set)
    clock: int = 0

    def find(self, keys: Ints) -> tuple[Ints, list[int], Ints]:
        """(slot of each key i8[n], the distinct keys, their slots); missing slots are loaded or made."""
        distinct, inverse = np.unique(keys, return_inverse=True)
        names = distinct.tolist()
        get = self.slots.get
        slots = np.array([self._open(key) if (slot := get(key)) is None else slot for key in names], np.int64)
        return slots[inverse], names, slots

    def _open(self, key: int) -> int:
        if not self.free:
            self._grow()
        slot = self.slots[key] = self.free.pop()
        stored = self.load(key)
        if stored is None:
            self.head[slot], self.cells[slot], self.versions[slot] = 0, 0, 0
        else:
            version, head, cells = Snapshot.unpack(stored, self.layout)
            self.head[slot], self.cells[slot], self.versions[slot] = head, cells, version
        return slot

    def _grow(self) -> None:
        old = len(self.versions)
        new = max(16, 2 * old)
        self.head = _extended(self.head, (new, HEAD_COLUMNS))
        self.cells = _extended(self.cells, (new, self.layout.cells))
        self.versions = _extended(self.versions, (new,))
        self.touched = _extended(self.touched, (new,))
        self.free.extend(range(new - 1, old - 1, -1))

    def mark(self, keys: Iterable[int], slots: Ints) -> None:
        """A block has changed these slots: one version more, to be stored and sent."""
        self.versions[slots] += 1
        self.touched[slots] = self.clock
        self.dirty.update(keys)

    def snapshot(self, key: int) -> Snapshot | None:
        """A copy of one accumulator, from memory or from the checkpoint; None if unknown."""
        slot = self.slots.get(key)
        if slot is not None:
            return Snapshot(int(self.versions[slot]), self.head[slot].copy(), self.cells[slot].copy())
        stored = self.load(key)
        return None if stored is None else Snapshot.unpack(stored, self.layout)

    def drop(self, key: int) -> None:
        """Forget one accumulator (its window is final and sent, or it is evicted)."""
        slot = self.slots.pop(key, None)
        if slot is not None:
            self.free.append(slot)
        self.dirty.discard(key)

    def evict(self, keep: int) -> int:
        """Drop clean slots, the least recently touched first, down to ``keep``; how many."""
        surplus = len(self.slots) - keep
        if surplus <= 0:
            return 0
        clean = [k for k in self.slots if k not in self.dirty]
        clean.sort(key=lambda k: int(self.touched[self.slots[k]]))
        for key in clean[:surplus]:
            self.drop(key)
        return len(clean[:surplus])


_Whole = TypeVar("_Whole", np.int64, np.int32)


def _extended(array: NDArray[_Whole], shape: tuple[int, ...]) -> NDArray[_Whole]:
    grown = np.zeros(shape, array.dtype)
    if array.size:
        grown[: len(array)] = array
    return grown


class Windows:
    """Both pools of one state partition, and which slots have changed since they were sent.

    owner: slice code -> name of the configured model it belongs to.
    """

    def __init__(self, load: Load, owner: Callable[[int], str]) -> None:
        self.fine, self.coarse = Pool(FINE, load), Pool(COARSE, load)
        self._owner = owner
        self.unsent: dict[Window, set[int]] = {}
        self.keys: dict[Window, set[int]] = {}

    def pool(self, level: int) -> Pool:
        """Level 0 is the whole model, deeper ones are segment fields."""
        return self.coarse if level else self.fine

    def add(
        self,
        levels: list[tuple[Ints, Ints]],
        window_start_ms: Ints,
        prepared: Prepared,
        signs: Ints,
        count: Callable[..., None],
    ) -> None:
        """Count n predictions, or outcomes (sign -1 retracts), at every level they belong to.

        levels: (records' indexes, their slice codes) as `Combos.leaf_table` gives them.
        count: `add_predictions` or `add_outcomes` of the task that has prepared them.
        """
        for level, (index, slices) in enumerate(levels):
            pool = self.pool(level)
            keys = slot_keys(window_start_ms[index], slices)
            slot, distinct, slots = pool.find(keys)
            count(pool.head, pool.cells, pool.layout, slot, _at(prepared, index), signs[index])
            self._note(pool, distinct, slots)

    def _note(self, pool: Pool, keys: list[int], slots: Ints) -> None:
        pool.mark(keys, slots)
        for key in keys:
            self.note(key)

    def note(self, key: int) -> None:
        """The slot exists and has something to send."""
        start_ms, slice_code = slot_of(key)
        window = (self._owner(slice_code), start_ms)
        self.keys.setdefault(window, set()).add(key)
        self.unsent.setdefault(window, set()).add(key)

    def resend(self) -> None:
        """All there is has to be sent again."""
        self.unsent = {window: set(keys) for window, keys in self.keys.items()}

    def snapshot(self, key: int, level: int) -> Snapshot | None:
        """A copy of one accumulator; None if it is unknown."""
        return self.pool(level).snapshot(key)

    def drop(self, window: Window) -> set[int]:
        """Forget a model's window for good; the keys it had."""
        keys = self.keys.pop(window, set())
        self.unsent.pop(window, None)
        for key in keys:
            self.fine.drop(key)
            self.coarse.drop(key)
        return keys


def _at(prepared: Prepared, index: Ints) -> Prepared:
    return prepared if len(index) == len(prepared) else prepared.take(index)


def unlabelled(snapshot: Snapshot) -> int:
    """Predictions of the window that no label has joined."""
    return int(snapshot.head[Column.TOTAL] - snapshot.head[Column.LABELLED])
