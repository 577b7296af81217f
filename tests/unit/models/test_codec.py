"""What records say, and every way in which one can be bad."""

from __future__ import annotations

import json

import pytest

from models.codec import Decoder
from models.dead_letter import CODES
from models.mapping import ModelFields
from tests.unit.models.support import (
    EVENT_MS,
    NOW_MS,
    Consumed,
    codes,
    consumed,
    fraud_label,
    fraud_prediction,
    labels,
    predictions,
    rows,
)

EVERY_WAY = pytest.mark.parametrize("specialising", [True, False])


def bad_codes(decoder: Decoder, value: bytes | dict[str, object] | None) -> list[str]:
    """The codes of one odd record among good ones, which must all get through."""
    good = fraud_prediction() if decoder.kind == "predictions" else fraud_label()
    records = consumed([good, good, value, good])
    decoded = decoder.decode(records, NOW_MS)
    assert len(decoded.ids) + len(decoded.bad) == 4
    assert decoded.ids[:2] == [b"t-1", b"t-1"]
    assert all(bad.record is records[2] for bad in decoded.bad)
    return codes(decoded)


def raw(**changed: str) -> bytes:
    """The fraud prediction with some values replaced by JSON text."""
    text = json.dumps(fraud_prediction(**{key: f"@{key}@" for key in changed}))
    for key, value in changed.items():
        text = text.replace(f'"@{key}@"', value)
    return text.encode()


@EVERY_WAY
def test_the_fraud_example_is_read_without_any_configuration(specialising: bool) -> None:
    decoded = predictions(specialising=specialising).decode(consumed([fraud_prediction()]), NOW_MS)
    assert rows(decoded) == [(b"t-1", 100, EVENT_MS, 0.25, 0, ("fraud", "rf_v2"))]
    truth = labels(specialising=specialising).decode(consumed([fraud_label()]), NOW_MS)
    assert rows(truth) == [(b"t-1", 100, EVENT_MS, None, 1, ())]
    assert decoded.greatest_ms == truth.greatest_ms == EVENT_MS


BAD_PREDICTIONS: list[tuple[str, bytes | dict[str, object] | None]] = [
    ("timestamp_future", fraud_prediction(timestamp="9999-12-31T00:00:00Z")),
    ("timestamp_future", fraud_prediction(timestamp=NOW_MS + 300_001)),
    ("timestamp_invalid", fraud_prediction(timestamp="yesterday")),
    ("timestamp_invalid", fraud_prediction(timestamp=-1)),
    ("timestamp_invalid", fraud_prediction(timestamp=0)),
    ("timestamp_invalid", fraud_prediction(timestamp=253_402_300_799)),
    ("too_large", b'{"transaction_id":"' + b"x" * 3000 + b'"}'),
    ("depth", b'{"a":' * 65 + b"1" + b"}" * 65),
    ("depth", b'{"transaction_id":"t","a":' + b"[" * 1024 + b"]" * 1024 + b"}"),
    ("depth", b"[" * 1500),
    ("non_finite", raw(predicted_fraud_score="NaN")),
    ("non_finite", raw(predicted_fraud_score="-Infinity")),
    ("non_finite", raw(amount="NaN")),
    ("non_finite", raw(predicted_fraud_score="1e999")),
    ("out_of_range", raw(predicted_fraud_score="1" * 30)),
    ("out_of_range", raw(predicted_fraud_score="1" * 400)),
    ("out_of_range", fraud_prediction(predicted_fraud_score=1.5)),
    ("out_of_range", fraud_prediction(predicted_fraud_score=-0.001)),
    ("out_of_range", raw(transaction_id="9" * 30)),
    ("type", raw(transaction_id="1.5")),
    ("type", fraud_prediction(transaction_id=True)),
    ("type", fraud_prediction(transaction_id=["a"])),
    ("type", fraud_prediction(predicted_fraud_score="0.5")),
    ("type", fraud_prediction(predicted_fraud_score=True)),
    ("type", fraud_prediction(predicted_fraud="fraud")),
    ("type", fraud_prediction(predicted_fraud=1.0)),
    ("type", fraud_prediction(model_version=1.5)),
    ("type", fraud_prediction(timestamp=True)),
    ("type", b"[]"),
    ("type", b"17"),
    ("encoding", b'{"transaction_id":"\xff"}'),
    ("encoding", b'{"unread":"\xff",' + json.dumps(fraud_prediction()).encode()[1:]),
    ("encoding", b"\xef\xbb\xbf" + json.dumps(fraud_prediction()).encode()),
    ("encoding", raw(merchant='"\\ud800"')),
    ("encoding", raw(merchant='"\\udc00 and more"')),
    ("empty", b""),
    ("empty", b" \n"),
    ("tombstone", None),
    ("json", b'{"transaction_id":'),
    ("json", b"{}{}"),
    ("json", b'{"merchant":"NaN"'),
    ("missing:id", fraud_prediction(transaction_id=...)),
    ("missing:id", fraud_prediction(transaction_id=None)),
    ("missing:id", fraud_prediction(transaction_id="")),
    ("missing:event_time", fraud_prediction(timestamp=...)),
    ("missing:event_time", fraud_prediction(timestamp=None)),
    ("missing:score", fraud_prediction(predicted_fraud_score=..., predicted_fraud=...)),
    ("missing:score", fraud_prediction(predicted_fraud_score=None, predicted_fraud=None)),
    ("model_unknown", fraud_prediction(model="churn")),
    ("model_unknown", fraud_prediction(model="*")),
    ("type", fraud_prediction(model=7)),
    ("id_too_long", fraud_prediction(transaction_id="x" * 257)),
    ("id_too_long", fraud_prediction(transaction_id="é" * 129)),
]


