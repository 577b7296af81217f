"""Numbers for keys, thousands at a time: an open-addressing hash table of numpy arrays.

A dictionary waits for memory at every key that it is asked for; here the processor fetches many places at once. Where
keys are asked for in another order than they came in, as labels ask for their predictions, that is half the time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tables.strings import Strings

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

_ROOM_MIN: Final = 256
_SLOTS_EACH: Final = 2
_WORD_BYTES: Final = 8
_WORDS_MAX: Final = 64
_ONE, _HALF, _LOWER = np.uint64(1), np.uint64(32), np.uint64(0xFFFF_FFFF)
_ODD: Final = np.array([hash(b"%d" % at) | 1 for at in range(_WORDS_MAX)], np.int64).view(np.uint64)
"""As hard to guess as Python's own hashes."""


class Hashed(NamedTuple):
    """n keys as words u8[n, w], the first their size and the last padded with zeros, and a hash of each, u8[n]."""

    words: Words
    hashes: Words

    def take(self, positions: Ints) -> Hashed:
        """Those at the positions."""
        return Hashed(self.words.take(positions, axis=0), self.hashes.take(positions))

    def repeated(self) -> NDArray[np.bool_]:
        """Which keys occur more than once, bool[n]; of two to the 64 others one may be among them."""
        ordered = np.sort(self.hashes)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        return np.isin(self.hashes, twice) if len(twice) else np.zeros(len(ordered), np.bool_)


def hashed(keys: Strings) -> Hashed:
    """Keys of up to 500 bytes, made ready to be looked up."""
    columns = -(-keys.longest() // _WORD_BYTES)
    words = np.empty((len(keys), 1 + columns), np.uint64)
    words[:, 0] = keys.sizes
    words[:, 1:] = keys.padded(columns * _WORD_BYTES).view(np.uint64)
    return Hashed(words, _hash(words))


def _hash(words: Words) -> Words:
    """A hash of each row; more words that are zero make no difference."""
    hashes: Words = words[:, 0] * _ODD[0]
    for column in range(1, words.shape[1]):
        hashes += words[:, column] * _ODD[column]
    for shift in (29, 32):
        hashes ^= hashes >> np.uint64(shift)
        hashes *= _ODD[-1]
    hashes ^= hashes >> _HALF
    return hashes


class KeyIndex:
    """Numbers keys from 0 on, in the order in which they are added.

    A slot is 0 or holds the upper half of a key's hash and, in its lower half, the key's number plus one. A key whose
    slot is another's has the next free one.
    """

    def __init__(self) -> None:
        self._size = 0
        self._words: Words = np.empty((0, 1), np.uint64)
        self._slots: Words = np.zeros(0, np.uint64)
        self._make_room(_ROOM_MIN)

    def __len__(self) -> int:
        return self._size

    @property
    def room(self) -> int:
        """How many keys there is memory for."""
        return len(self._words)

    def clear(self) -> None:
        """Forget all keys; the memory is kept, as getting it anew costs more than emptying it."""
        self._size = 0
        self._slots.fill(0)

    def find(self, keys: Hashed) -> Ints:
        """The number of each key, i8[n]; -1 where it is unknown."""
        found = np.full(len(keys.hashes), -1)
        left, tags, slots = np.arange(len(found)), keys.hashes >> _HALF, self._first(keys.hashes)
        while len(left):
            there = self._slots.take(slots)
            open_ones = there != 0
            alike = np.flatnonzero(open_ones & (there >> _HALF == tags))
            if len(alike):
                numbers = (there.take(alike) & _LOWER).view(np.int64) - 1
                same = self._are(numbers, keys.words.take(left.take(alike), axis=0))
                if not same.all():
                    numbers, alike = numbers[same], alike[same]
                found.put(left.take(alike), numbers)
                open_ones[alike] = False
            on = np.flatnonzero(open_ones)
            left, tags, slots = left.take(on), tags.take(on), self._next(slots.take(on))
        return found

    def add(self, keys: Hashed) -> Ints:
        """The number of each key, i8[n], of which no two are equal; new ones get the next numbers."""
        numbers = self.find(keys)
        new = np.flatnonzero(numbers < 0)
        first, end, width = self._size, self._size + len(new), keys.words.shape[1]
        self._widen(width)
        self._make_room(end)
        numbers.put(new, np.arange(first, end))
        self._words[first:end, :width] = keys.words.take(new, axis=0)
        self._words[first:end, width:] = 0
        self._size = end
        self._link(keys.hashes.take(new), first)
        return numbers

    def _first(self, hashes: Words) -> Ints:
        return (hashes & np.uint64(len(self._slots) - 1)).view(np.int64)

    def _next(self, slots: Ints) -> Ints:
        return (slots + 1) & (len(self._slots) - 1)

    def _are(self, numbers: Ints, words: Words) -> NDArray[np.bool_]:
        """Whether the keys with these numbers are these, bool[n]. Of keys of one size, wider ones end in zeros."""
        stored = self._words.take(numbers, axis=0)
        same: NDArray[np.bool_] = stored[:, 0] == words[:, 0]
        for column in range(1, min(stored.shape[1], words.shape[1])):
            same &= stored[:, column] == words[:, column]
        return same

    def _link(self, hashes: Words, first: int) -> None:
        """Give slots to keys that are numbered from ``first`` on."""
        mine = np.arange(first + 1, first + 1 + len(hashes), dtype=np.uint64) | (hashes & ~_LOWER)
        slots = self._first(hashes)
        while len(mine):
            free = np.flatnonzero(self._slots.take(slots) == 0)
            self._slots.put(slots.take(free), mine.take(free))
            without = np.flatnonzero(self._slots.take(slots) != mine)  # one of these may have got it, too
            mine, slots = mine.take(without), self._next(slots.take(without))

    def _widen(self, width: int) -> None:
        if width > self._words.shape[1]:
            narrow = self._words
            self._words = np.zeros((len(narrow), width), np.uint64)
            self._words[:, : narrow.shape[1]] = narrow

    def _make_room(self, size: int) -> None:
        if size > len(self._words):
            room = 1 << (size - 1).bit_length()
            before, self._words = self._words, np.empty((room, self._words.shape[1]), np.uint64)
            self._words[: len(before)] = before
            self._slots = np.zeros(_SLOTS_EACH * room, np.uint64)
            self._link(_hash(before[: self._size]), 0)
