"""F52: magic bytes, ids and formats that are not as they should be; what is asked for, and how often."""

from __future__ import annotations

import pytest

from models.mapping import ModelFields
from models.schemas.framed import FramedDecoder
from models.schemas.opener import REFUSED_MS, SCHEMAS_MAX, Opener
from models.schemas.registered import RegistryFormat, Schema
from tests.support.schema_formats import AVRO, avro_bytes, for_avro, framed
from tests.unit.models.schemas.support import avro_schema, opener, schemas
from tests.unit.models.support import NOW_MS, Consumed, codes, fraud_prediction

FIELDS = ModelFields("fraud", "predictions")
GOOD = avro_bytes(AVRO["predictions"][0], for_avro(fraud_prediction(timestamp="2026-11-21T09:59:00+00:00")))
JSON = Schema("JSON", "{}")


def decoder(*known: Schema | None, its_format: RegistryFormat = "avro") -> FramedDecoder:
    return FramedDecoder("t", "predictions", [FIELDS], opener(its_format, *known))


def test_bad_records_keep_their_bytes_and_their_order_among_good_ones() -> None:
    known = schemas("predictions")["avro"][0]
    late = avro_bytes(AVRO["predictions"][0], for_avro(fraud_prediction(timestamp="2099-11-21T09:59:00+00:00")))
    values = [
        b'{"transaction_id": "t-1"}',  # no magic byte
        framed(1, GOOD),
        framed(2, GOOD),  # unknown to the registry
        framed(1, GOOD[:-3]),
        b"\x00\x00",
        framed(1, late),
        None,
        b"",
        framed(3, GOOD),  # of another format
        framed(1, GOOD),
    ]
    records = [Consumed(at, value) for at, value in enumerate(values)]
    decoded = decoder(known, None, JSON).decode(records, NOW_MS)
    assert codes(decoded) == [
        "magic", "schema_unknown", "avro", "magic", "timestamp_future", "tombstone", "empty", "schema_unusable"
    ]  # fmt: skip
    assert [one.record for one in decoded.bad] == [records[at] for at in (0, 2, 3, 4, 5, 6, 7, 8)]
    assert decoded.offsets.tolist() == [1, 9]


def test_the_limit_is_one_of_what_was_sent_not_of_the_text_that_it_becomes() -> None:
    schema = avro_schema({"type": "record", "name": "T", "fields": [{"name": "v", "type": "bytes"}]})
    made = Opener("avro", 100)
    made.learn(1, schema, NOW_MS)
    longest = framed(1, b"\xba\x01" + b"v" * 93)
    assert len(longest) == 100
    assert len(made.text(longest) or b"") > 100
    with pytest.raises(Exception, match="too_large"):
        made.text(longest + b"v")


def test_only_what_is_not_known_is_asked_for_and_no_schema_is_asked_for_twice() -> None:
    made = opener("avro", schemas("predictions")["avro"][0])
    values = [framed(1, b""), framed(7, b""), framed(3, b""), framed(7, b"x"), b"no frame", b"\x00\x01", b"", None]
    assert made.missing(values, NOW_MS) == [3, 7]
    made.learn(3, schemas("predictions")["avro"][1], NOW_MS)
    made.learn(7, None, NOW_MS)
    assert made.missing(values, NOW_MS) == []
    assert made.missing(values, NOW_MS + REFUSED_MS - 1) == []
    assert made.missing(values, NOW_MS + REFUSED_MS) == [7]  # it may have been registered meanwhile


def test_no_more_schemas_are_kept_than_are_needed() -> None:
    made = opener("json-schema")
    for number in range(SCHEMAS_MAX + 1):
        made.learn(number, JSON, NOW_MS)
    assert made.missing([framed(5, b"{}"), framed(6, b"{}")], NOW_MS) == []
    assert made.missing([framed(7, b"{}")], NOW_MS) == [7]


def test_a_schema_that_was_not_asked_for_is_a_bug_and_costs_no_record() -> None:
    with pytest.raises(RuntimeError):
        decoder().decode([Consumed(0, framed(1, GOOD))], NOW_MS)


def test_json_is_read_as_it_is_behind_its_frame() -> None:
    values = [
        framed(1, b'{"transaction_id": "a", "timestamp": 1795255140, "score": 0.5}'),
        framed(1, b"{"),
        framed(1, b""),
    ]
    decoded = decoder(JSON, its_format="json-schema").decode([Consumed(at, v) for at, v in enumerate(values)], NOW_MS)
    assert (decoded.ids, codes(decoded)) == ([b"a"], ["json", "empty"])


def test_a_chunk_of_nothing_but_bad_records_is_a_chunk() -> None:
    decoded = decoder().decode([Consumed(0, b"x"), Consumed(1, b"y")], NOW_MS)
    assert (decoded.ids, codes(decoded)) == ([], ["magic", "magic"])
