"""Decoders of framed records that know their schemas already."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from models.decoded import Decoded
from models.mapping import ModelFields
from models.schemas.framed import FramedDecoder
from models.schemas.opener import Opener
from models.schemas.registered import RegistryFormat, Schema
from runtime.traffic import Topic
from tests.support.schema_formats import AVRO, JSON_SCHEMA, framed, proto_file
from tests.unit.models.support import NOW_MS, Consumed

RECORD_BYTES_MAX = 262_144


def avro_schema(schema: object, *references: tuple[str, object]) -> Schema:
    return Schema("AVRO", json.dumps(schema), tuple((name, json.dumps(one)) for name, one in references))


def proto_schema() -> Schema:
    return Schema("PROTOBUF", base64.b64encode(proto_file().SerializeToString()).decode())


def schemas(topic: Topic) -> dict[RegistryFormat, list[Schema]]:
    """Format -> the versions of the topic's schema; their ids count from 1."""
    return {
        "avro": [avro_schema(schema) for schema in AVRO[topic]],
        "protobuf": [proto_schema()],
        "json-schema": [Schema("JSON", json.dumps(JSON_SCHEMA[topic]))],
    }


def opener(its_format: RegistryFormat, *known: Schema | None) -> Opener:
    """Knows these schemas by the ids 1, 2, …"""
    made = Opener(its_format, RECORD_BYTES_MAX)
    for number, schema in enumerate(known, 1):
        made.learn(number, schema, NOW_MS)
    return made


def decode(topic: Topic, fields: ModelFields, its_format: RegistryFormat, values: Sequence[bytes | None]) -> Decoded:
    """By a decoder that knows the topic's schemas."""
    decoder = FramedDecoder("t", topic, [fields], opener(its_format, *schemas(topic)[its_format]))
    return decoder.decode([Consumed(at, value) for at, value in enumerate(values)], NOW_MS)


def body(reader_text: bytes | None) -> object:
    """What an opened value says."""
    assert reader_text is not None
    return json.loads(reader_text)


__all__ = ["avro_schema", "body", "decode", "framed", "opener", "proto_schema", "schemas"]
