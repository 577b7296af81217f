"""A column of a file in the forms that a baseline is built from: of CSV and Parquet by pyarrow, of JSON in Python."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from metrics.reference_build import Column, Texts

NULL_WORDS: Final = ["NULL", "null", "NA", "N/A", "n/a", "#N/A", "None"]
"""What stands for null among the numbers of a CSV file; among texts they may be names (NA is Namibia)."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
_WHOLE = re.compile(r"(-?\d+)\.0*")
_BOOLEANS: Final = {"true", "True", "TRUE", "false", "False", "FALSE"}
_LOOKED_AT: Final = 100

Vectors = NDArray[np.float64]


class Classes(NamedTuple):
    """Each row's class as a place i8[n] in names, -1 where there is none."""

    names: list[str]
    places: NDArray[np.int64]


class FileColumn(Column, Protocol):
    """What outcomes need besides: one value a row."""

    def row_numbers(self) -> NDArray[np.float64] | None:
        """f8[n], NaN where there is none; None if a value is no number."""

    def classes(self) -> Classes:
        """Whole numbers are written as such also where a file says 1.0."""

    def vectors(self) -> list[Vectors] | None:
        """The rows that are lists of numbers; None if a value is something else."""

    def select(self, rows: NDArray[np.bool_]) -> FileColumn:
        """The rows of a mask."""


@dataclass(frozen=True, slots=True)
class ArrowColumn:
    """A column of a CSV file, all text as yet, or a typed one of a Parquet file."""

    array: Any  # pa.Array; pyarrow has no types
    csv: bool = False

    @property
    def rows(self) -> int:
        return len(self.array)

    @property
    def missing(self) -> int:
        return 0

    def numbers(self) -> NDArray[np.float64] | None:
        found = self._floats()
        return None if found is None else found.drop_null().to_numpy()

    def row_numbers(self) -> NDArray[np.float64] | None:
        found = self._floats()
        return None if found is None else found.to_numpy(zero_copy_only=False)

    def texts(self) -> Texts:
        kind, array = self.array.type, self.array
        if not (_is_text(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
            return Texts({}, len(array) - array.null_count)
        counts = {str(entry["values"]): entry["counts"] for entry in _counted(array)}
        if self.csv and counts.keys() <= _BOOLEANS:
            return Texts(_merged(counts), 0)
        return Texts(counts, 0)

    def are_times(self) -> bool:
        if pa.types.is_temporal(self.array.type):
            return True
        if not _is_text(self.array.type):
            return False
        return all(map(_TIME.fullmatch, self.array.drop_null()[:_LOOKED_AT].to_pylist()))

    def classes(self) -> Classes:
        array = self.array
        if pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
            array = array.cast(pa.float64())
        encoded = array.dictionary_encode()
        names = [_class_name(value) for value in encoded.dictionary.cast(pa.string()).to_pylist()]
        return Classes(names, encoded.indices.fill_null(-1).to_numpy().astype(np.int64))

    def vectors(self) -> list[Vectors] | None:
        kind = self.array.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            return None
        return _vectors(self.array.drop_null().to_pylist())

    def select(self, rows: NDArray[np.bool_]) -> ArrowColumn:
        return ArrowColumn(self.array.filter(pa.array(rows)), self.csv)

    def _floats(self) -> Any:  # noqa: ANN401
        kind, array = self.array.type, self.array
        if _is_text(kind) and self.csv:
            return _parsed(array)
        if pa.types.is_null(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind):
            return array.cast(pa.float64())
        return array.cast(pa.float64(), safe=False) if pa.types.is_integer(kind) else None


class _Absent:
    """Stands where a row has no such key."""


ABSENT: Final = _Absent()
_NUMBERS: Final = {int, float, type(None), _Absent}


@dataclass(frozen=True, slots=True)
class JsonColumn:
    """The values of one key, `ABSENT` where a row has none."""

    cells: Sequence[object]

    @property
    def rows(self) -> int:
        return len(self.cells)

    @property
    def missing(self) -> int:
        return self.cells.count(ABSENT)

    def numbers(self) -> NDArray[np.float64] | None:
        return _floats(self._present()) if set(map(type, self.cells)) <= _NUMBERS else None

    def row_numbers(self) -> NDArray[np.float64] | None:
        if not set(map(type, self.cells)) <= _NUMBERS:
            return None
        return _floats([np.nan if cell is ABSENT or cell is None else cell for cell in self.cells])

    def texts(self) -> Texts:
        present = self._present()
        if set(map(type, present)) <= {str}:
            return Texts(Counter(cast("list[str]", present)), 0)
        named = [_text(cell) for cell in present if isinstance(cell, str | int | float)]
        return Texts(Counter(named), len(present) - len(named))

    def are_times(self) -> bool:
        return all(isinstance(cell, str) and _TIME.fullmatch(cell) for cell in self._present()[:_LOOKED_AT])

    def classes(self) -> Classes:
        number: dict[str, int] = {}
        index = np.full(len(self.cells), -1, np.int64)
        for row, cell in enumerate(self.cells):
            if isinstance(cell, str | int | float):
                index[row] = number.setdefault(_text(cell), len(number))
        return Classes(list(number), index)

    def vectors(self) -> list[Vectors] | None:
        return _vectors(self._present())

    def select(self, rows: NDArray[np.bool_]) -> JsonColumn:
        return JsonColumn([cell for cell, taken in zip(self.cells, rows.tolist(), strict=True) if taken])

    def _present(self) -> list[object]:
        return [cell for cell in self.cells if cell is not None and cell is not ABSENT]


def _is_text(kind: Any) -> bool:  # noqa: ANN401
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _parsed(words: Any) -> Any:  # noqa: ANN401
    """Text as numbers; None if it is none. The quick way first, it is nearly always the right one."""
    try:
        return words.cast(pa.float64())
    except pa.ArrowInvalid:
        pass
    trimmed = pc.utf8_trim_whitespace(words)
    null = pc.is_in(trimmed, pa.array([*NULL_WORDS, ""]))
    try:
        return pc.if_else(null, None, trimmed).cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def _counted(array: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return pc.value_counts(array.drop_null().cast(pa.string())).to_pylist()  # type: ignore[no-any-return]


def _merged(counts: dict[str, int]) -> dict[str, int]:
    found = Counter[str]()
    for word, count in counts.items():
        found[word.lower()] += count
    return found


def _floats(cells: Sequence[object]) -> NDArray[np.float64] | None:
    try:
        return np.array(cells, dtype=np.float64)
    except OverflowError:  # a whole number of more than 308 digits
        return None


def _text(cell: str | float) -> str:
    """As `coding.categorical_codes` names a category."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _class_name(text: str) -> str:
    if text in _BOOLEANS:
        return text.lower()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _vectors(cells: Sequence[object]) -> list[Vectors] | None:
    found = []
    for cell in cells:
        if not isinstance(cell, list) or not set(map(type, cell)) <= {int, float}:
            return None
        found.append(np.array(cell, dtype=np.float64))
    return found
