"""The fraud example's records in every format of a schema registry: the schemas, and writing JSON records by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any, Final

import orjson
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro import parse_schema, schemaless_writer
from google.protobuf import struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from models.schemas.registered import RegistryFormat
from runtime.traffic import Topic

Record = dict[str, Any]
_TIME: Final = {"type": "long", "logicalType": "timestamp-micros"}
_FEATURES: Final = {
    "type": "record",
    "name": "Features",
    "fields": [
        {"name": "amount", "type": ["null", "double"], "default": None},
        {"name": "country", "type": ["null", "string"], "default": None},
    ],
}


def _avro(name: str, **fields: object) -> dict[str, object]:
    return {
        "type": "record",
        "name": name,
        "namespace": "shop.fraud",
        "fields": [{"name": field, "type": its_type} for field, its_type in fields.items()],
    }


AVRO: Final[dict[Topic, list[dict[str, object]]]] = {
    "predictions": [
        _avro(
            "Prediction", transaction_id="string", timestamp=_TIME, amount="double", merchant="string",
            country="string", predicted_fraud_score="double", predicted_fraud="boolean", model_version="string",
        ),
        # Fields come and go, move, and may be null from now on.
        _avro(
            "Prediction", model_version="string", channel=["null", "string"], predicted_fraud=["null", "boolean"],
            predicted_fraud_score=["null", "double"], transaction_id="string", timestamp=_TIME,
            country=["null", {"type": "enum", "name": "Country", "symbols": ["DE", "FR"]}, "string"],
            features=["null", _FEATURES],
        ),
    ],
    "labels": [_avro("Label", transaction_id="string", actual_fraud=["null", "boolean"], label_time=_TIME)],
}  # fmt: skip
"""By topic the versions of its schema, the oldest first."""

JSON_SCHEMA: Final[dict[Topic, dict[str, object]]] = {
    "predictions": {"title": "Prediction", "type": "object", "required": ["transaction_id", "timestamp"]},
    "labels": {"title": "Label", "type": "object", "required": ["transaction_id", "actual_fraud"]},
}


def proto_file() -> FileDescriptorProto:
    """Both messages in one file, so that labels are the second one of it."""
    file = FileDescriptorProto(name="fraud.proto", package="shop.fraud", syntax="proto3")
    file.dependency.extend(f"google/protobuf/{name}.proto" for name in ("timestamp", "struct", "wrappers"))
    types = {
        "string": {"type": FieldDescriptorProto.TYPE_STRING},
        "double": {"type": FieldDescriptorProto.TYPE_DOUBLE},
        "bool": {"type": FieldDescriptorProto.TYPE_BOOL},
    }
    fields = {
        "Features": {"amount": "DoubleValue", "country": "StringValue"},
        "Prediction": {
            "transaction_id": "string", "timestamp": "Timestamp", "amount": "double", "merchant": "string",
            "country": "string", "predicted_fraud_score": "double?", "predicted_fraud": "bool?",
            "model_version": "string", "features": ".shop.fraud.Features",
        },
        "Label": {"transaction_id": "string", "actual_fraud": "Value", "label_time": "Timestamp"},
    }  # fmt: skip
    for name in ("Prediction", "Label", "Features"):
        message = file.message_type.add(name=name)
        for number, (field, its_type) in enumerate(fields[name].items(), 1):
            one = message.field.add(name=field, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
            plain = its_type.removesuffix("?")
            if plain in types:
                one.type = types[plain]["type"]
            else:
                one.type = FieldDescriptorProto.TYPE_MESSAGE
                one.type_name = plain if plain.startswith(".") else f".google.protobuf.{plain}"
            if its_type.endswith("?"):
                one.proto3_optional, one.oneof_index = True, len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field}")
    return file


def proto_classes() -> dict[Topic, Any]:
    """The message class of each topic."""
    pool = DescriptorPool()
    for module in (timestamp_pb2, struct_pb2, wrappers_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.Add(proto_file())
    names: dict[Topic, str] = {"predictions": "Prediction", "labels": "Label"}
    return {topic: GetMessageClass(pool.FindMessageTypeByName(f"shop.fraud.{name}")) for topic, name in names.items()}


def for_avro(record: Record) -> Record:
    """As Avro's writers want it: times are datetimes."""
    return {name: datetime.fromisoformat(v) if name in _TIMES else v for name, v in record.items()}


