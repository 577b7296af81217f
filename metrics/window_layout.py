"""What a window's two vectors are made of: parts, one behind the other.

Every part has columns of head (int64: counts and fixed-point sums) and cells (int32: histograms), and
turns its own into a piece of the metric record. The outcomes of the model's task come first; what is
known without labels follows, for whole models only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

_NONE: Final[Mapping[str, int]] = MappingProxyType({})
Head = NDArray[np.int64]
Cells = NDArray[np.signedinteger[Any]]


class Part(Protocol):
    """One piece of a window's accumulator. Parts are values: equal ones lay out and mean the same."""

    @property
    def name(self) -> str:
        """What it holds, and of which reference: vectors of another name are never added to it."""

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""

    @property
    def cells(self) -> int:
        """How many cells it has."""

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """Fields of the metric record. head i8[head_columns], cells i4 or i8[cells]; seconds: length of the span.

        Every value is a plain Python one; None is what cannot be known. Fields that are dictionaries
        (``metrics``, ``intervals``) are united with those of other parts; what an earlier part knows stands.
        """


class Outcomes(Part, Protocol):
    """The first part of a window: predictions counted and labels joined, of one task.

    prepared: a chunk of n records as the task prepares it; it has a length and ``take``. head i8[S, H] and cells
    i4[S, C] are those of all windows, in which the part's own come first; slot i8[n] is each record's row, sign
    i8[n] is +1 or -1, which takes out exactly what was put in.
    """

    labelled_column: ClassVar[int]

    def add_predictions(self, head: Head, cells: NDArray[np.int32], slot: Head, prepared: Any, sign: Head) -> None:  # noqa: ANN401  # the task's own
        """Count predictions, labelled or not, in place."""

    def add_outcomes(self, head: Head, cells: NDArray[np.int32], slot: Head, prepared: Any, sign: Head) -> None:  # noqa: ANN401  # same
        """Count joined labels, in place."""


class AlsoOutcomes(Part, Protocol):
    """A further part that labels are counted in."""

    def add_outcomes(
        self,
        head: Head,
        cells: NDArray[np.int32],
        starts: tuple[int, int],
        slot: Head,
        prepared: Any,  # noqa: ANN401  # same
        sign: Head,
    ) -> None:
        """As `Outcomes.add_outcomes`; starts: where the part's own columns of head and its own cells begin."""


class OfClasses(Part, Protocol):
    """A part that counts by the codes of classes, whose names it does not know."""

    def summarise_named(self, head: Head, cells: Cells, seconds: float, names: Sequence[str]) -> Mapping[str, object]:
        """As `Part.summarise`; names: of the codes from 0 on, as many as are known."""


TOTAL_COLUMN: Final = 0
"""Of head, whatever the task: predictions counted."""


@dataclass(frozen=True, eq=False)
class WindowLayout:
    """The parts of a window of one model, at one level; compared by identity, there is one of each."""

    parts: tuple[Part, ...]

    @property
    def outcomes(self) -> Outcomes:
        """The first part, where it is one of outcomes."""
        return cast("Outcomes", self.parts[0])

    @cached_property
    def also_outcomes(self) -> tuple[tuple[AlsoOutcomes, tuple[int, int]], ...]:
        """Parts behind the first that labels are counted in, and where their head and their cells begin."""
        starts = zip(self.head_starts, self.cell_starts, strict=True)
        found = list(zip(self.parts, starts, strict=False))[1:]
        return tuple((cast("AlsoOutcomes", part), at) for part, at in found if hasattr(part, "add_outcomes"))

    @cached_property
    def head_starts(self) -> tuple[int, ...]:
        """Where each part begins in head, and behind the last one its length."""
        return _starts(part.head_columns for part in self.parts)

    @cached_property
    def cell_starts(self) -> tuple[int, ...]:
        """Where each part begins in cells, and behind the last one their number."""
        return _starts(part.cells for part in self.parts)

    @cached_property
    def signature(self) -> list[int]:
        """(checksum of the name, columns, cells) of each part, one behind the other."""
        return [n for part in self.parts for n in (zlib.crc32(part.name.encode()), part.head_columns, part.cells)]

    @property
    def head_columns(self) -> int:
        """Length of head."""
        return self.head_starts[-1]

    @property
    def cells(self) -> int:
        """Length of cells."""
        return self.cell_starts[-1]

    def summarise(
        self,
        head: Head,
        cells: Cells,
        seconds: float,
        named: Mapping[str, int] = _NONE,
        classes: Sequence[str] = (),
    ) -> dict[str, object]:
        """Everything that a window, or a merge of windows, says. Raises ValueError for vectors of another layout.

        named: further counts by "field/name" of the metric record. classes: names by code, for a part that counts them.
        """
        if head.shape != (self.head_columns,) or cells.shape != (self.cells,):
            raise ValueError(f"not a window of {self}: head {head.shape}, cells {cells.shape}")
        found: dict[str, object] = {}
        for i, part in enumerate(self.parts):
            mine = slice(*self.head_starts[i : i + 2]), slice(*self.cell_starts[i : i + 2])
            vectors = head[mine[0]], cells[mine[1]]
            if hasattr(part, "summarise_named"):
                said = cast("OfClasses", part).summarise_named(*vectors, seconds, classes)
            else:
                said = part.summarise(*vectors, seconds)
            for name, value in said.items():
                found[name] = _united(found.get(name), value)
        for path, n in named.items():
            name, _, below = path.partition("/")
            found[name] = _united(found.get(name), {below: n})
        return found


def _united(known: object, value: object) -> object:
    """Both; of what both say, the first that is known."""
    if not (isinstance(known, dict) and isinstance(value, dict)):
        return value
    return {**known, **{name: said for name, said in value.items() if known.get(name) is None}}


def _starts(lengths: Iterable[int]) -> tuple[int, ...]:
    return (0, *np.cumsum(list(lengths)).tolist())
