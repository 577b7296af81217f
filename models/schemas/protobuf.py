"""Protobuf: from a registered file to a reader of its messages; descriptors are built while running, without protoc.

A value names its message by indexes: into the messages of the file, then into those nested in it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from models.errors import DecodeError
from models.schemas.as_json import as_json
from models.schemas.protobuf_messages import Fields, fields_of
from models.schemas.registered import Reader, Schema, unusable

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.descriptor_pool import DescriptorPool

_BUILT_IN: Final = {
    "google/protobuf/": "google.protobuf.",
    "google/type/": "google.type.",
    "confluent/": "confluent_kafka.schema_registry.confluent.",
}
"""Folder of an import -> where its files are as Python modules."""
_PLAIN_PATH: Final = re.compile(r"[a-z_]+(/[a-z_]+)+\.proto")
_NESTED_MAX: Final = 64
_VARINT_BYTES_MAX: Final = 5
_FILE: Final = "the registered file"

Parse = Callable[[bytes], Any]


def protobuf_reader(schema: Schema) -> Reader:
    """A reader of messages of the registered file. Raises DecodeError `schema_unusable`."""
    try:
        file = _file(schema)
    except Exception:  # noqa: BLE001  # whatever protobuf makes of a descriptor that is none
        raise unusable("not a Protobuf descriptor that can be read") from None
    known: dict[tuple[int, ...], tuple[Parse, Fields]] = {}

    def text(body: bytes) -> bytes:
        indexes, at = message_indexes(body)
        if indexes not in known:
            known[indexes] = _message(file, indexes)
        parse, fields = known[indexes]
        try:
            record = fields(parse(body[at:]))
        except Exception:  # noqa: BLE001  # whatever protobuf makes of bytes that are something else
            raise DecodeError("protobuf", "the bytes do not fit their schema") from None
        if not isinstance(record, dict):
            raise DecodeError("type", "a record is a message with fields of its own")
        return as_json(record)

    return text


def message_indexes(body: bytes) -> tuple[tuple[int, ...], int]:
    """The indexes of the message, and where it begins. A single 0 stands for the first message of the file.

    Raises DecodeError for bytes that are no indexes.
    """
    count, at = _zigzag(body, 0)
    if count == 0:
        return (0,), at
    if not 0 < count <= _NESTED_MAX:
        raise DecodeError("protobuf", "no message indexes before the message")
    indexes = []
    for _ in range(count):
        index, at = _zigzag(body, at)
        indexes.append(index)
    return tuple(indexes), at


def _zigzag(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    for byte in body[at : at + _VARINT_BYTES_MAX]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at + shift // 7
    raise DecodeError("protobuf", "no message indexes before the message")


def _message(file: FileDescriptor, indexes: tuple[int, ...]) -> tuple[Parse, Fields]:
    """How the message with these indexes is parsed, and how its fields are read. Raises DecodeError for none."""
    from google.protobuf.message_factory import GetMessageClass

    found, messages = None, list(file.message_types_by_name.values())
    for index in indexes:
        if not 0 <= index < len(messages):
            raise DecodeError("protobuf", "the message indexes name no message of the schema")
        found = messages[index]
        messages = list(found.nested_types)
    return GetMessageClass(found).FromString, fields_of(found)


def _file(schema: Schema) -> FileDescriptor:
    """The registered file, with all that it imports."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto  # only needed where a topic has Protobuf
    from google.protobuf.descriptor_pool import DescriptorPool

    pool, added = DescriptorPool(), set[str]()
    for name, text in (*schema.references, (_FILE, schema.text)):
        proto = FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
        proto.name = name
        for needed in proto.dependency:
            _add_built_in(pool, needed, added)
        pool.Add(proto)
        added.add(name)
    return pool.FindFileByName(_FILE)


def _add_built_in(pool: DescriptorPool, name: str, added: set[str]) -> None:
    """What comes with protobuf and with Confluent's serializers need not be registered; other files are left alone."""
    folder = next((folder for folder in _BUILT_IN if name.startswith(folder)), None)
    if name in added or folder is None or _PLAIN_PATH.fullmatch(name) is None:
        return
    added.add(name)
    path = _BUILT_IN[folder] + name.removeprefix(folder).removesuffix(".proto").replace("/", ".")
    file: FileDescriptor = import_module(f"{path}_pb2").DESCRIPTOR
    for needed in file.dependencies:
        _add_built_in(pool, needed.name, added)
    pool.AddSerializedFile(file.serialized_pb)
