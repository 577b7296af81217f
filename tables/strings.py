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

    def pick(self, positions: Ints) -> list[bytes]:
        """Those at the positions, in their order."""
        size = int(self.sizes[0]) if len(self) else 0
        if size and (self.sizes == size).all():
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
