"""A schema as a registry gives it out, and what is made of it: a reader of the records that were written by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from models.errors import DecodeError

RegistryFormat = Literal["avro", "protobuf", "json-schema"]

READS: Final[dict[RegistryFormat, str]] = {"avro": "AVRO", "protobuf": "PROTOBUF", "json-schema": "JSON"}
"""Format of a topic -> what the registry calls schemas of it."""

Reader = Callable[[bytes], bytes]
"""What stands behind the schema id -> the record as JSON text, UTF-8. Raises DecodeError."""


@dataclass(frozen=True, slots=True)
class Schema:
    """kind: AVRO, PROTOBUF or JSON; text: as it was registered, of Protobuf the base64 of a FileDescriptorProto.

    references: name -> text of every schema that it builds on, those first that others build on.
    """

    kind: str
    text: str
    references: tuple[tuple[str, str], ...] = ()


def unusable(why: str) -> DecodeError:
    """A record's schema cannot be read; nothing of the schema is quoted."""
    return DecodeError("schema_unusable", why)
