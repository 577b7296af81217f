"""The same records in every format, for `benchmarks.bench_decode`."""

from __future__ import annotations

import base64
import json
from typing import Any

from models.mapping import ModelFields
from models.schemas.framed import FramedDecoder
from models.schemas.opener import Opener
from models.schemas.registered import RegistryFormat, Schema
from tests.support.schema_formats import AVRO, avro_bytes, for_avro, for_proto, framed, proto_classes, proto_file

RECORD_BYTES_MAX = 256 * 1024
SCHEMA_ID = 1


def written(values: list[bytes]) -> dict[RegistryFormat, list[bytes]]:
    """Predictions that are given as JSON, by format, each behind the id of its schema."""
    records: list[dict[str, Any]] = [json.loads(value) for value in values]
    make = proto_classes()["predictions"]
    return {
        "json-schema": [framed(SCHEMA_ID, value) for value in values],
        "avro": [framed(SCHEMA_ID, avro_bytes(AVRO["predictions"][0], for_avro(record))) for record in records],
        "protobuf": [framed(SCHEMA_ID, b"\x00" + for_proto(make, record).SerializeToString()) for record in records],
    }


def decoder(its_format: RegistryFormat, now_ms: int) -> FramedDecoder:
    """One that knows the schema of such records already."""
    schema = {
        "json-schema": Schema("JSON", "{}"),
        "avro": Schema("AVRO", json.dumps(AVRO["predictions"][0])),
        "protobuf": Schema("PROTOBUF", base64.b64encode(proto_file().SerializeToString()).decode()),
    }[its_format]
    opener = Opener(its_format, RECORD_BYTES_MAX)
    opener.learn(SCHEMA_ID, schema, now_ms)
    return FramedDecoder("t", "predictions", [ModelFields("fraud", "predictions")], opener)
