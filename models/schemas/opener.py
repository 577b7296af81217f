"""Values that begin with the id of their schema, opened to JSON text by the schemas that are known.

Which schemas a chunk needs is asked first (`missing`), and answered (`learn`) by whoever may wait for a registry; so
decoding itself never waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import DecodeError
from models.schemas.readers import reader_of
from models.schemas.registered import Reader, RegistryFormat, Schema

PREFIX_BYTES: Final = 5
SCHEMAS_MAX: Final = 1_000
"""Of a topic; a chunk that needs more of them gets them, and the rest is asked for again."""
REFUSED_MS: Final = 60_000
"""So long a schema stays unknown, or of no use, before the registry is asked again."""
_TEXT_GROWS: Final = 8
"""A record's JSON text has at most about so many times the bytes that its Avro or Protobuf has."""
_MAGIC: Final = b"\x00"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why records with this id cannot be read; asked again after `until_ms`."""

    code: str
    message: str
    until_ms: int


class Opener:
    """Opens the records of one topic, by the schemas that it was told."""

    def __init__(self, topic_format: RegistryFormat, record_bytes_max: int) -> None:
        self.format: RegistryFormat = topic_format
        self.record_bytes_max = record_bytes_max
        self._readers: dict[bytes, Reader | _Refusal] = {}

    def missing(self, values: Sequence[bytes | None], now_ms: int) -> list[int]:
        """Ids of the schemas that these values need and that are to be asked for, in ascending order."""
        needed = {value[:PREFIX_BYTES] for value in values if value}
        if len(self._readers) > SCHEMAS_MAX:
            self._readers = {prefix: reader for prefix, reader in self._readers.items() if prefix in needed}
        wanted = (prefix for prefix in needed if _is_prefix(prefix) and self._is_wanted(prefix, now_ms))
        return sorted(int.from_bytes(prefix[1:]) for prefix in wanted)

    def learn(self, schema_id: int, schema: Schema | None, now_ms: int) -> None:
        """What the registry has under this id; None: it says that there is nothing."""
        prefix = _MAGIC + schema_id.to_bytes(PREFIX_BYTES - 1)
        until_ms = now_ms + REFUSED_MS
        if schema is None:
            told = f"the schema registry has no schema {schema_id}"
            self._readers[prefix] = _Refusal("schema_unknown", told, until_ms)
            return
        try:
            self._readers[prefix] = reader_of(schema, self.format)
        except DecodeError as error:
            self._readers[prefix] = _Refusal(error.code, f"schema {schema_id}: {error.message}", until_ms)

    def text(self, value: bytes | None) -> bytes | None:
        """The record as JSON text; None for one without a value. Raises DecodeError."""
        if not value:
            return value  # for the decoder to judge
        if len(value) > self.record_bytes_max:
            raise DecodeError("too_large", f"{len(value)} bytes, at most {self.record_bytes_max} are read")
        reader = self._readers.get(value[:PREFIX_BYTES])
        if reader is None and _is_prefix(value[:PREFIX_BYTES]):
            raise RuntimeError("a schema was not asked for")  # a bug, and no reason to drop a record
        if reader is None:
            raise DecodeError("magic", "no magic byte 0 and schema id at the beginning")
        if isinstance(reader, _Refusal):
            raise DecodeError(reader.code, reader.message)
        return reader(value[PREFIX_BYTES:])

    def _is_wanted(self, prefix: bytes, now_ms: int) -> bool:
        known = self._readers.get(prefix)
        return known is None or (isinstance(known, _Refusal) and now_ms >= known.until_ms)


def text_bytes_max(record_bytes_max: int) -> int:
    """How long the JSON text of a record may be that has at most so many bytes."""
    return record_bytes_max * _TEXT_GROWS


def _is_prefix(prefix: bytes) -> bool:
    return len(prefix) == PREFIX_BYTES and prefix.startswith(_MAGIC)
