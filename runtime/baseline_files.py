"""A file as chunks of columns: CSV, Parquet or JSON lines by its ending, never more than a chunk in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.errors import ConfigError, WorldError
from runtime.baseline_columns import ABSENT, ArrowColumn, FileColumn, JsonColumn

CHUNK_BYTES: Final = 8 << 20
LINES_BYTES: Final = 2 << 20
CHUNK_ROWS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows. columns: dotted path -> column; done: share of the file that is read; bad: rows that could not be."""

    rows: int
    columns: Mapping[str, FileColumn]
    done: float
    bad: int = 0

    def column(self, path: str) -> FileColumn:
        """The column, also where no row of this chunk has it."""
        return self.columns.get(path) or JsonColumn([ABSENT] * self.rows)

    def select(self, rows: NDArray[np.bool_]) -> Chunk:
        """The rows of a mask."""
        columns = {path: column.select(rows) for path, column in self.columns.items()}
        return Chunk(int(rows.sum()), columns, self.done, self.bad)


def read_columns(path: Path) -> Iterator[Chunk]:
    """Yield the file chunk by chunk.

    Raises ConfigError for an unknown ending, WorldError for a file that is missing, unreadable or not what its
    ending says, in one line with the file's name and, where one is to blame, the column's.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError([f"{path}: unknown ending, must be one of {' '.join(READERS)}"])
    if not path.is_file():
        raise WorldError(f"{path}: No such file")
    try:
        yield from reader(path)
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror or ' '.join(str(error).split())}") from None
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise WorldError(f"{path}: {' '.join(str(error).split())}") from None


def _csv(path: Path) -> Iterator[Chunk]:
    bad = 0

    def skip(_row: object) -> str:
        nonlocal bad
        bad += 1
        return "skip"

    parsing = pc_csv.ParseOptions(invalid_row_handler=skip, newlines_in_values=True)
    names = pc_csv.open_csv(path, parse_options=parsing).schema.names
    _check_names(path, names)
    bad = 0
    # As text: pyarrow's own conversion would take the types of the first block and give up at a cell that differs.
    converting = pc_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
    )
    size = path.stat().st_size
    with pa.OSFile(str(path)) as file:
        reading = pc_csv.ReadOptions(block_size=CHUNK_BYTES)
        try:
            for batch in pc_csv.open_csv(file, read_options=reading, parse_options=parsing, convert_options=converting):
                columns = {name: ArrowColumn(batch.column(i), csv=True) for i, name in enumerate(names)}
                yield Chunk(batch.num_rows, columns, file.tell() / size, bad)
                bad = 0
        except pa.ArrowInvalid as error:
            raise WorldError(f"{path}: {_with_name(' '.join(str(error).split()), names)}") from None


def _with_name(text: str, names: Sequence[str]) -> str:
    return re.sub(r"In CSV column #(\d+): (?:CSV conversion error to \w+: )?", lambda m: f"{names[int(m[1])]}: ", text)


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise WorldError(f"{path}: {twice}: two columns have this name")


def _parquet(path: Path) -> Iterator[Chunk]:
    with pq.ParquetFile(path) as file:
        read, rows = 0, file.metadata.num_rows
        _check_names(path, file.schema_arrow.names)
        for batch in file.iter_batches(CHUNK_ROWS):
            read += batch.num_rows
            columns = dict(_flat(zip(batch.schema.names, batch.columns, strict=True)))
            yield Chunk(batch.num_rows, columns, read / rows)


def _flat(columns: Any, above: str = "") -> Iterator[tuple[str, ArrowColumn]]:  # noqa: ANN401 - pyarrow has no types
    for name, array in columns:
        plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        if pa.types.is_struct(plain.type):
            inner = [field.name for field in plain.type]
            yield from _flat(zip(inner, plain.flatten(), strict=True), f"{above}{name}.")
        else:
            yield above + name, ArrowColumn(plain)


def _json_lines(path: Path) -> Iterator[Chunk]:
    size = path.stat().st_size
    with path.open("rb") as file:
        while lines := file.readlines(LINES_BYTES):
            rows, bad = _objects(lines)
            yield Chunk(len(rows), dict(key_columns(rows)), file.tell() / size, bad)


_decoder = msgspec.json.Decoder(dict[str, Any])


def _objects(lines: Sequence[bytes]) -> tuple[list[dict[str, Any]], int]:
    """The JSON objects of the lines, and how many lines hold none."""
    try:
        return _decoder.decode_lines(b"".join(lines)), 0
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    rows, bad = [], 0
    for line in filter(bytes.strip, lines):
        try:
            rows.append(_decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            bad += 1
    return rows, bad


def key_columns(rows: Sequence[Mapping[str, object]], above: str = "") -> Iterator[tuple[str, JsonColumn]]:
    """A column a key; objects are taken apart, and a row without the object has none of its keys."""
    for key in dict.fromkeys(chain.from_iterable(rows)):
        cells = [row.get(key, ABSENT) for row in rows]
        kinds = set(map(type, cells))
        if dict in kinds:
            yield from key_columns([cell if isinstance(cell, dict) else {} for cell in cells], f"{above}{key}.")
            cells = [ABSENT if isinstance(cell, dict) else cell for cell in cells]
        if kinds - {dict, type(ABSENT)}:
            yield above + key, JsonColumn(cells)


READERS: Final[dict[str, Callable[[Path], Iterator[Chunk]]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
}
