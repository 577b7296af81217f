"""Dead letters: records that can never be processed, kept with the reason.

Key, value and headers of the original stay as they are; ours are appended. Messages and headers
never hold what a record says. A record that is too large travels as an envelope that names it.
A redacted letter has our headers alone: whoever may read the source topic finds the record there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import orjson

Headers = list[tuple[str, bytes]]

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "timestamp_future": "the time lies further ahead of the wall clock than allowed",
        "timestamp_invalid": "no time that can be read, or one before the year 2000",
        "too_large": "more bytes than limits.record_bytes_max; kept as an envelope without the value",
        "depth": "nested deeper than 64 levels",
        "non_finite": "NaN, Infinity or a number beyond what a double holds",
        "out_of_range": "a score outside [0, 1], a value beyond 1e15 or an integer beyond 64 bits",
        "type": "a value of another type than its meaning needs",
        "encoding": "not UTF-8, a byte order mark, or half of a surrogate pair",
        "empty": "a value of no bytes or blanks only",
        "tombstone": "a record without a value",
        "json": "malformed JSON",
        "magic": "in a topic with a schema registry: no magic byte 0 and schema id at the beginning",
        "schema_unknown": "the schema registry has no schema with the record's id",
        "schema_unusable": "the record's schema is of another format than the topic's, or cannot be read",
        "avro": "bytes that do not fit their Avro schema",
        "protobuf": "bytes that do not fit their Protobuf schema",
        "missing:id": "no join id under any of its names, or an empty one",
        "missing:event_time": "a prediction without an event time",
        "missing:score": "a prediction with neither a score nor a predicted class or value, and no error",
        "missing:actual": "a label without a truth (null would withdraw the label)",
        "missing:model": "several models on the topic and no model field in the record",
        "model_unknown": "the model field names no configured model",
        "id_too_long": "a join id of more than 256 bytes",
    }
)
"""Code -> what it means; every `DecodeError` of a record has one of these."""

_PREFIX: Final = "hindcast."


def headers(
    code: str,
    message: str,
    *,
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    model: str = "",
    original: Iterable[tuple[str, bytes]] = (),
    redacted: bool = False,
) -> Headers:
    """The original headers with ours after them; the source is the user's own topic and offset."""
    ours = {
        "error.code": code,
        "error.message": message,
        "source.topic": topic,
        "source.partition": str(partition),
        "source.offset": str(offset),
        "source.timestamp": str(timestamp_ms),
        "model": model,
    }
    if redacted:
        ours["redacted"] = "true"
    return [*original, *((_PREFIX + name, value.encode()) for name, value in ours.items())]


def oversize_envelope(topic: str, partition: int, offset: int, value: bytes) -> bytes:
    """What stands in place of a value that may not fit: where it is, its size and SHA-256."""
    return orjson.dumps(
        {
            "schema": "hindcast.oversize/1",
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "size_bytes": len(value),
            "sha256": hashlib.sha256(value).hexdigest(),
        }
    )
