"""CSV and Parquet rows as JSON objects, by pyarrow, a batch at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

ArrowError: type[Exception] = pa.ArrowException

BLOCK_BYTES = 8 << 20
BATCH_ROWS = 8192
ISO = "%Y-%m-%dT%H:%M:%SZ"  # arrow's %S has the fraction, as far as the column's unit goes


def parquet_values(path: Path, _text: frozenset[str]) -> Iterator[bytes]:
    """The rows of a Parquet file; a null is a JSON null, so a label with a null truth is withdrawn."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            yield from _objects(batch.schema.names, [_plain(column) for column in batch.columns], empty=False)


def csv_values(path: Path, text: frozenset[str]) -> Iterator[bytes]:
    """The rows of a CSV file with a header; an empty cell is an absent field.

    The types are those that pyarrow infers from the first block. A cell that does not fit, and a row with too many
    or too few cells, stays text and is for the decoder to refuse.
    """
    types = {name: kind for name, kind in _inferred(path) if name not in text}
    broken: list[bytes] = []
    for batch in _open(path, broken):
        # As text first: pyarrow's own conversion would give up the whole file at the first cell that does not fit.
        yield from _objects(batch.schema.names, _typed(batch, types), empty=True)
        yield from broken
        broken.clear()
    yield from broken


def _inferred(path: Path) -> list[tuple[str, Any]]:
    reading = pc_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False)
    skipping = pc_csv.ParseOptions(invalid_row_handler=lambda _row: "skip")
    try:
        schema = pc_csv.open_csv(path, read_options=reading, parse_options=skipping).schema
    except UnicodeDecodeError:
        return []
    return [(field.name, field.type) for field in schema if _is_number(field.type)]


def _is_number(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _open(path: Path, broken: list[bytes]) -> Iterator[Any]:
    def keep(row: Any) -> str:  # noqa: ANN401
        broken.append((row.text or "").encode())
        return "skip"

    names = pc_csv.open_csv(path, parse_options=pc_csv.ParseOptions(invalid_row_handler=lambda _row: "skip"))
    yield from pc_csv.open_csv(
        path,
        read_options=pc_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=pc_csv.ParseOptions(invalid_row_handler=keep),
        convert_options=pc_csv.ConvertOptions(
            column_types=dict.fromkeys(names.schema.names, pa.binary()), null_values=[""], strings_can_be_null=True
        ),
    )


def _typed(batch: Any, types: dict[str, Any]) -> list[list[object]]:  # noqa: ANN401
    return [_cells(column, types.get(name)) for name, column in zip(batch.schema.names, batch.columns, strict=True)]


def _cells(column: Any, kind: Any) -> list[object]:  # noqa: ANN401
    """The cells as `kind` (None: text); one that cannot be stays text, one that is not UTF-8 stays bytes."""
    try:
        words = column.cast(pa.string())
        return (words if kind is None else words.cast(kind)).to_pylist()  # type: ignore[no-any-return]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        if len(column) > 1:
            return [cell for row in range(len(column)) for cell in _cells(column.slice(row, 1), kind)]
        return column.to_pylist() if kind is None else _cells(column, None)


def _plain(column: Any) -> list[object]:  # noqa: ANN401
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format=ISO).to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64()).to_pylist()  # type: ignore[no-any-return]
    return column.to_pylist()  # type: ignore[no-any-return]


def _objects(names: list[str], columns: list[list[object]], *, empty: bool) -> Iterator[bytes]:
    """One JSON object a row; with `empty`, absent fields for nulls."""
    for row in zip(*columns, strict=True):
        found = {name: cell for name, cell in zip(names, row, strict=True) if not (empty and cell is None)}
        yield _dump(found)


def _dump(found: dict[str, object]) -> bytes:
    if any(isinstance(cell, float) and not math.isfinite(cell) for cell in found.values()):
        return json.dumps(found, default=str).encode()  # NaN as it is: orjson would make it a null
    if any(isinstance(cell, bytes) for cell in found.values()):
        return b",".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in found.values())
    return orjson.dumps(found, default=str)
