"""Avro: from a writer's schema to a reader of its records.

Each record is read by the schema that it was written by, so every evolution of a schema can be followed. Logical types
that only say what an integer or text means are left out: a time in milliseconds or microseconds is then the number that
the decoder knows as such.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from models.errors import DecodeError
from models.schemas.as_json import as_json
from models.schemas.avro_bounds import check_bounded
from models.schemas.registered import Reader, Schema, unusable

_NESTED: Final = frozenset({"type", "items", "values", "fields"})
_VALUE: Final = "value"

Read = Callable[[BytesIO, Any, None], Any]


def avro_reader(schema: Schema) -> Reader:
    """A reader of records that were written by the schema. Raises DecodeError `schema_unusable`."""
    from fastavro import parse_schema, schemaless_reader  # slow to import, and only needed where a topic has Avro

    names: dict[str, Any] = {}
    try:
        for _, text in schema.references:
            parse_schema(_plain(json.loads(text)), named_schemas=names)
        top = _plain(_top(schema))
        is_record = isinstance(top, dict) and top.get("type") == "record"
        # A record of one field is written as the field alone: so unions and names may stand on top, too.
        wrapped = {"type": "record", "name": "HindcastTop", "fields": [{"name": _VALUE, "type": top}]}
        parsed = parse_schema(top if is_record else wrapped, named_schemas=names)
        check_bounded(names)
    except DecodeError:
        raise
    except Exception:  # noqa: BLE001  # whatever fastavro makes of a schema that is none
        raise unusable("not an Avro schema that can be read") from None
    return _reader(schemaless_reader, parsed, is_record=is_record)


def _reader(read: Read, parsed: Any, *, is_record: bool) -> Reader:  # noqa: ANN401  # a schema as fastavro keeps it
    def text(body: bytes) -> bytes:
        stream = BytesIO(body)
        try:
            found = read(stream, parsed, None)
            record = found if is_record else found[_VALUE]
        except UnicodeDecodeError:
            raise DecodeError("encoding", "a string that is not UTF-8") from None
        except Exception:  # noqa: BLE001  # whatever fastavro makes of bytes that are something else
            raise DecodeError("avro", "the bytes do not fit their schema") from None
        if stream.tell() != len(body):
            raise DecodeError("avro", "bytes are left over behind the record")
        if not isinstance(record, dict):
            raise DecodeError("type", "a record is an Avro record")
        return as_json(record)

    return text


def _top(schema: Schema) -> Any:  # noqa: ANN401  # any JSON
    """The schema as JSON; its text may also be the bare name of a type."""
    return json.loads(schema.text) if schema.text.lstrip()[:1] in {"{", "[", '"'} else schema.text.strip()


def _plain(node: Any) -> Any:  # noqa: ANN401  # any JSON
    """The schema without the logical types that are not needed."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    logical = node.get("logicalType")
    kept = logical == "decimal" or (
        logical == "uuid" and node.get("type") == "fixed"
    )  # else bytes that nobody can read
    return {
        name: _plain(inner) if name in _NESTED else inner
        for name, inner in node.items()
        if kept or name != "logicalType"
    }
