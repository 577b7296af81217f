"""Records as the service reads them: canonical names, JSON, keyed by id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from numbers import Integral
from typing import Final, Literal, NamedTuple
from uuid import UUID

import orjson

from hindcast_client.errors import UnusableRecordError
from hindcast_client.privacy import Privacy

HEARTBEAT_SCHEMA: Final = "hindcast.heartbeat/1"
ID_BYTES_MAX: Final = 256
RECORD_BYTES_MAX: Final = 256 * 1024
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC

Id = str | int | UUID
Fields = Mapping[str, object]
Kind = Literal["predictions", "labels", "heartbeats"]


class Record(NamedTuple):
    """A record on its way; the key decides the partition."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Topics:
    """Where records go; with JSON-lines files, the names of the files."""

    predictions: str
    labels: str
    heartbeats: str = "hindcast-heartbeats"


@dataclass(frozen=True)
class RecordEncoder:
    """Turns what a request left behind into bytes, in the sender's thread; what is private ends here."""

    topics: Topics
    privacy: Privacy | None = None
    record_bytes_max: int = RECORD_BYTES_MAX
    _by_kind: dict[Kind, Callable[[Fields], Record]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_kind = {"predictions": self._prediction, "labels": self._label, "heartbeats": self._heartbeat}
        object.__setattr__(self, "_by_kind", by_kind)

    def encode(self, kind: Kind, fields: Fields) -> Record:
        """The record of these fields. Raises UnusableRecordError with the reason."""
        try:
            record = self._by_kind[kind](fields)
        except (TypeError, ValueError, OverflowError) as error:  # orjson's errors are TypeErrors
            raise UnusableRecordError(f"{kind}: {error}") from None
        if len(record.value) > self.record_bytes_max:
            raise UnusableRecordError(f"{kind}: {len(record.value)} bytes; {self.record_bytes_max} are read")
        return record

    def _prediction(self, fields: Fields) -> Record:
        found = {name: value for name, value in fields.items() if value is not None}
        if "score" in found:
            found["score"] = float(found["score"])  # type: ignore[arg-type]  # what is no number is refused
        segments, features = _mapping(found.pop("segments", {})), found.get("features")
        if self.privacy is not None:
            segments, found = self.privacy.values(segments), self.privacy.values(found)
            if "features" in found:
                found["features"] = self.privacy.values(_mapping(features))
        return self._keyed(self.topics.predictions, "event_time", {**segments, **found})

    def _label(self, fields: Fields) -> Record:
        return self._keyed(self.topics.labels, "label_time", dict(fields))

    def _keyed(self, topic: str, time_field: str, found: dict[str, object]) -> Record:
        name = _id_text(found["prediction_id"])
        if self.privacy is not None:
            name = self.privacy.id(name)
        found["prediction_id"] = name
        found[time_field] = _time(found[time_field])
        return Record(topic, name.encode(), _json(found))

    def _heartbeat(self, fields: Fields) -> Record:
        beat = {"schema": HEARTBEAT_SCHEMA, **fields, "event_time": _time(fields["event_time"])}
        return Record(self.topics.heartbeats, str(fields["instance"]).encode(), _json(beat))


def _id_text(one: object) -> str:
    if isinstance(one, bool) or not isinstance(one, str | Integral | UUID):
        raise TypeError(f"an id is a text or a whole number, not {type(one).__name__}")
    text = one if isinstance(one, str) else str(one)
    if not 0 < len(text.encode()) <= ID_BYTES_MAX:
        raise ValueError(f"an id has 1 to {ID_BYTES_MAX} bytes as UTF-8, not {len(text.encode())}")
    return text


def _time(at: object) -> datetime:
    """A datetime (without an offset: UTC) as it is, nanoseconds since the epoch as one."""
    if isinstance(at, datetime):
        return at
    if isinstance(at, int):
        return _EPOCH + timedelta(microseconds=at // 1000)
    raise TypeError(f"a time is a datetime, not {type(at).__name__}")


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"features and segments are mappings of names, not {type(value).__name__}")
    return value


def _json(found: Fields) -> bytes:
    """NaN and infinity become null: JSON has neither."""
    return orjson.dumps(found, default=_plain, option=_OPTIONS)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON record")
