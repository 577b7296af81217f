"""Accumulators of every open (window, slice) of one state partition.

Fixed-size vectors in growing arrays, one pair for each layout: whole models have finer ones than
segments. What memory does not hold, the checkpoint does: clean slots are evicted, the least
recently touched first, and read back when a record touches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from metrics.binary import Cells, Head
from metrics.window_layout import TOTAL_COLUMN, WindowLayout
from tables.snapshot import Snapshot, add_names

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

    layout: WindowLayout
    load: Load
    slots: dict[int, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    named: dict[int, Mapping[str, int]] = field(default_factory=dict)
    head: Head = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    cells: Cells = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    versions: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    touched: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    dirty: set[int] = field(default_factory=set)
    clock: int = 0

    @property
    def slot_bytes(self) -> int:
        """What one accumulator takes in memory."""
        return 8 * self.layout.head_columns + 4 * self.layout.cells

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
            version, head, cells, named = Snapshot.unpack(stored, self.layout)
            self.head[slot], self.cells[slot], self.versions[slot] = head, cells, version
            if named:
                self.named[slot] = named
        return slot

    def _grow(self) -> None:
        old = len(self.versions)
        new = max(16, 2 * old)
        self.head = _extended(self.head, (new, self.layout.head_columns))
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
            named = self.named.get(slot, {})
            return Snapshot(int(self.versions[slot]), self.head[slot].copy(), self.cells[slot].copy(), named)
        stored = self.load(key)
        return None if stored is None else Snapshot.unpack(stored, self.layout)

    def drop(self, key: int) -> None:
        """Forget one accumulator (its window is final and sent, or it is evicted)."""
        slot = self.slots.pop(key, None)
        if slot is not None:
            self.free.append(slot)
            self.named.pop(slot, None)
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
    """The pools of one state partition, and which slots have changed since they were sent.

    owner and layout_of: slice code -> name of the configured model it belongs to, layout of its accumulators.
    """

    def __init__(self, load: Load, owner: Callable[[int], str], layout_of: Callable[[int], WindowLayout]) -> None:
        self._load, self._owner, self._layout_of = load, owner, layout_of
        self.pools: dict[WindowLayout, Pool] = {}
        self.unsent: dict[Window, set[int]] = {}
        self.keys: dict[Window, set[int]] = {}

    def layout_of(self, key: int) -> WindowLayout:
        """How an accumulator is laid out."""
        return self._layout_of(slot_of(key)[1])

    def pool(self, slice_code: int) -> Pool:
        """The pool of a slice."""
        layout = self._layout_of(slice_code)
        pool = self.pools.get(layout)
        if pool is None:
            pool = self.pools[layout] = Pool(layout, self._load)
        return pool

    def add(
        self,
        levels: list[tuple[Ints, Ints]],
        window_start_ms: Ints,
        prepared: Prepared,
        signs: Ints,
        *,
        outcomes: bool,
    ) -> None:
        """Count n predictions, or outcomes (sign -1 retracts), at every level they belong to.

        levels: (records' indexes, their slice codes) as `Combos.leaf_table` gives them, of one layout each.
        """
        for index, slices in levels:
            pool = self.pool(int(slices[0]))
            keys = slot_keys(window_start_ms[index], slices)
            slot, distinct, slots = pool.find(keys)
            part = pool.layout.outcomes
            count = part.add_outcomes if outcomes else part.add_predictions
            mine, sign = _at(prepared, index), signs[index]
            count(pool.head, pool.cells, slot, mine, sign)
            for also, starts in pool.layout.also_outcomes if outcomes else ():
                also.add_outcomes(pool.head, pool.cells, starts, slot, mine, sign)
            self._note(pool, distinct, slots)

    def observe(self, key: int, value: bytes) -> None:
        """Add what is known of a window's predictions without labels: a packed snapshot of some of its parts."""
        pool = self.pool(slot_of(key)[1])
        (slot,) = pool.find(np.array([key], np.int64))[2].tolist()
        seen = Snapshot.unpack(value, pool.layout)
        pool.head[slot] += seen.head
        pool.cells[slot] += seen.cells
        if seen.named:
            pool.named[slot] = add_names(pool.named.get(slot, {}), seen.named)
        self._note(pool, [key], np.array([slot], np.int64))

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

    def snapshot(self, key: int) -> Snapshot | None:
        """A copy of one accumulator; None if it is unknown."""
        return self.pool(slot_of(key)[1]).snapshot(key)

    def drop(self, window: Window) -> set[int]:
        """Forget a model's window for good; the keys it had."""
        keys = self.keys.pop(window, set())
        self.unsent.pop(window, None)
        for key in keys:
            self.pool(slot_of(key)[1]).drop(key)
        return keys

    def evict(self, bytes_max: int) -> None:
        """Drop what need not be in memory, so that all pools together keep within so many bytes."""
        for pool in self.pools.values():
            pool.evict(max(bytes_max // len(self.pools) // pool.slot_bytes, 1))


def _at(prepared: Prepared, index: Ints) -> Prepared:
    return prepared if len(index) == len(prepared) else prepared.take(index)


def unlabelled(snapshot: Snapshot, layout: WindowLayout) -> int:
    """Predictions of the window that no label has joined."""
    return int(snapshot.head[TOTAL_COLUMN] - snapshot.head[layout.outcomes.labelled_column])
