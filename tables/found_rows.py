"""What a look-up of many keys has found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def side_by_side(rows: NDArray[np.uint8]) -> NDArray[np.void]:
    """Rows of bytes u1[n, w] as one column V[n] of w bytes each, which numpy moves whole."""
    return rows.view(f"V{rows.shape[1]}").reshape(len(rows))


class FoundRows:
    """Rows of n keys: those of one width V[n], zeros where there is none; the others by position.

    No row begins with a zero byte.
    """

    __slots__ = ("others", "repeated", "rows", "width")

    def __init__(self, size: int, width: int, repeated: Mask | None = None) -> None:
        """repeated: which keys occur more than once among the n, bool[n]."""
        self.rows = side_by_side(np.zeros((size, width), np.uint8))
        self.width = width
        self.repeated = np.zeros(size, np.bool_) if repeated is None else repeated
        self.others: dict[int, bytes] = {}

    @staticmethod
    def of(values: Sequence[bytes | None], width: int) -> FoundRows:
        """Of rows that are known one by one."""
        found = FoundRows(len(values), width)
        found.enter(np.arange(len(values)), values)
        return found

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> bytes | None:
        if at in self.others:
            return self.others[at]
        row = self.rows[at].tobytes()
        return row if row[0] else None

    def __iter__(self) -> Iterator[bytes | None]:
        return map(self.__getitem__, range(len(self)))

    def put(self, positions: Ints, rows: NDArray[np.void]) -> None:
        """Add rows of the width that most have, or of more with something behind them that does not count."""
        if rows.itemsize > self.width:
            narrow = rows.view(np.uint8).reshape(len(rows), rows.itemsize)[:, : self.width]
            rows = side_by_side(np.ascontiguousarray(narrow))
        self.rows.put(positions, rows)

    def enter(self, positions: Ints, values: Sequence[bytes | None]) -> None:
        """Add rows that were found one by one, None where there is none."""
        if not any(values):
            return
        alike = [i for i, value in enumerate(values) if value is not None and len(value) == self.width]
        self.put(positions[alike], np.frombuffer(b"".join([values[i] or b"" for i in alike]), f"V{self.width}"))
        for at, value in zip(positions.tolist(), values, strict=True):
            if value is not None and len(value) != self.width:
                self.others[at] = value
