"""The reader of a registered schema, for a topic of some format."""

from __future__ import annotations

from models.schemas.avro import avro_reader
from models.schemas.protobuf import protobuf_reader
from models.schemas.registered import READS, Reader, RegistryFormat, Schema, unusable


def reader_of(schema: Schema, topic_format: RegistryFormat) -> Reader:
    """A reader of the schema's records. Raises DecodeError `schema_unusable`, also for a schema of another format."""
    if schema.kind != READS[topic_format]:
        raise unusable(f"a schema of another format than the topic's, which is {topic_format}")
    match topic_format:
        case "avro":
            return avro_reader(schema)
        case "protobuf":
            return protobuf_reader(schema)
        case "json-schema":
            return _as_it_is  # what a good record is, the decoder says: its schema adds nothing to that


def _as_it_is(body: bytes) -> bytes:
    return body
