"""Something by id within a bound of memory: of all ids, or of a uniform sample of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

OVERHEAD_BYTES: Final = 400
"""What an entry takes besides its bytes: dictionary, tuple and object headers."""
_HASHES: Final = 1 << 64


class IdSample(Generic[Value]):
    """Keeps the value of every id until memory is full, then those of half of the ids, and so on.

    An id's hash decides whether it stays, so which ids those are depends neither on their order nor on their source.
    """

    def __init__(self, bytes_max: int, size: Callable[[Value], int]) -> None:
        """size: bytes of a value."""
        self.values: dict[bytes, Value] = {}
        self._bytes_max = bytes_max
        self._size = size
        self._bytes = 0
        self._limit = _HASHES

    @property
    def share(self) -> float:
        """Of how many of all ids the values are."""
        return self._limit / _HASHES

    def wants(self, one: bytes) -> bool:
        """Whether the id is one of those whose values are kept."""
        return self._limit == _HASHES or _hash(one) < self._limit

    def put(self, one: bytes, value: Value) -> None:
        """Set the value of an id that is wanted; this may make others, and itself, unwanted."""
        before = self.values.get(one)
        self._bytes += self._entry_bytes(one, value) - (0 if before is None else self._entry_bytes(one, before))
        self.values[one] = value
        while self._bytes > self._bytes_max:
            self._halve()

    def _halve(self) -> None:
        self._limit //= 2
        self.values = {one: value for one, value in self.values.items() if _hash(one) < self._limit}
        self._bytes = sum(self._entry_bytes(one, value) for one, value in self.values.items())

    def _entry_bytes(self, one: bytes, value: Value) -> int:
        return OVERHEAD_BYTES + len(one) + self._size(value)


def _hash(one: bytes) -> int:
    return int.from_bytes(blake2b(one, digest_size=8).digest(), "big")
