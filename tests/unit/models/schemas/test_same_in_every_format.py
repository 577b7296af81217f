"""A record says the same in every format: Avro, Protobuf and JSON Schema decode to the columns of plain JSON."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.observer import ModelObserver
from metrics.reference import Categorical, Numeric
from models.codec import Decoder
from models.decoded import Decoded
from models.mapping import ModelFields
from models.schemas.registered import RegistryFormat
from runtime.traffic import Topic
from tests.support.schema_formats import AVRO, Record, avro_bytes, for_avro, for_proto, framed, proto_classes
from tests.unit.models.schemas.support import decode
from tests.unit.models.support import NOW_MS, Consumed, rows

FEATURES = (
    ("amount", Numeric(edges=[0.5], counts=[0] * 6, mean=1.0, std=2.0, min=0, max=1, quartiles=(0, 0.5, 1))),
    ("country", Categorical(categories=["DE", "FR"], counts=[0] * 7)),
)
PATHS = (
    (("latency_ms",),),
    (("status",),),
    (("error_type",),),
    *((("features", name), (name,)) for name, _ in FEATURES),
)
OBSERVER = ModelObserver(PATHS, FEATURES, (), (("features",),))
PREDICTIONS = ModelFields("fraud", "predictions", segments=("country",), observer=OBSERVER)
LABELS = ModelFields("fraud", "labels")
CLASSES = proto_classes()
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)

times = st.builds(
    lambda micros: (NOW - timedelta(microseconds=micros)).isoformat(),
    st.one_of(st.integers(0, 10**10), st.just(2 * 10**15), st.just(-(10**9))),  # the last two: too early, too late
)
predictions = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from(["t-1", "é", "x" * 256, "x" * 257, ""]),
        "timestamp": times,
        "country": st.sampled_from(["DE", "FR", "Zürich", "x" * 250, ""]),
        "predicted_fraud_score": st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 1.5, math.nan, math.inf, -0.1])),
        "predicted_fraud": st.sampled_from([None, True, False]),
        "model_version": st.sampled_from(["v1", "v2", ""]),
        "features": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {
                    "amount": st.sampled_from([None, 0.25, 7.0, math.nan, -math.inf]),
                    "country": st.sampled_from([None, "DE", "nowhere"]),
                }
            ),
        ),
    }
)
labels = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from(["t-1", "é"]),
        "actual_fraud": st.sampled_from([None, True, False]),
        "label_time": times,
    }
)


def as_json(record: Record) -> bytes:
    """JSON has no NaN; a number that is too large for a double stands for what is not finite."""
    text = json.dumps(record, ensure_ascii=False)
    return text.replace("-Infinity", "1e999").replace("NaN", "1e999").replace("Infinity", "1e999").encode()


def without_nulls(record: Record) -> Record:
    """As Protobuf has it, where what is not set is not there, but for a truth that is withdrawn."""
    kept = {name: value for name, value in record.items() if value is not None or name == "actual_fraud"}
    return {name: without_nulls(value) if isinstance(value, dict) else value for name, value in kept.items()}


def told(decoded: Decoded) -> object:
    """All that was decoded, comparably."""
    observed = decoded.observed
    return (
        rows(decoded),
        [(bad.record.offset, bad.code) for bad in decoded.bad],
        decoded.greatest_ms,
        observed and ({name: values.tobytes() for name, values in observed.packed.items()}, observed.extras),
    )


def of_json(topic: Topic, fields: ModelFields, records: list[Record]) -> object:
    decoder = Decoder("t", topic, [fields])
    consumed = [Consumed(at, as_json(record)) for at, record in enumerate(records)]
    return told(decoder.decode(consumed, NOW_MS))


def of(its_format: RegistryFormat, topic: Topic, fields: ModelFields, records: list[Record]) -> object:
    values: list[bytes]
    match its_format:
        case "avro":
            version = len(AVRO[topic])
            # A producer may leave out what is null.
            empty = {field["name"]: None for field in AVRO[topic][-1]["fields"]}  # type: ignore[attr-defined]  # a JSON array
            values = [framed(version, avro_bytes(AVRO[topic][-1], for_avro(empty | record))) for record in records]
        case "protobuf":
            index = b"\x00" if topic == "predictions" else b"\x02\x02"  # the first message, or [1]
            values = [framed(1, index + for_proto(CLASSES[topic], r).SerializeToString()) for r in records]
        case "json-schema":
            values = [framed(1, as_json(record)) for record in records]
    return told(decode(topic, fields, its_format, values))


@settings(max_examples=40)
@given(st.lists(predictions, min_size=1, max_size=12))
def test_predictions_say_the_same_in_every_format(records: list[Record]) -> None:
    plain = of_json("predictions", PREDICTIONS, records)
    with_channel = of_json("predictions", PREDICTIONS, [record | {"channel": None} for record in records])
    assert of("json-schema", "predictions", PREDICTIONS, records) == plain
    assert of("avro", "predictions", PREDICTIONS, records) == with_channel
    # Fields of proto3 that do not tell whether they are set are always there.
    bare = [{"amount": 0.0, "merchant": ""} | without_nulls(record) for record in records]
    assert of("protobuf", "predictions", PREDICTIONS, records) == of_json("predictions", PREDICTIONS, bare)


@settings(max_examples=40)
@given(st.lists(labels, min_size=1, max_size=12))
def test_labels_say_the_same_in_every_format(records: list[Record]) -> None:
    plain = of_json("labels", LABELS, records)
    assert of("json-schema", "labels", LABELS, records) == plain
    assert of("avro", "labels", LABELS, records) == plain
    assert of("protobuf", "labels", LABELS, records) == plain


def test_records_of_several_versions_of_a_schema_stand_in_one_topic() -> None:
    old = {
        "transaction_id": "t-1", "timestamp": "2026-11-21T09:59:00+00:00", "amount": 1.0, "merchant": "m",
        "country": "DE", "predicted_fraud_score": 0.25, "predicted_fraud": False, "model_version": "v1",
    }  # fmt: skip
    new = old | {"transaction_id": "t-2", "predicted_fraud": None, "country": "FR", "channel": "web", "features": None}
    values = [framed(1 + n % 2, avro_bytes(AVRO["predictions"][n % 2], for_avro((old, new)[n % 2]))) for n in range(20)]
    decoded = decode("predictions", PREDICTIONS, "avro", values)
    assert decoded.bad == []
    assert decoded.ids == [b"t-1", b"t-2"] * 10
    assert np.array_equal(decoded.score, [0.25] * 20)
    assert [decoded.combos[at] for at in decoded.combo_index[:2]] == [("fraud", "v1", "DE"), ("fraud", "v1", "FR")]
