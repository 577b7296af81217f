"""Protobuf: what types become, imports, message indexes, what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from confluent_kafka.schema_registry.confluent.type import decimal_pb2
from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DecodeError
from models.schemas.protobuf import message_indexes, protobuf_reader
from models.schemas.registered import Schema
from tests.unit.models.schemas.support import body, proto_schema

F = FieldDescriptorProto
IMPORTED = (timestamp_pb2, struct_pb2, duration_pb2, wrappers_pb2, decimal_pb2)
MESSAGES = {
    "t": ".google.protobuf.Timestamp", "d": ".google.protobuf.Duration", "s": ".google.protobuf.Struct",
    "w": ".google.protobuf.Int64Value", "n": ".confluent.type.Decimal", "self": ".a.M", "other": ".b.Other",
}  # fmt: skip


def other_file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="b/other.proto", package="b", syntax="proto3")
    file.message_type.add(name="Other").field.add(name="x", number=1, type=F.TYPE_STRING, label=F.LABEL_OPTIONAL)
    return file


def file_of_all() -> FileDescriptorProto:
    file = FileDescriptorProto(name="m.proto", package="a", syntax="proto3")
    file.dependency.extend([*(one.DESCRIPTOR.name for one in IMPORTED), "b/other.proto"])
    message = file.message_type.add(name="M")
    scalars = {
        "big": F.TYPE_UINT64, "small": F.TYPE_SINT32, "flag": F.TYPE_BOOL, "text": F.TYPE_STRING, "raw": F.TYPE_BYTES
    }  # fmt: skip
    for number, (name, its_type) in enumerate(scalars.items(), 1):
        message.field.add(name=name, number=number, type=its_type, label=F.LABEL_OPTIONAL)
    for number, (name, its_name) in enumerate(MESSAGES.items(), 20):
        message.field.add(name=name, number=number, type=F.TYPE_MESSAGE, type_name=its_name, label=F.LABEL_OPTIONAL)
    message.field.add(name="e", number=40, type=F.TYPE_ENUM, type_name=".a.E", label=F.LABEL_OPTIONAL)
    message.field.add(name="many", number=41, type=F.TYPE_ENUM, type_name=".a.E", label=F.LABEL_REPEATED)
    message.field.add(name="floats", number=42, type=F.TYPE_FLOAT, label=F.LABEL_REPEATED)
    message.field.add(name="m", number=43, type=F.TYPE_MESSAGE, type_name=".a.M.MEntry", label=F.LABEL_REPEATED)
    entry = message.nested_type.add(name="MEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=F.TYPE_BOOL, label=F.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=F.TYPE_ENUM, type_name=".a.E", label=F.LABEL_OPTIONAL)
    message.nested_type.add(name="Inner").field.add(name="y", number=1, type=F.TYPE_STRING, label=F.LABEL_OPTIONAL)
    enum = file.enum_type.add(name="E")
    for number, name in enumerate(("NONE", "ONE")):
        enum.value.add(name=name, number=number)
    return file


def text(file: FileDescriptorProto) -> str:
    return base64.b64encode(file.SerializeToString()).decode()


SCHEMA = Schema("PROTOBUF", text(file_of_all()), (("b/other.proto", text(other_file())),))


def message_class(name: str) -> Any:  # noqa: ANN401  # a class that was made while running
    pool = DescriptorPool()
    for module in IMPORTED:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.Add(other_file())
    pool.Add(file_of_all())
    return GetMessageClass(pool.FindMessageTypeByName(name))


EMPTY = {"big": 0, "small": 0, "flag": False, "text": "", "raw": "", "e": "NONE", "many": [], "floats": [], "m": {}}


def test_every_type_has_its_json() -> None:
    message = message_class("a.M")(
        big=2**64 - 1, small=-5, flag=True, text="é", raw=b"\x00\xff", e=1, many=[0, 1, 7], floats=[0.5],
        m={True: 1}, t={"seconds": 1_795_255_140, "nanos": 123_456_789}, d={"seconds": 1, "nanos": 500_000_000},
        w={"value": 7}, n={"value": (-1250).to_bytes(2, "big", signed=True), "scale": 2}, other={"x": "y"},
        self={"text": "inner"},
    )  # fmt: skip
    message.s.update({"a": 1.5, "b": None, "c": [True, {"d": "e"}]})
    assert body(protobuf_reader(SCHEMA)(b"\x00" + message.SerializeToString())) == {
        "big": 2**64 - 1, "small": -5, "flag": True, "text": "é", "raw": "AP8=", "e": "ONE",
        "many": ["NONE", "ONE", 7], "floats": [0.5], "m": {"true": "ONE"}, "t": 1_795_255_140_123_456_789, "d": 1.5,
        "w": 7, "n": -12.5, "other": {"x": "y"}, "self": EMPTY | {"text": "inner"},
        "s": {"a": 1.5, "b": None, "c": [True, {"d": "e"}]},
    }  # fmt: skip


def test_fields_that_do_not_tell_whether_they_are_set_are_always_there() -> None:
    assert body(protobuf_reader(SCHEMA)(b"\x00")) == EMPTY


def test_a_time_long_ago_is_no_number_whose_unit_could_be_mistaken() -> None:
    message = message_class("a.M")(t={"seconds": 1, "nanos": 795_255_140})  # 1 795 255 140 ns: in seconds, 2026
    found = body(protobuf_reader(SCHEMA)(b"\x00" + message.SerializeToString()))
    assert isinstance(found, dict)
    assert isinstance(found["t"], str)


@pytest.mark.parametrize(("index", "said"), [(b"\x02\x00", EMPTY), (b"\x04\x00\x02", {"y": "z"})])
def test_the_indexes_name_the_message(index: bytes, said: object) -> None:
    value = b"" if said is EMPTY else b"\x0a\x01z"
    assert body(protobuf_reader(SCHEMA)(index + value)) == said


@pytest.mark.parametrize("index", [b"\x02\x02", b"\x02\x01", b"\x04\x00\x06", b"\x01", b"", b"\xff" * 9, b"\x04\x00"])
def test_indexes_of_no_message_are_refused(index: bytes) -> None:
    with pytest.raises(DecodeError, match="protobuf: "):
        protobuf_reader(SCHEMA)(index)


def test_indexes_are_zigzag_numbers_and_a_single_zero_is_short_for_the_first() -> None:
    assert message_indexes(b"\x00rest") == ((0,), 1)
    assert message_indexes(b"\x04\x00\x80\x02rest") == ((0, 128), 4)


@pytest.mark.parametrize("written", ['syntax = "proto3";', "", base64.b64encode(b"\xff\xff").decode()])
def test_what_is_no_descriptor_is_refused(written: str) -> None:
    with pytest.raises(DecodeError, match=r"schema_unusable: |protobuf: "):
        protobuf_reader(Schema("PROTOBUF", written))(b"\x00")


def test_an_import_that_nobody_gives_is_refused() -> None:
    with pytest.raises(DecodeError, match="schema_unusable: "):
        protobuf_reader(Schema("PROTOBUF", text(file_of_all())))


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_they_are_a_record_or_refused(value: bytes) -> None:
    reader = protobuf_reader(proto_schema())
    try:
        assert isinstance(body(reader(b"\x00" + value)), dict)
    except DecodeError as error:
        assert error.code == "protobuf"  # noqa: PT017  # most are refused, some are not


def test_a_decimal_beyond_all_bounds_is_refused_not_raised() -> None:
    message = message_class("a.M")(n={"value": b"\x01", "scale": -(2**31)})
    with pytest.raises(DecodeError, match="protobuf: "):
        protobuf_reader(SCHEMA)(b"\x00" + message.SerializeToString())
