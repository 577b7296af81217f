"""Many byte strings side by side in one: to be sorted and written without looking at them one by one.

Where memory is slower than the processor, visiting a hundred thousand small objects in the order of their keys takes
longer than all that is done with them. Rows so go from a block to the database side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_WORD_BYTES: Final = 8
_SAMPLED: Final = 64


@dataclass(frozen=True, slots=True)
class Strings:
    """n strings: their bytes one behind the other, and the size of each, i8[n]."""

    data: bytes
    sizes: Ints

    @staticmethod
    def of(strings: Sequence[bytes]) -> Strings:
        """These strings."""
        return Strings(b"".join(strings), np.fromiter(map(len, strings), np.int64, len(strings)))

    @staticmethod
    def alike(array: NDArray[np.void]) -> Strings:
        """The bytes of each entry of an array."""
        return Strings(array.tobytes(), np.full(len(array), array.itemsize, np.int64))

    @staticmethod
    def concat(parts: Iterable[Strings]) -> Strings:
        """All strings of the parts, in order."""
        some = list(parts)
        none = np.zeros(0, np.int64)
        return Strings(b"".join(one.data for one in some), np.concatenate([none, *(one.sizes for one in some)]))

    def __len__(self) -> int:
        return len(self.sizes)

    def to_list(self) -> list[bytes]:
        """Each by itself."""
        return self.pick(np.arange(len(self)))

    def one_size(self) -> int:
        """The size that all of them have; 0 where they differ, or there are none."""
        size = int(self.sizes[0]) if len(self) else 0
        return size if (self.sizes == size).all() else 0

    def longest(self) -> int:
        """The greatest size, 0 if there are none."""
        return int(self.sizes.max(initial=0))

    def padded(self, width: int) -> NDArray[np.uint8]:
        """One a row, with zeros behind: u1[n, width]; none may be longer."""
        data, size = np.frombuffer(self.data, np.uint8), self.one_size()
        if size == width > 0:
            return data.reshape(len(self), width)
        rows = np.zeros((len(self), width), np.uint8)
        if size:
            rows[:, :size] = data.reshape(len(self), size)
        else:
            rows[np.arange(width) < self.sizes[:, None]] = data
        return rows

    def pick(self, positions: Ints) -> list[bytes]:
        """Those at the positions, in their order."""
        size = self.one_size()
        if size:
            found: list[bytes] = np.frombuffer(self.data, f"V{size}")[positions].tolist()
            return found
        ends, data = self.sizes.cumsum()[positions], self.data
        starts = ends - self.sizes[positions]
        return [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    def order(self) -> Ints:
        """Positions that sort the strings roughly, i8[n]; of equal ones the earlier comes first.

        By the eight bytes behind what a few of them have in common.
        """
        if not len(self):
            return np.zeros(0, np.int64)
        few = np.linspace(0, len(self) - 1, _SAMPLED).astype(np.int64)
        columns = np.arange(_WORD_BYTES) + _in_common(self.pick(few))
        places = (self.sizes.cumsum() - self.sizes)[:, None] + columns
        data = np.frombuffer(self.data + bytes(1), np.uint8)
        read = data[np.minimum(places, len(data) - 1)]
        words = np.where(columns < self.sizes[:, None], read, np.uint8(0)).view(">u8")
        return np.argsort(words.ravel().astype(np.uint64), kind="stable")


def _in_common(strings: list[bytes]) -> int:
    """So many bytes are the same at the beginning of all of them."""
    low, high = min(strings), max(strings)
    return next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
