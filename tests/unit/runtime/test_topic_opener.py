"""Verbs that read topics themselves read them in every format."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from models.errors import RegistryError
from models.schemas.opener import text_bytes_max
from runtime.settings import Settings, parse
from runtime.topic_chunks import TopicRecord
from runtime.topic_opener import bytes_max, opened
from tests.support.schema_formats import AVRO, avro_bytes, for_avro, framed
from tests.support.schema_registry import SchemaRegistryFake

LABEL = {"transaction_id": "t-1", "actual_fraud": True, "label_time": "2026-11-21T09:59:00+00:00"}


@pytest.fixture
def fake() -> Iterator[SchemaRegistryFake]:
    with SchemaRegistryFake() as registry:
        yield registry


def settings(fake: SchemaRegistryFake) -> Settings:
    model = {"predictions": {"topic": "p"}, "labels": {"topic": "l", "format": "avro"}}
    return parse({"kafka": {"schema_registry": {"url": fake.url}}, "models": {"m": model}}, {})


def test_records_are_opened_to_json_and_what_cannot_be_read_is_empty(fake: SchemaRegistryFake) -> None:
    number = fake.register("l-value", orjson.dumps(AVRO["labels"][0]).decode())
    body = avro_bytes(AVRO["labels"][0], for_avro(LABEL))
    values = [framed(number, body), framed(99, body), framed(number, body[:-2]), b"{}", None, framed(number, body)]
    records = [TopicRecord(at, 0, b"key", value) for at, value in enumerate(values)]
    found = opened(settings(fake), settings(fake).models["m"].labels)(records)
    text = b'{"transaction_id":"t-1","actual_fraud":true,"label_time":1795255140000000}'
    assert [one.value for one in found] == [text, b"", b"", b"", None, text]
    assert [one[:3] for one in found] == [one[:3] for one in records]


def test_json_is_left_as_it_is(fake: SchemaRegistryFake) -> None:
    made = settings(fake)
    records = [TopicRecord(0, 0, None, b"{}")]
    assert opened(made, made.models["m"].predictions)(records) is records
    assert fake.asked == []


def test_a_registry_that_is_away_ends_the_verb(fake: SchemaRegistryFake) -> None:
    opens = opened(settings(fake), settings(fake).models["m"].labels)
    fake.down()
    with pytest.raises(RegistryError, match="no answer"):
        opens([TopicRecord(0, 0, None, framed(1, b""))])


def test_the_text_of_an_opened_record_may_be_longer_than_the_record(fake: SchemaRegistryFake) -> None:
    made, limit = settings(fake), settings(fake).limits.record_bytes_max
    assert bytes_max(made, made.models["m"].predictions) == limit
    assert bytes_max(made, made.models["m"].labels) == text_bytes_max(limit)
