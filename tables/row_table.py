"""Rows by key in memory, side by side (see `key_index`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tables.found_rows import FoundRows, side_by_side
from tables.key_index import Hashed, KeyIndex
from tables.strings import Strings

Ints = NDArray[np.int64]


class RowTable:
    """The last row of each key.

    Rows that are wider than most, or came with others of several sizes, stand by themselves: ids with more of a story.
    """

    def __init__(self, width: int) -> None:
        """width: bytes of the rows that stand side by side, at most."""
        self._width = width
        self._index = KeyIndex()
        self._rows = np.zeros(0, f"V{width}")
        self._sizes = np.zeros(0, np.uint16)
        """Of the row of each number; 0 where it stands by itself."""
        self._apart: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._index)

    def clear(self) -> None:
        """Forget all rows; the memory is kept for others."""
        self._index.clear()
        self._apart.clear()

    def put(self, keys: Hashed, rows: Strings) -> None:
        """The rows of keys of which no two are equal."""
        numbers = self._index.add(keys)
        self._make_room()
        size = rows.one_size()
        if 0 < size <= self._width:
            self._sizes.put(numbers, size)
            self._rows.put(numbers, side_by_side(rows.padded(self._width)))
        else:
            self._sizes.put(numbers, 0)
            self._apart.update(zip(numbers.tolist(), rows.to_list(), strict=True))

    def look_up(self, keys: Hashed, positions: Ints, found: FoundRows) -> Ints:
        """Enter the rows of these keys, which are asked for at the positions; the positions whose keys are not here."""
        numbers = self._index.find(keys)
        here = np.flatnonzero(numbers >= 0)
        if not len(here):
            return positions
        at, stored = positions.take(here), numbers.take(here)
        alike = self._sizes.take(stored) == found.width
        if not alike.all():
            for i in np.flatnonzero(~alike).tolist():
                found.others[int(at[i])] = self._row(int(stored[i]))
            at, stored = at[alike], stored[alike]
        found.put(at, self._rows.take(stored))
        return positions[numbers < 0]

    def _row(self, number: int) -> bytes:
        size = int(self._sizes[number])
        return self._rows[number].tobytes()[:size] if size else self._apart[number]

    def _make_room(self) -> None:
        more = self._index.room - len(self._rows)
        if more:
            self._rows = np.concatenate((self._rows, np.zeros(more, self._rows.dtype)))
            self._sizes = np.concatenate((self._sizes, np.zeros(more, self._sizes.dtype)))