def for_proto(make: Callable[[], Any], record: Record) -> Any:  # noqa: ANN401  # a class that was made while running
    """The message: what is None is not set, but for a label's truth, of which null says something."""
    message = make()
    for name, value in record.items():
        if name in _TIMES:
            getattr(message, name).FromJsonString(value)
        elif name == "actual_fraud" and value is None:
            message.actual_fraud.null_value = 0
        elif name == "actual_fraud":
            message.actual_fraud.bool_value = value
        elif isinstance(value, dict):
            getattr(message, name).SetInParent()
            for inner, its_value in value.items():
                if its_value is not None:
                    getattr(getattr(message, name), inner).value = its_value
        elif value is not None:
            setattr(message, name, value)
    return message


_NAMES: Final = {"prediction": "predicted_fraud", "actual": "actual_fraud"}
_TIMES: Final = frozenset({"timestamp", "label_time"})


def avro_bytes(schema: dict[str, object], record: Record) -> bytes:
    """The record as Avro, without the registry's frame."""
    stream = BytesIO()
    schemaless_writer(stream, parse_schema(schema), record)
    return stream.getvalue()


def framed(schema_id: int, body: bytes) -> bytes:
    """With the magic byte and the id of its schema."""
    return b"\x00" + schema_id.to_bytes(4) + body


class Serializing:
    """Writes JSON records as producers with Confluent's own serializers would: encode(topic, json) -> bytes.

    evolves_after: so many Avro predictions are written by the first version of the schema, all others by the second.
    """

    def __init__(
        self,
        client: SchemaRegistryClient,
        formats: dict[Topic, RegistryFormat],
        names: dict[Topic, str],
        evolves_after: int,
    ) -> None:
        self._formats = formats
        self._context = {topic: SerializationContext(name, MessageField.VALUE) for topic, name in names.items()}
        self._classes = proto_classes()
        self._left = evolves_after
        self._serializers: dict[Topic, list[Any]] = {
            topic: _serializers(client, topic, one, self._classes) for topic, one in formats.items()
        }

    def __call__(self, topic: Topic, value: bytes) -> bytes:
        """The value in the topic's format."""
        # The records that close a load have the canonical names, and classes as numbers.
        record = {_NAMES.get(name, name): bool(v) if name in _NAMES else v for name, v in orjson.loads(value).items()}
        serializers, version = self._serializers[topic], 0
        if self._formats[topic] == "protobuf":
            record = for_proto(self._classes[topic], record)
        elif self._formats[topic] == "avro":
            record = for_avro({field["name"]: None for field in AVRO[topic][-1]["fields"]} | record)  # type: ignore[attr-defined]  # a JSON array
            if topic == "predictions":
                self._left -= 1
                version = int(self._left < 0)
        written: bytes = serializers[version](record, self._context[topic])
        return written


def _serializers(
    client: SchemaRegistryClient, topic: Topic, its_format: RegistryFormat, classes: dict[Topic, Any]
) -> list[Any]:
    """One for each version of the topic's schema."""
    match its_format:
        case "avro":
            return [AvroSerializer(client, orjson.dumps(schema).decode()) for schema in AVRO[topic]]
        case "protobuf":
            return [ProtobufSerializer(classes[topic], client, {"use.deprecated.format": False})]
        case "json-schema":
            return [JSONSerializer(orjson.dumps(JSON_SCHEMA[topic]).decode(), client)]
