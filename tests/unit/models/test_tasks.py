"""What predictions and labels of regression and multiclass models say, and how they can be bad."""

from __future__ import annotations

import json
import math

import pytest

from models.codec import Decoder
from models.dead_letter import CODES
from models.errors import ConfigError
from models.mapping import ModelFields
from models.outcome import Task, is_withdrawn
from tests.unit.models.support import EVENT, NOW_MS, codes, consumed, rows, said


def decoder(task: Task, kind: str = "predictions", *, specialising: bool = True) -> Decoder:
    if kind == "labels":
        return Decoder("t", "labels", [ModelFields("m", "labels", task=task)], specialising=specialising)
    return Decoder("t", "predictions", [ModelFields("m", "predictions", task=task)], specialising=specialising)


def prediction(**fields: object) -> dict[str, object]:
    return {"id": "a", "event_time": EVENT} | fields


EVERY_WAY = pytest.mark.parametrize("specialising", [True, False])


@EVERY_WAY
@pytest.mark.parametrize(
    ("task", "fields", "score", "outcome"),
    [
        ("regression", {"prediction": 2}, 2.0, 2.0),
        ("regression", {"prediction": -0.5, "score": "not read"}, -0.5, -0.5),
        ("regression", {"score": 1e15}, 1e15, 1e15),
        ("regression", {"prediction": None, "score": 3}, 3.0, 3.0),
        ("multiclass", {"prediction": "cat", "score": 0.5}, 0.5, "cat"),
        ("multiclass", {"prediction": True}, None, "true"),
        ("multiclass", {"prediction": 3}, None, "3"),
        ("multiclass", {"prediction": 3.0}, None, "3"),
        ("multiclass", {"prediction": "cat", "scores": {"dog": 0.9}}, None, "cat"),
        ("multiclass", {"prediction": "cat", "scores": "not read"}, None, "cat"),
        ("multiclass", {"scores": {"cat": 0.2, "dog": 0.7, "cow": 0.1}}, None, "dog"),
        ("multiclass", {"scores": {"dog": 1, "cat": 1.0}}, None, "cat"),
    ],
)
def test_a_prediction_is_read(
    task: Task, fields: dict[str, object], score: float | None, outcome: object, specialising: bool
) -> None:
    found = decoder(task, specialising=specialising).decode(consumed([prediction(**fields)] * 3), NOW_MS)
    assert [row[3] for row in rows(found)] == [score] * 3
    assert [said(found, at) for at in range(3)] == [outcome] * 3


def test_zero_has_one_sign() -> None:
    found = decoder("regression").decode(consumed([prediction(prediction=-0.0)] * 2), NOW_MS)
    assert [math.copysign(1, x) for x in found.outcome.tolist()] == [1, 1]


@EVERY_WAY
@pytest.mark.parametrize(
    ("task", "code", "fields"),
    [
        ("regression", "missing:score", {}),
        ("regression", "missing:score", {"prediction": None}),
        ("regression", "type", {"prediction": "2.5"}),
        ("regression", "type", {"prediction": True}),
        ("regression", "out_of_range", {"prediction": 1.1e15}),
        ("regression", "out_of_range", {"prediction": -(10**30)}),
        ("multiclass", "missing:score", {"score": 0.5}),
        ("multiclass", "missing:score", {"scores": {}}),
        ("multiclass", "type", {"prediction": 1.5}),
        ("multiclass", "type", {"prediction": ["cat"]}),
        ("multiclass", "type", {"scores": {"cat": "high"}}),
        ("multiclass", "type", {"scores": [0.1, 0.9]}),
        ("multiclass", "out_of_range", {"prediction": "cat", "score": 2}),
    ],
)
def test_a_bad_prediction_has_its_code(task: Task, code: str, fields: dict[str, object], specialising: bool) -> None:
    good = prediction(prediction=1, score=0.5)
    found = decoder(task, specialising=specialising).decode(consumed([good, prediction(**fields), good]), NOW_MS)
    assert codes(found) == [code]
    assert code in CODES
    assert len(found.ids) == 2


@EVERY_WAY
@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_value_that_is_not_finite_is_a_dead_letter(number: str, specialising: bool) -> None:
    good = json.dumps(prediction(prediction=1)).encode()
    found = decoder("regression", specialising=specialising).decode(
        consumed([good, good.replace(b"1}", f"{number}}}".encode()), good]), NOW_MS
    )
    assert codes(found) == ["non_finite"]


@EVERY_WAY
@pytest.mark.parametrize(("task", "truth"), [("regression", -1.0), ("multiclass", "cat")])
def test_null_withdraws_and_minus_one_is_a_value(task: Task, truth: object, specialising: bool) -> None:
    labels = [{"id": "a", "label_time": EVENT, "actual": actual} for actual in (truth, None, truth)]
    found = decoder(task, "labels", specialising=specialising).decode(consumed(labels), NOW_MS)
    assert is_withdrawn(found.outcome).tolist() == [False, True, False]
    assert said(found, 0) == said(found, 2) == truth


def test_models_of_one_topic_have_one_task() -> None:
    models = [ModelFields("a", "labels"), ModelFields("b", "labels", task="regression")]
    with pytest.raises(ConfigError, match="one task, not binary and regression"):
        Decoder("t", "labels", models)
