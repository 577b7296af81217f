"""What prediction records say besides score and class: latency, status, features; packed by their model's observer.

The path of the data carries it as opaque bytes of fixed size a record, so that a model of which nothing
more is watched pays nothing, and no raw feature leaves the worker that decoded it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar

import numpy as np
from msgspec import Raw, UnsetType
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.mapping import Paths


class _Mismatch(Enum):
    MISMATCHED = "an array or object where one value is expected"


MISMATCHED: Final = _Mismatch.MISMATCHED
"""Stands for what is no string, number, boolean or null."""

Value = str | float | bool | Literal[_Mismatch.MISMATCHED] | Raw | None | UnsetType
"""A watched value as it stood in the record; msgspec.UNSET where the record has none. Unread where it may be an array
of numbers.
"""

WATCHED: Final = str | float | bool | None
"""How a watched value is read from JSON: whole numbers as floats, too."""

Seen = tuple[int, Value]
"""At which of its paths a watched value stood (-1: nowhere), and the value."""


class Observer(Protocol):
    """Packs the watched values of one model's records."""

    @property
    def name(self) -> str:
        """Of which model, and of which reference: bytes of another name mean something else."""

    @property
    def fields(self) -> tuple[tuple[str, Paths], ...]:
        """What is read from a record: meaning, and where it may stand, highest precedence first."""

    @property
    def vectors(self) -> int:
        """How many of `fields`, the last ones, are arrays of numbers: they are handed over unread."""

    @property
    def itemsize(self) -> int:
        """Bytes of one record's packed values."""

    @property
    def containers(self) -> Paths:
        """Where the object of features may stand whose unknown names are noted; empty: nobody asks for them."""

    @property
    def known(self) -> frozenset[str]:
        """Names in that object that are no news."""

    def has_failed(self, seen: Sequence[Seen]) -> bool:
        """Whether a record with these values (order of `fields`) tells of an error."""

    def pack(self, columns: Sequence[Sequence[Value]], places: Sequence[int]) -> Packed:
        """N records' values, a column for each of `fields`; places: at which of its paths each column stood."""


class Packed:
    """What an observer makes of n records: V[n], and the error types of those that failed, by position."""

    __slots__ = ("errors", "values")

    def __init__(self, values: NDArray[np.void], errors: dict[int, str] | None = None) -> None:
        self.values = values
        self.errors = errors or {}


@dataclass(slots=True, eq=False)
class Observed:
    """Of n records: packed values by observer (zeros where the record is not its model's); by position error types,
    and in a sample (see `models.extras`) the names of features that nobody knows.
    """

    size: int
    packed: dict[str, NDArray[np.void]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    extras: dict[int, list[str]] = field(default_factory=dict)

    def take(self, positions: NDArray[np.int64]) -> Observed:
        """The records at these positions, in their order."""
        packed = {name: values[positions] for name, values in self.packed.items()}
        return Observed(len(positions), packed, _taken(self.errors, positions), _taken(self.extras, positions))

    @staticmethod
    def concat(parts: Sequence[Observed]) -> Observed:
        """All records, in order."""
        size = sum(part.size for part in parts)
        sizes = {name: values.dtype for part in parts for name, values in part.packed.items()}
        packed = {name: np.zeros(size, dtype) for name, dtype in sizes.items()}
        errors: dict[int, str] = {}
        extras: dict[int, list[str]] = {}
        at = 0
        for part in parts:
            for name, values in part.packed.items():
                packed[name][at : at + part.size] = values
            errors |= {at + i: error for i, error in part.errors.items()}
            extras |= {at + i: names for i, names in part.extras.items()}
            at += part.size
        return Observed(size, packed, errors, extras)

    def __eq__(self, other: object) -> bool:
        """Equal in everything."""
        return (
            isinstance(other, Observed)
            and self.size == other.size
            and (self.errors, self.extras) == (other.errors, other.extras)
            and {n: v.tobytes() for n, v in self.packed.items()} == {n: v.tobytes() for n, v in other.packed.items()}
        )

    __hash__ = None  # type: ignore[assignment]


_Note = TypeVar("_Note", str, list[str])


def _taken(notes: dict[int, _Note], positions: NDArray[np.int64]) -> dict[int, _Note]:
    """What is noted of the records at these positions, by their new ones."""
    if not notes:
        return {}
    found = np.flatnonzero(np.isin(positions, list(notes)))
    return {i: notes[at] for i, at in zip(found.tolist(), positions[found].tolist(), strict=True)}
