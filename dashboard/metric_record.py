"""A metric record as it is held: its bytes, and the few numbers that lists are made of."""

from __future__ import annotations

import zlib
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from dashboard.message import Message
from models.metric_record import LATEST, ms_of_iso, unescape

ROLLING: Final = -1
"""Stands as start of a rolling span, which has one current record."""
_LEVEL: Final = 1  # of zlib: higher ones take three times as long for a tenth less


class SeriesName(NamedTuple):
    """What the windows of a series have in common; sorts as lists are sorted."""

    model: str
    version: str
    segment: str
    span: str


class Numbers(msgspec.Struct):
    """What is read of a record, by its types; the rest is passed on as it stands."""

    window_start: str
    window_end: str
    revision: int
    total: int
    labelled: int = 0
    final: bool = False
    task: str = ""
    emitted_at: str = ""
    label_coverage: float | None = None
    maturity: float | None = None
    throughput_per_second: float | None = None
    failed: int = 0
    errors: dict[str, int] | None = None
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    label_latency_seconds: dict[str, float | None] | None = None
    prediction_latency_seconds: dict[str, float | None] | None = None


_HEADLINES: Final = {"regression": "rmse"}
"""The metric that tells a model's state at a glance, by task; else accuracy."""


def headline(task: str) -> str:
    """The name of a task's main metric."""
    return _HEADLINES.get(task, "accuracy")


_decode_numbers = msgspec.json.Decoder(Numbers).decode


class Held(msgspec.Struct, gc=False):
    """One revision of a record."""

    start_ms: int
    end_ms: int
    revision: int
    written_ms: int
    total: int
    labelled: int
    headline: float | None
    stored: bytes
    """JSON, or packed (which no JSON looks like: it begins with an x)."""

    @property
    def value(self) -> bytes:
        """The record as JSON on one line."""
        return zlib.decompress(self.stored) if self.stored.startswith(b"x") else self.stored

    def pack(self) -> None:
        """Make it about a third as large, once, for the time in which nobody changes it any more."""
        self.stored = zlib.compress(self.stored, _LEVEL)

    def decoded(self) -> dict[str, Any]:
        """All of the record."""
        found: dict[str, Any] = orjson.loads(self.value)
        return found

    def numbers(self) -> Numbers:
        """What is read of it."""
        return _decode_numbers(self.value)


def read_key(key: bytes | None) -> tuple[SeriesName, int]:
    """Whose record it is, and its window's start or `ROLLING`; raises ValueError."""
    parts = [unescape(part) for part in (key or b"").decode().split("|")]
    if len(parts) != 5:
        raise ValueError("not the key of a metric record")
    *name, start = parts
    return SeriesName(*name), ROLLING if start == LATEST else ms_of_iso(start)


def read_value(message: Message) -> Held:
    """The record; raises ValueError for what is none."""
    line = one_line(message.value or b"")
    numbers = _decode_numbers(line)
    return Held(
        start_ms=ms_of_iso(numbers.window_start),
        end_ms=ms_of_iso(numbers.window_end),
        revision=numbers.revision,
        written_ms=message.written_ms,
        total=numbers.total,
        labelled=numbers.labelled,
        headline=value_of(numbers.metrics, headline(numbers.task)),
        stored=line,
    )


def value_of(metrics: dict[str, Any], name: str) -> float | None:
    """A metric by its name; None where it is undefined, or no number."""
    value = metrics.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def one_line(value: bytes) -> bytes:
    """The JSON itself, or written anew if somebody wrote it on several lines (an event is a line); ValueError."""
    decoded = orjson.loads(value)
    return orjson.dumps(decoded) if b"\n" in value or b"\r" in value else value
