"""Predictions and labels from files as the records that the decoder reads from Kafka.

A file is CSV, Parquet or JSON lines by its ending, and is read a piece at a time. Every row becomes a JSON object;
what cannot become one stays as it stands, so that the decoder can refuse it like a bad record on a topic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from models.errors import ConfigError, WorldError
from runtime import files_arrow

CHUNK_RECORDS = 8192


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A row in the shape of a consumed record. `offset` counts the rows; `timestamp` -1 is Kafka's for none."""

    offset: int
    value: bytes
    timestamp: int = -1
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def read_chunks(path: Path, text: Collection[str] = ()) -> Iterator[list[FileRecord]]:
    """Yield the rows of a file in order, some thousands at a time.

    `text` names the CSV columns whose cells stay text although they look like numbers: ids and versions ("007").
    Raises ConfigError for an unknown ending, WorldError for a file that is missing, unreadable or not what its
    ending says, with the file's name in one line.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError([f"{path}: unknown ending, must be one of {' '.join(READERS)}"])
    if not path.is_file():
        raise WorldError(f"{path}: No such file")
    values, offsets = _guarded(path, reader, frozenset(text)), count()
    while chunk := [FileRecord(next(offsets), value) for value in islice(values, CHUNK_RECORDS)]:
        yield chunk


def _guarded(
    path: Path, reader: Callable[[Path, frozenset[str]], Iterator[bytes]], text: frozenset[str]
) -> Iterator[bytes]:
    try:
        yield from reader(path, text)
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror or _line(error)}") from None
    except (files_arrow.ArrowError, UnicodeDecodeError) as error:
        raise WorldError(f"{path}: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _json_lines(path: Path, _text: frozenset[str]) -> Iterator[bytes]:
    with path.open("rb") as lines:
        for line in lines:
            value = line.rstrip(b"\r\n")
            if value.strip():
                yield value


READERS: dict[str, Callable[[Path, frozenset[str]], Iterator[bytes]]] = {
    ".csv": files_arrow.csv_values,
    ".parquet": files_arrow.parquet_values,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
}
