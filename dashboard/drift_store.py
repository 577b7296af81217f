"""How drift went over a day: rolling spans have one current record, so what they said before is kept here.

As far back as the topic still held earlier revisions when it was read, and from then on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

from dashboard.message import DAY_MS
from dashboard.metric_record import SeriesName
from models.metric_record import ms_of_iso

EVERY_MS: Final = 900_000
"""Of so long a time the last record is kept."""
BYTES_MAX: Final = 16 << 20
KEPT: Final = (
    "schema", "model", "model_version", "segment", "task", "window_start", "window_end", "span", "revision", "drift",
)  # fmt: skip


class Moment(NamedTuple):
    """What a span said at its end; packed: the record's fields `KEPT`."""

    end_ms: int
    packed: bytes

    @property
    def value(self) -> bytes:
        """The record as JSON."""
        return zlib.decompress(self.packed)


class DriftStore:
    """Of each span of a version the last record of every `EVERY_MS`, for a day and in at most `bytes_max`."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self.series: dict[SeriesName, dict[int, Moment]] = {}
        self.bytes = 0
        self._bytes_max = bytes_max

    def add(self, name: SeriesName, value: bytes) -> None:
        """Take in the record of a rolling span, newer ones after older ones."""
        record: dict[str, Any] = orjson.loads(value)
        if not isinstance(record.get("drift"), dict):
            return
        kept = orjson.dumps({field: record[field] for field in KEPT if field in record})
        end_ms = ms_of_iso(record["window_end"])
        self._put(name, end_ms // EVERY_MS, Moment(end_ms, zlib.compress(kept)))
        while self.bytes > self._bytes_max:
            oldest = min((min(moments), name) for name, moments in self.series.items())
            self._drop(oldest[1], oldest[0])

    def moments(self, name: SeriesName) -> Iterator[Moment]:
        """Those of a series, oldest first."""
        return (self.series[name][number] for number in sorted(self.series[name]))

    def expire(self) -> None:
        """Let go of what ended a day before the newest of its series."""
        for name, moments in list(self.series.items()):
            since = (max(moments) * EVERY_MS - DAY_MS) // EVERY_MS
            for number in [number for number in moments if number <= since]:
                self._drop(name, number)

    def keep(self, models: set[str]) -> None:
        """Let go of all other models."""
        for name in [name for name in self.series if name.model not in models]:
            for number in list(self.series[name]):
                self._drop(name, number)

    def _put(self, name: SeriesName, number: int, moment: Moment) -> None:
        before = self.series.setdefault(name, {}).get(number)
        self.bytes += len(moment.packed) - (0 if before is None else len(before.packed))
        self.series[name][number] = moment

    def _drop(self, name: SeriesName, number: int) -> None:
        self.bytes -= len(self.series[name].pop(number).packed)
        if not self.series[name]:
            del self.series[name]
