"""Where the two sides of a comparison come from: topics and files, as chunks of items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.baseline_columns import ABSENT, ArrowColumn, FileColumn, JsonColumn
from runtime.baseline_files import read_columns
from runtime.skew_records import Item, Reader, plain
from runtime.topic_chunks import in_chunks
from runtime.topic_opener import Open
from runtime.topic_reader import TopicReader


@dataclass(slots=True)
class Source:
    """One side. done: the share that is read; untyped: whether its values are all text."""

    name: str
    reader: Reader
    chunks: Iterator[list[Item]] = field(init=False)
    untyped: bool = False
    done: float = 0.0


def topic_source(name: str, reader: Reader, topic: TopicReader, since_ms: int, opens: Open) -> Source:
    """What was written to a topic since then. Raises WorldError."""
    source = Source(name, reader)

    def chunks() -> Iterator[list[Item]]:
        for records in in_chunks(topic.messages(since_ms), opens):
            yield [item for record in records if (item := reader.value(record.value)) is not None]
            source.done = topic.done

    source.chunks = chunks()
    return source


def file_source(path: Path, reader: Reader, check: Callable[[], None]) -> Source:
    """The rows of a CSV, Parquet or JSON lines file. Raises as `read_columns`; check may raise to end it."""
    source = Source(str(path), reader, untyped=path.suffix.lower() == ".csv")

    def chunks() -> Iterator[list[Item]]:
        for chunk in read_columns(path):
            check()
            reader.read += chunk.bad
            reader.bad += chunk.bad
            yield list(_items(reader, chunk.columns, chunk.rows))
            source.done = chunk.done

    source.chunks = chunks()
    return source


def _items(reader: Reader, columns: Mapping[str, FileColumn], rows: int) -> Iterator[Item]:
    cells = [(path, _cells(column)) for path, column in columns.items()]
    for row in range(rows):
        record = {path: cell for path, column in cells if (cell := column[row]) is not None}
        item = reader.flat(record)
        if item is not None:
            yield item


def _cells(column: FileColumn) -> list[object]:
    """The values; None for those that are absent, null or NaN."""
    if isinstance(column, ArrowColumn):
        return [plain(cell) for cell in column.array.to_pylist()]
    assert isinstance(column, JsonColumn)
    return [None if cell is ABSENT else plain(cell) for cell in column.cells]