@EVERY_WAY
@pytest.mark.parametrize(("code", "value"), BAD_PREDICTIONS, ids=lambda value: str(value)[:40])
def test_a_bad_prediction_has_its_code(code: str, value: bytes | dict[str, object] | None, specialising: bool) -> None:
    assert bad_codes(predictions(record_bytes_max=2_500, specialising=specialising), value) == [code]
    assert code in CODES


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("missing:actual", fraud_label(actual_fraud=...)),
        ("type", fraud_label(actual_fraud="yes")),
        ("timestamp_invalid", fraud_label(label_time="")),
        ("missing:id", fraud_label(transaction_id=...)),
    ],
)
def test_a_bad_label_has_its_code(code: str, value: dict[str, object]) -> None:
    assert bad_codes(labels(), value) == [code]


@pytest.mark.parametrize(
    "value",
    [
        fraud_prediction(transaction_id="x" * 256),
        fraud_prediction(transaction_id=2**64 - 1),
        b'{"a":' * 63 + b"1" + b"}" * 63 + b"x",
        raw(amount="1e999"),
        raw(merchant='"\\ud83d\\ude00 [[[ \\\\ud800"'),
        fraud_prediction(nested=[[[[1]]]], brackets="[{" * 100),
        fraud_prediction(timestamp=NOW_MS + 300_000),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_stands_just_within_the_rules_is_good_unless_it_is_not_json(value: bytes | dict[str, object]) -> None:
    expected = ["json"] if isinstance(value, bytes) and value.endswith(b"x") else []
    assert bad_codes(predictions(), value) == expected


def test_a_hundred_thousand_brackets_do_no_harm() -> None:
    assert bad_codes(predictions(), b'{"transaction_id":"t","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}") == ["depth"]


def test_ten_thousand_bad_records_in_a_row_leave_the_good_ones_alone() -> None:
    values: list[bytes | dict[str, object] | None] = [fraud_prediction(), *[b"{"] * 10_000, fraud_prediction()]
    decoded = predictions().decode(consumed(values), NOW_MS)
    assert decoded.offsets.tolist() == [100, 10_101]
    assert codes(decoded) == ["json"] * 10_000


@EVERY_WAY
def test_the_canonical_name_counts_before_its_aliases_and_the_last_of_equal_keys(specialising: bool) -> None:
    values: list[bytes | dict[str, object] | None] = [
        *[fraud_prediction()] * 20,
        fraud_prediction(prediction_id="p", score=0.75, event_time=NOW_MS, version="old"),
        b'{"predicted_fraud_score":"text",' + json.dumps(fraud_prediction()).encode()[1:],
    ]
    decoded = predictions(specialising=specialising).decode(consumed(values), NOW_MS)
    assert rows(decoded)[20] == (b"p", 120, NOW_MS, 0.75, 0, ("fraud", "rf_v2"))
    assert rows(decoded)[21][3] == 0.25


def test_a_configured_field_replaces_the_defaults_of_its_meaning() -> None:
    entry = ModelFields("fraud", "predictions", fields={"score": "payload.score", "id": "key"})
    deep = fraud_prediction(key=17, payload={"score": 0.5}, predicted_fraud=...)
    flat = fraud_prediction(key="k", predicted_fraud=...)
    decoded = predictions(entry).decode(consumed([deep, flat]), NOW_MS)
    assert rows(decoded) == [(b"17", 100, EVENT_MS, 0.5, 1, ("fraud", "rf_v2"))]
    assert codes(decoded) == ["missing:score"]


def test_a_score_alone_is_decided_by_the_threshold() -> None:
    entry = ModelFields("fraud", "predictions", threshold=0.25)
    scores = [0, 0.249, 0.25, 1]
    values = [fraud_prediction(predicted_fraud=..., predicted_fraud_score=score) for score in scores]
    decoded = predictions(entry).decode(consumed(values), NOW_MS)
    assert decoded.outcome.tolist() == [0, 0, 1, 1]


def test_a_prediction_without_a_score_has_none() -> None:
    decoded = predictions().decode(consumed([fraud_prediction(predicted_fraud_score=...)]), NOW_MS)
    assert rows(decoded)[0][3:5] == (None, 0)


@pytest.mark.parametrize(
    ("positive", "values", "outcomes", "refused"),
    [
        (1, [1, 0, True, False, 7, "1"], [1, 0, 1, 0, 0], 1),
        (0, [1, 0, True, False], [0, 1, 0, 1], 0),
        (True, [True, False, 1, 0, 2], [1, 0, 1, 0], 1),
        ("fraud", ["fraud", "ok", "", True], [1, 0, 0], 1),
    ],
)
@EVERY_WAY
def test_classes_are_compared_with_the_positive_class_in_its_kind(
    positive: int | str | bool, values: list[object], outcomes: list[int], refused: int, specialising: bool
) -> None:
    entry = ModelFields("fraud", "labels", positive_class=positive)
    decoded = labels(entry, specialising=specialising).decode(
        consumed([fraud_label(actual_fraud=value) for value in values]), NOW_MS
    )
    assert decoded.outcome.tolist() == outcomes
    assert codes(decoded) == ["type"] * refused


def test_a_null_truth_withdraws_the_label() -> None:
    decoded = labels().decode(consumed([fraud_label(), fraud_label(actual_fraud=None)]), NOW_MS)
    assert decoded.outcome.tolist() == [1, -1]


def test_a_label_without_a_time_has_that_of_kafka() -> None:
    values = [
        fraud_label(label_time=...),
        fraud_label(label_time=None),
        fraud_label(label_time=..., timestamp=EVENT_MS),
    ]
    records = consumed(values)
    decoded = labels().decode(records, NOW_MS)
    assert decoded.time_ms.tolist() == [records[0].timestamp, records[1].timestamp, EVENT_MS]


def test_segments_stand_at_the_top_level_or_in_the_features_or_are_empty() -> None:
    entry = ModelFields("fraud", "predictions", segments=("country", "vip"))
    values = [
        fraud_prediction(vip=True),
        fraud_prediction(country=..., features={"country": "FR", "vip": 3}),
        fraud_prediction(country=None, vip=...),
        fraud_prediction(country="x" * 300, model_version=...),
    ]
    decoded = predictions(entry).decode(consumed(values), NOW_MS)
    assert [row[5] for row in rows(decoded)] == [
        ("fraud", "rf_v2", "DE", "true"),
        ("fraud", "rf_v2", "FR", "3"),
        ("fraud", "rf_v2", "", ""),
        ("fraud", "", "x" * 200, ""),
    ]


def test_one_and_true_are_different_segment_values() -> None:
    entry = ModelFields("fraud", "predictions", segments=("vip",))
    values = [fraud_prediction(vip=value) for value in [1, True, "1", 1, True]]
    decoded = predictions(entry).decode(consumed(values), NOW_MS)
    assert [row[5] for row in rows(decoded)] == [("fraud", "rf_v2", text) for text in ["1", "true", "1", "1", "true"]]


def test_the_model_field_chooses_among_the_models_of_a_topic() -> None:
    entries = [
        ModelFields("fraud", "predictions"),
        ModelFields("churn", "predictions", fields={"score": "churn_score"}, segments=("country",)),
    ]
    values = [
        fraud_prediction(model="fraud"),
        fraud_prediction(model="churn", churn_score=0.5),
        fraud_prediction(model="other"),
        fraud_prediction(),
    ]
    decoded = predictions(*entries).decode(consumed(values), NOW_MS)
    assert [row[3:6:2] for row in rows(decoded)] == [(0.25, ("fraud", "rf_v2")), (0.5, ("churn", "rf_v2", "DE"))]
    assert codes(decoded) == ["model_unknown", "missing:model"]


def test_the_star_takes_every_model_that_has_a_name() -> None:
    values = [fraud_prediction(model=name) for name in ["a", "b|c", "", "x" * 200, "x" * 201]] + [fraud_prediction()]
    decoded = predictions(ModelFields("*", "predictions")).decode(consumed(values), NOW_MS)
    assert [row[5] for row in rows(decoded)] == [(name, "rf_v2") for name in ["a", "b|c", "x" * 200]]
    assert codes(decoded) == ["model_unknown", "model_unknown", "missing:model"]


def test_a_label_is_read_by_the_first_model_that_can() -> None:
    entries = [ModelFields("fraud", "labels"), ModelFields("churn", "labels", fields={"id": "user", "actual": "left"})]
    values: list[bytes | dict[str, object] | None] = [
        fraud_label(),
        {"user": "u", "left": 0, "label_time": EVENT_MS},
        {"user": "u"},
    ]
    decoded = labels(*entries).decode(consumed(values), NOW_MS)
    assert [row[0] for row in rows(decoded)] == [b"t-1", b"u"]
    assert codes(decoded) == ["missing:id"]


def test_messages_hold_nothing_of_what_the_record_says() -> None:
    for _, value in BAD_PREDICTIONS:
        secret = json.dumps(value).replace("t-1", "sesame").encode() if isinstance(value, dict) else value
        decoded = predictions().decode([Consumed(1, secret)], NOW_MS)
        assert all("sesame" not in bad.message and "yesterday" not in bad.message for bad in decoded.bad)


def test_an_empty_chunk_and_a_chunk_of_bad_records_have_empty_columns() -> None:
    chunks: list[list[bytes | dict[str, object] | None]] = [[], [None, b"x"]]
    for values in chunks:
        decoded = predictions().decode(consumed(values), NOW_MS)
        assert (decoded.ids, decoded.combos, len(decoded.time_ms), len(decoded.bad)) == ([], [], 0, len(values))


def test_a_new_shape_that_keeps_coming_gets_a_decoder_of_its_own() -> None:
    decoder = predictions()
    other = {"prediction_id": "p", "event_time": EVENT_MS, "score": 0.5}
    decoder.decode(consumed([fraud_prediction(), *[other] * 50]), NOW_MS)
    shapes = {tuple(made.shape.places) for made in decoder._decoders}
    assert len(shapes) == 2
    decoder.decode(consumed([fraud_prediction(), other] * 20), NOW_MS)
    assert {tuple(made.shape.places) for made in decoder._decoders} == shapes


def test_records_of_ever_changing_shape_do_not_make_decoders_without_end() -> None:
    decoder = predictions(ModelFields("*", "predictions", segments=tuple(f"s{bit}" for bit in range(8))))
    for mask in range(256):
        extra = {f"s{bit}": 1 if mask >> bit & 1 else "a" for bit in range(8)}
        decoded = decoder.decode(consumed([fraud_prediction(model="m", **extra)] * 12), NOW_MS)
        assert len(decoded.ids) == 12
    assert len(decoder._decoders) <= 3
    assert decoder._left_to_compile == 0
