"""Avro: what types become, what is refused of schemas and of bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DecodeError
from models.schemas.avro import avro_reader
from tests.support.schema_formats import AVRO, avro_bytes
from tests.unit.models.schemas.support import avro_schema, body

UUID_TEXT = "12345678-1234-5678-1234-567812345678"
MOMENT = datetime(2026, 11, 21, 9, 59, 0, 123456, tzinfo=UTC)
RECORD = {"type": "record", "name": "R", "fields": [{"name": "x", "type": "string"}]}


@pytest.mark.parametrize(
    ("its_type", "value", "said"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, MOMENT, 1_795_255_140_123),
        ({"type": "long", "logicalType": "timestamp-micros"}, MOMENT, 1_795_255_140_123_456),
        ({"type": "int", "logicalType": "date"}, date(1970, 1, 3), 2),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, Decimal("-12.50"), -12.5),
        ({"type": "fixed", "size": 8, "name": "F", "logicalType": "decimal", "precision": 9}, Decimal(7), 7),
        ({"type": "string", "logicalType": "uuid"}, UUID(UUID_TEXT), UUID_TEXT),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        ("bytes", b"\x00\xff", "AP8="),
        (["null", "double"], None, None),
        (["null", RECORD], {"x": "y"}, {"x": "y"}),
        ({"type": "map", "values": ["null", "long"]}, {"a": 1, "b": None}, {"a": 1, "b": None}),
        ({"type": "array", "items": "float"}, [0.5, -2.0], [0.5, -2.0]),
    ],
)
def test_every_type_has_its_json(its_type: object, value: object, said: object) -> None:
    schema: dict[str, object] = {"type": "record", "name": "T", "fields": [{"name": "v", "type": its_type}]}
    assert body(avro_reader(avro_schema(schema))(avro_bytes(schema, {"v": value}))) == {"v": said}


def test_types_of_other_subjects_are_known_by_their_references() -> None:
    schema = {"type": "record", "name": "T", "fields": [{"name": "v", "type": "a.b.Inner"}]}
    inner = {"type": "record", "name": "Inner", "namespace": "a.b", "fields": [{"name": "r", "type": "R"}]}
    inner["fields"] = [{"name": "r", "type": "a.b.R"}]
    reader = avro_reader(avro_schema(schema, ("a.b.R", RECORD | {"namespace": "a.b"}), ("a.b.Inner", inner)))
    assert body(reader(b"\x02y")) == {"v": {"r": {"x": "y"}}}


def test_a_union_of_records_on_top_is_whichever_was_written() -> None:
    reader = avro_reader(avro_schema([RECORD, "string"]))
    assert body(reader(b"\x00\x02y")) == {"x": "y"}
    with pytest.raises(DecodeError, match="type: "):
        reader(b"\x02\x02y")


LINKED = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}
MUTUAL = {
    "type": "record",
    "name": "A",
    "fields": [
        {"name": "b", "type": {"type": "record", "name": "B", "fields": [{"name": "a", "type": ["null", "A"]}]}}
    ],
}
HOLLOW: dict[str, object] = {"type": "record", "name": "H", "fields": []}


@pytest.mark.parametrize("schema", [LINKED, MUTUAL], ids=["itself", "by way of another"])
def test_a_type_that_contains_itself_is_refused_since_a_deep_one_would_end_the_process(schema: object) -> None:
    with pytest.raises(DecodeError, match=r"schema_unusable: .*contains itself"):
        avro_reader(avro_schema(schema))


@pytest.mark.parametrize("items", ["null", HOLLOW, {"type": "fixed", "name": "F", "size": 0}])
def test_an_array_whose_length_costs_nothing_is_refused(items: object) -> None:
    schema = {"type": "record", "name": "T", "fields": [{"name": "v", "type": {"type": "array", "items": items}}]}
    with pytest.raises(DecodeError, match=r"schema_unusable: .*no bytes"):
        avro_reader(avro_schema(schema))


@pytest.mark.parametrize("schema", [{}, {"type": "record"}, "Nothing", 5, {"type": "array"}])
def test_what_is_no_schema_is_refused(schema: object) -> None:
    with pytest.raises(DecodeError, match="schema_unusable: "):
        avro_reader(avro_schema(schema))


def test_a_type_that_is_used_twice_is_no_cycle() -> None:
    schema = {"type": "record", "name": "T", "fields": [{"name": "a", "type": RECORD}, {"name": "b", "type": "R"}]}
    assert body(avro_reader(avro_schema(schema))(b"\x02y\x02z")) == {"a": {"x": "y"}, "b": {"x": "z"}}


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_they_are_a_record_or_refused(value: bytes) -> None:
    reader = avro_reader(avro_schema(AVRO["predictions"][1]))
    try:
        assert isinstance(body(reader(value)), dict)
    except DecodeError as error:
        assert error.code in {"avro", "encoding"}  # noqa: PT017  # most are refused, some are not


def test_bytes_that_are_left_over_mean_that_another_schema_wrote_them() -> None:
    reader = avro_reader(avro_schema(RECORD))
    with pytest.raises(DecodeError, match="avro: bytes are left over"):
        reader(b"\x02yz")
