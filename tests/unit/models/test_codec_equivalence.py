"""The fast decoders read every record exactly as the definition does, one record at a time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from metrics.observer import ModelObserver
from metrics.reference import Categorical, Numeric
from models.batch import Kind
from models.carried import ScoresCarrier, ValueCarrier
from models.codec import Decoder
from models.columns import from_rows
from models.decoded import Decoded
from models.judge import open_record
from models.mapping import ModelFields
from models.outcome import Task
from tests.unit.models.support import EVENT, EVENT_MS, NOW_MS, Consumed, codes, fraud_label, fraud_prediction, rows

TEXTS = st.sampled_from(["", "DE", "é", "😀", "a|b", "x" * 250, "\u0000", "line\nbreak", "true"])
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**30, 10**19, 1_795_255_140, 1_795_255_140_123, 1e300, 0.5, 1.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.just([1, [2]]),
    st.just({"country": "FR", "score": 0.1}),
    st.just({"country": None}),
    st.just({}),
)
TIMES = st.sampled_from([EVENT, "2026-11-21 09:59:00", "2026-11-21T10:59:00.123456+01:00", 1_795_255_140.5, "soon", ""])
GOOD = {
    "id": st.sampled_from(["t-1", "é", "x" * 256, "é" * 128, 17, -5]),
    "time": TIMES,
    "score": st.sampled_from([0, 1, 0.0, 0.25, 0.5, 1.0]),
    "class": st.sampled_from([0, 1, True, False, 2, "fraud", "ok"]),
    "value": st.sampled_from([0, -0.0, 1.5, -7, 1e15, -1e15, 1e-300]),
    "name": st.sampled_from(["cat", "dog", 3, 3.0, "3", True, False, 1, 1.0, "x" * 201]),
    "scores": st.sampled_from([{"cat": 0.25, "dog": 0.75}, {"a": 1, "b": 1.0}, {"x": -3, "y": 1e300}, {}, {"a": "b"}]),
    "text": TEXTS,
    "vector": st.sampled_from([[1, 2.5], [3.0, -4e3], [0, 0], [1], [1e308, 1e308], [1, "x"], "text", [[1, 2]]]),
}
PREDICTION_NAMES = {
    "prediction_id": "id", "transaction_id": "id", "id": "id", "model": "text", "model_version": "text",
    "version": "text", "event_time": "time", "timestamp": "time", "score": "score",
    "predicted_fraud_score": "score", "prediction": "class", "predicted_fraud": "class", "country": "text",
}  # fmt: skip
LABEL_NAMES = {
    "prediction_id": "id", "transaction_id": "id", "actual": "class", "actual_fraud": "class",
    "label": "class", "label_time": "time", "timestamp": "time",
}  # fmt: skip
NUMBER_NAMES = PREDICTION_NAMES | {"prediction": "value", "predicted_fraud": "value", "score": "value"}
NUMBER_LABEL_NAMES = LABEL_NAMES | dict.fromkeys(("actual", "actual_fraud", "label"), "value")
CLASS_NAMES = PREDICTION_NAMES | {"prediction": "name", "predicted_fraud": "name", "scores": "scores"}
CLASS_LABEL_NAMES = LABEL_NAMES | dict.fromkeys(("actual", "actual_fraud", "label"), "name")
TAILS = st.sampled_from([b"", b" ", b"x", b"\xff", b"]" * 70])


# Values by name; every record starts from some that make it good, so that fast decoders come into being.
PREDICTION_BASES: list[dict[str, object]] = [
    fraud_prediction(),
    fraud_prediction(predicted_fraud=..., country=..., features={"country": "FR"}),
    fraud_prediction(predicted_fraud_score=..., predicted_fraud=1, transaction_id=17, timestamp=EVENT_MS),
    {"prediction_id": "p", "event_time": EVENT_MS, "score": 0.5, "model": "DE", "version": 3, "country": True},
    {
        "id": "p",
        "timestamp": EVENT,
        "prediction": "fraud",
        "features": {"score": 0.75, "country": None},
        "model": "a|b",
    },
]
NUMBER_BASES: list[dict[str, object]] = [
    {"id": "p", "timestamp": EVENT, "prediction": 2.5, "model_version": "v1"},
    {"id": "p", "timestamp": EVENT_MS, "prediction": -3, "score": 0.5, "country": "DE"},
    {"id": 5, "timestamp": EVENT_MS, "score": 1e15, "version": 3, "prediction": None},
    {"id": 5, "timestamp": EVENT_MS, "predicted_fraud_score": 7},
]
CLASS_BASES: list[dict[str, object]] = [
    {"id": "p", "timestamp": EVENT, "prediction": "cat", "score": 0.5, "scores": {"cat": 0.5, "dog": 0.5}},
    {"id": "p", "timestamp": EVENT_MS, "prediction": 3, "country": "DE"},
    {"id": "p", "timestamp": EVENT_MS, "prediction": 3.0, "scores": [1, 2]},
    {"id": 5, "timestamp": EVENT_MS, "prediction": True, "score": None},
    {"id": 5, "timestamp": EVENT_MS, "scores": {"cat": 0.25, "dog": 0.75}},
    {"id": 5, "timestamp": EVENT_MS, "prediction": None, "scores": {"b": 1, "a": 1}, "score": 1},
]
NUMBER_LABEL_BASES: list[dict[str, object]] = [
    {"prediction_id": 5, "actual": 2.5},
    {"prediction_id": "p", "actual": None, "label_time": EVENT},
    {"id": "p", "label": -1, "timestamp": EVENT_MS},
]
CLASS_LABEL_BASES: list[dict[str, object]] = [
    {"prediction_id": 5, "actual": "cat"},
    {"prediction_id": 5, "actual": 3},
    {"prediction_id": "p", "actual": None, "label_time": EVENT},
    {"id": "p", "label": True, "timestamp": EVENT_MS},
]
LABEL_BASES: list[dict[str, object]] = [
    fraud_label(),
    fraud_label(actual_fraud=None, label_time=..., timestamp=EVENT_MS),
    {"prediction_id": 5, "actual": True},
    {"id": "p", "label": "fraud", "label_time": None},
]


@st.composite
def variations(draw: st.DrawFn, base: dict[str, object], names: dict[str, str]) -> dict[str, object]:
    """The record with a few fields gone, added or given another value, good or odd."""
    record = dict(base)
    for name in draw(st.lists(st.sampled_from([*names, "features"]), max_size=3)):
        good = GOOD[names[name]] if name in names else st.just({"country": "DE", "score": 1})
        record[name] = draw(st.one_of(good, good, ODD, st.just(...)))
    return {name: value for name, value in record.items() if value is not ...}


def before(record: bytes, field: bytes) -> bytes:
    """The record with one more field at its front."""
    return b"{" + field + (b"}" if record == b"{}" else b"," + record[1:])


def after(record: bytes, field: bytes) -> bytes:
    """The record with one more field at its end."""
    return (b"{" if record == b"{}" else record[:-1] + b",") + field + b"}"


NUMBERS = st.sampled_from([b"NaN", b"Infinity", b"1e999", b"-0", b"01", b"9" * 30, b"9" * 5000])
SKIPPED = st.sampled_from([b"1e999", b'"\xff"', b'"\\ud800"', b'"\\q"', b'"\x01"', b"NaN", b"9" * 5000, b"9" * 400])
NO_RECORDS = st.sampled_from([b"", b"  ", b"[]", b"1", b"null", b'"a"', b"\xef\xbb\xbf{}", b"\xff", b"x" * 3000, None])


def damaged(draw: st.DrawFn, fields: dict[str, object]) -> bytes | None:
    record = json.dumps(fields, ensure_ascii=draw(st.booleans())).encode()
    depth = draw(st.sampled_from([60, 62, 63, 64, 65, 1024, 3000]))
    ways: dict[str, Callable[[], bytes | None]] = {
        "whole": lambda: record,
        "cut": lambda: record[: draw(st.integers(0, len(record)))],
        "tail": lambda: record + draw(TAILS),
        "deep": lambda: before(record, b'"deep":' + b"[" * depth + b"]" * depth),
        "wide": lambda: before(record, b'"wide":"' + b"[{" * 40 + b'"'),
        "twice": lambda: record[:-1] + b"," + record[1:] if fields else record,
        "number": lambda: after(record, b'"score":' + draw(NUMBERS)),
        "skipped": lambda: before(record, b'"skipped":' + draw(SKIPPED)),
        "other": lambda: draw(NO_RECORDS),
    }
    return ways[draw(st.sampled_from(["whole", *ways]))]()


@st.composite
def chunks(draw: st.DrawFn, bases: list[dict[str, object]], names: dict[str, str]) -> list[bytes | None]:
    """Runs of alike good records, each followed by odd relatives: decoders are made, kept, refused."""
    values: list[bytes | None] = []
    for base in draw(st.lists(st.sampled_from(bases), min_size=1, max_size=4)):
        values += [json.dumps(base).encode()] * draw(st.sampled_from([1, 3, 10]))
        for _ in range(draw(st.integers(0, 4))):
            values.append(damaged(draw, draw(variations(base, names))))
    return values


def watched(decoded: Decoded) -> dict[object, object]:
    """What was packed of each record, where anything was, and the errors; and what it carries."""
    if decoded.class_scores is not None:  # packed by codes in the order of their names
        decoded = decoded.coded(np.arange(len(decoded.classes)), len(decoded.classes))
    observed, carried = decoded.observed, decoded.carried
    kept: dict[object, object] = {} if carried is None else {"carried": (carried.dtype, carried.tobytes())}
    if observed is None:
        return kept
    packed: dict[object, object] = {
        (name, at): one.tobytes()
        for name, values in observed.packed.items()
        for at, one in enumerate(values)
        if any(one.tobytes())
    }
    return packed | kept | {("error", at): error for at, error in observed.errors.items()}


def agree(kind: str, models: list[ModelFields], values: list[bytes | None]) -> None:
    assert kind in {"predictions", "labels"}
    both = [
        Decoder("t", "labels" if kind == "labels" else "predictions", models, 2_000_000, specialising=fast)
        for fast in (True, False)
    ]
    records = [Consumed(at, value) for at, value in enumerate(values)]
    for _ in range(2):  # the second time with the decoders that the first has made
        fast, slow = (decoder.decode(records, NOW_MS) for decoder in both)
        assert rows(fast) == rows(slow)
        assert [(bad.record, bad.code) for bad in fast.bad] == [(bad.record, bad.code) for bad in slow.bad]
        assert fast.greatest_ms == slow.greatest_ms
        assert watched(fast) == watched(slow)
        assert len(fast.ids) + len(fast.bad) == len(records)


@pytest.mark.parametrize("positive", [1, True, "fraud"])
@settings(max_examples=100, deadline=None)
@given(values=chunks(PREDICTION_BASES, PREDICTION_NAMES))
def test_fast_predictions_agree_with_the_definition(values: list[bytes | None], positive: int | str | bool) -> None:
    fields = ModelFields("*", "predictions", segments=("country",), positive_class=positive)
    agree("predictions", [fields], values)


@settings(max_examples=100, deadline=None)
@given(values=chunks(PREDICTION_BASES, PREDICTION_NAMES))
def test_fast_predictions_of_several_models_agree_with_the_definition(values: list[bytes | None]) -> None:
    models = [
        ModelFields("DE", "predictions", segments=("country", "version"), threshold=0.1),
        ModelFields("a|b", "predictions", fields={"score": "features.score"}),
        ModelFields("*", "predictions", fields={"version": "features.country"}),
    ]
    agree("predictions", models, values)


@settings(max_examples=100, deadline=None)
@given(values=chunks(PREDICTION_BASES, PREDICTION_NAMES))
def test_fast_predictions_of_one_unnamed_model_agree_with_the_definition(values: list[bytes | None]) -> None:
    agree("predictions", [ModelFields("fraud", "predictions", fields={"model": "nowhere"})], values)


@pytest.mark.parametrize("positive", [1, True, "fraud"])
@settings(max_examples=100, deadline=None)
@given(values=chunks(LABEL_BASES, LABEL_NAMES))
def test_fast_labels_agree_with_the_definition(values: list[bytes | None], positive: int | str | bool) -> None:
    agree("labels", [ModelFields("fraud", "labels", positive_class=positive)], values)


def of(kind: Kind, task: Task) -> list[ModelFields]:
    return [ModelFields("m", kind, segments=("country",) if kind == "predictions" else (), task=task)]


@pytest.mark.parametrize(
    ("kind", "task", "bases"),
    [
        ("predictions", "regression", NUMBER_BASES),
        ("predictions", "multiclass", CLASS_BASES),
        ("labels", "regression", NUMBER_LABEL_BASES),
        ("labels", "multiclass", CLASS_LABEL_BASES),
    ],
)
def test_there_is_a_fast_decoder_for_every_way_to_say_it(
    kind: Kind, task: Task, bases: list[dict[str, object]]
) -> None:
    for base in bases:
        decoder = Decoder("t", kind, of(kind, task))
        records = [Consumed(at, json.dumps(base).encode()) for at in range(20)]
        with mock.patch("models.codec.from_rows", wraps=from_rows) as one_by_one:
            found = [decoder.decode(records, NOW_MS) for _ in range(2)]
        assert [len(each.ids) for each in found] == [20, 20]
        assert one_by_one.call_count == 1  # the first record of all


@settings(max_examples=100, deadline=None)
@given(values=chunks(NUMBER_BASES, NUMBER_NAMES))
def test_fast_predictions_of_numbers_agree_with_the_definition(values: list[bytes | None]) -> None:
    agree("predictions", of("predictions", "regression"), values)


@settings(max_examples=100, deadline=None)
@given(values=chunks(CLASS_BASES, CLASS_NAMES))
def test_fast_predictions_of_classes_agree_with_the_definition(values: list[bytes | None]) -> None:
    agree("predictions", of("predictions", "multiclass"), values)


@settings(max_examples=100, deadline=None)
@given(values=chunks(CLASS_BASES, CLASS_NAMES))
def test_fast_scores_of_classes_agree_with_the_definition(values: list[bytes | None]) -> None:
    carrier = ScoresCarrier((("scores",), ("features",)), 3)
    carrying = [ModelFields("DE", "predictions", segments=("country",), carrier=carrier, task="multiclass")]
    agree("predictions", [*carrying, *of("predictions", "multiclass")], values)


@settings(max_examples=50, deadline=None)
@given(values=chunks(NUMBER_LABEL_BASES, NUMBER_LABEL_NAMES))
def test_fast_labels_of_numbers_agree_with_the_definition(values: list[bytes | None]) -> None:
    agree("labels", of("labels", "regression"), values)


@settings(max_examples=50, deadline=None)
@given(values=chunks(CLASS_LABEL_BASES, CLASS_LABEL_NAMES))
def test_fast_labels_of_classes_agree_with_the_definition(values: list[bytes | None]) -> None:
    agree("labels", of("labels", "multiclass"), values)


FEATURES = (
    ("amount", Numeric(edges=[0.5], counts=[0] * 6, mean=1.0, std=2.0, min=0, max=1, quartiles=(0, 0.5, 1))),
    ("country", Categorical(categories=["DE", "7", "true"], counts=[0] * 8)),
)
OWN = ((("latency_ms",), ("latency_seconds",)), (("status",),), (("error_type",),))
TOLD = (("resources", "cpu_ratio"),), (("queue",),)
FEATURE_PATHS = tuple((("features", name), ("input", name), (name,)) for name, _ in FEATURES)
CONTAINERS = (("features",), ("input",))
OBSERVER = ModelObserver((*OWN, *TOLD, *FEATURE_PATHS), FEATURES, ("cpu_ratio", "queue_depth"), CONTAINERS)
WATCHED_BASES: list[dict[str, object]] = [
    {**fraud_prediction(), "latency_ms": 12.5, "status": "success", "features": {"amount": 3, "country": "DE"}},
    {**fraud_prediction(), "latency_seconds": 1, "features": {"country": 7}},
    {**fraud_prediction(country=...), "input": {"amount": 0.25}, "status": "error", "error_type": "timeout"},
    {"id": "p", "timestamp": EVENT, "status": "error", "amount": 1},
    {**fraud_prediction(country="FR"), "amount": 1, "features": {"amount": 3, "country": "DE"}},
    {**fraud_prediction(country=...), "features": {"amount": 0.5, "country": True}},
    {**fraud_prediction(), "resources": {"cpu_ratio": 0.5, "gpu_ratio": 1}, "queue": 3},
    {**fraud_prediction(), "latency_ms": 1, "resources": {"cpu_ratio": "high"}, "features": {"amount": 1}},
]
WATCHED_NAMES = PREDICTION_NAMES | dict.fromkeys(
    ("latency_ms", "latency_seconds", "status", "error_type", "amount", "input", "queue", "resources"), "text"
)


@settings(max_examples=200, deadline=None)
@given(values=chunks(WATCHED_BASES, WATCHED_NAMES))
def test_fast_watched_values_agree_with_the_definition(values: list[bytes | None]) -> None:
    agree("predictions", [ModelFields("fraud", "predictions", segments=("country",), observer=OBSERVER)], values)


EMBEDDING = replace(OBSERVER, paths=(*OBSERVER.paths, (("embedding",),)), dimension=2)
VECTORS: list[object] = [
    [1, 2.5], [3.0, -4e3], [0, 0], [1], [1e308, 1e308], [1, "x"], [True, 1], "text", None, {}, [[1, 2]], 7,
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    values=chunks([base | {"embedding": [0.5, 1]} for base in WATCHED_BASES], WATCHED_NAMES | {"embedding": "vector"})
)
def test_fast_embeddings_agree_with_the_definition(values: list[bytes | None]) -> None:
    agree("predictions", [ModelFields("fraud", "predictions", segments=("country",), observer=EMBEDDING)], values)


def test_records_with_and_without_embeddings_are_of_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = mock.Mock(side_effect=open_record)
    monkeypatch.setattr("models.codec.open_record", judged)
    base = {**fraud_prediction(), "latency_ms": 1}
    values = [json.dumps(base | {"embedding": one}).encode() for one in VECTORS] + [json.dumps(base).encode()]
    fields = ModelFields("fraud", "predictions", observer=EMBEDDING)
    decoded = Decoder("t", "predictions", [fields]).decode([Consumed(*one) for one in enumerate(values)], NOW_MS)
    assert decoded.observed is not None
    assert judged.call_count == 1
    seen = EMBEDDING.unpack(decoded.observed.packed[EMBEDDING.name], np.arange(len(values)))
    assert seen["embedding_state"].tolist() == [1, 1, 2, 2, 1, 2, 2, 2, 0, 2, 2, 2, 0]


CARRIER = ValueCarrier((("value",), ("features", "amount"), ("revenue",)))
CARRIED_BASES: list[dict[str, object]] = [
    *WATCHED_BASES,
    {**fraud_prediction(), "value": 12.5, "revenue": 3},
    {**fraud_prediction(), "revenue": -3, "latency_ms": 5},
    {**fraud_prediction(), "value": None, "features": {"amount": 0.25}},
    {**fraud_prediction(model="plain"), "value": 7},
]
CARRIED_NAMES = WATCHED_NAMES | dict.fromkeys(("value", "revenue"), "value")


@pytest.mark.parametrize("observer", [None, OBSERVER])
@settings(max_examples=100, deadline=None)
@given(values=chunks(CARRIED_BASES, CARRIED_NAMES))
def test_fast_carried_values_agree_with_the_definition(
    values: list[bytes | None], observer: ModelObserver | None
) -> None:
    models = [
        ModelFields("*", "predictions", segments=("country",), observer=observer, carrier=CARRIER),
        ModelFields("plain", "predictions"),
    ]
    agree("predictions", models, values)


@pytest.mark.parametrize("base", WATCHED_BASES)
def test_no_record_that_keeps_coming_is_read_one_by_one(
    base: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[bytes | None] = []

    def counting(value: bytes | None, record_bytes_max: int) -> dict[str, Raw]:
        judged.append(value)
        return open_record(value, record_bytes_max)

    monkeypatch.setattr("models.codec.open_record", counting)
    fields = ModelFields("fraud", "predictions", segments=("country",), observer=OBSERVER)
    value = json.dumps({**base, "predicted_fraud_score": 0.5}).encode()
    decoded = Decoder("t", "predictions", [fields]).decode([Consumed(at, value) for at in range(50)], NOW_MS)
    assert len(decoded.ids) == 50
    assert len(judged) == 1


SEGMENTED = [
    ModelFields("*", "predictions", segments=("country",)),
    ModelFields("strict", "predictions", threshold=0.9),
]


@pytest.mark.parametrize(
    ("base", "relative"),
    [
        ({"model_version": "v1"}, {"model_version": ..., "version": "v2"}),
        ({"model_version": "v1"}, {"model_version": None, "version": "v2"}),
        ({"country": "DE"}, {"country": ..., "features": {"country": "FR"}}),
        ({"country": "DE"}, {"country": ..., "input": {"country": "FR"}}),
        ({"country": ...}, {"input": {"country": "FR"}}),
        ({"country": ..., "features": {"country": "FR"}}, {"country": "DE"}),
        ({"country": ..., "features": {"country": "FR"}}, {"country": ..., "features": {}}),
        ({"country": ..., "features": {"country": "FR"}}, {"country": ...}),
        ({"predicted_fraud": ...}, {"model": "strict", "predicted_fraud": ..., "predicted_fraud_score": 0.6}),
        ({"transaction_id": 17}, {"transaction_id": 10**30}),
        ({"transaction_id": 17}, {"transaction_id": 2**64 - 1}),
        ({"transaction_id": 17}, {"transaction_id": -(2**63) - 1}),
        ({"timestamp": 1_795_255_140}, {"timestamp": 1_795_255_140.25}),
        ({"timestamp": 1_795_255_140}, {"timestamp": 10**30}),
        ({"predicted_fraud": True}, {"predicted_fraud": 10**30}),
        ({"predicted_fraud": None}, {"predicted_fraud": True}),
    ],
)
def test_a_relative_that_a_decoder_could_mistake_is_read_as_defined(
    base: dict[str, object], relative: dict[str, object]
) -> None:
    first, second = (
        json.dumps(fraud_prediction(**({"model": "m", "predicted_fraud_score": 0.6} | fields))).encode()
        for fields in (base, relative)
    )
    agree("predictions", SEGMENTED, [*[first] * 10, second, first, second, second])


def test_a_chunk_with_a_tenth_of_bad_records_keeps_the_order_of_the_good_ones() -> None:
    chance = random.Random(5)
    good = [json.dumps(fraud_prediction(transaction_id=f"t-{at}")).encode() for at in range(2000)]
    values = [b'{"transaction_id":' if chance.random() < 0.1 else value for value in good]
    decoder = Decoder("t", "predictions", [ModelFields("fraud", "predictions")])
    decoded = decoder.decode([Consumed(at, value) for at, value in enumerate(values)], NOW_MS)
    assert decoded.offsets.tolist() == [at for at, value in enumerate(values) if value is good[at]]
    assert decoded.ids == [f"t-{at}".encode() for at in decoded.offsets.tolist()]
    assert codes(decoded) == ["json"] * (2000 - len(decoded.ids))
