"""A model without a baseline carries nothing of what a baseline is for; what that saves is for the bench to tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from metrics.inputs import Inputs
from metrics.scores import ScorePart
from models.codec import Decoder
from models.outcome import Task
from runtime.files import FileRecord
from runtime.model_plan import model_fields, model_plan
from runtime.settings import ModelSettings, Settings
from runtime.watch_plan import watch
from tables.watchers import concept_watch

NOW_MS = 1_763_719_200_000
BASELINE = {
    "schema": "hindcast.baseline/1",
    "records": 100,
    "features": {
        "amount": {
            "type": "numeric",
            "edges": [0, 5],
            "counts": [0, 0, 0, 0, 0, 100, 0],
            "mean": 2,
            "std": 1,
            "min": 0,
            "max": 5,
            "quartiles": [1, 2, 3],
        }
    },
    "scores": {"predicted_negatives": [50, 0], "predicted_positives": [0, 50]},
}
RECORD = {
    "id": "r",
    "event_time": NOW_MS,
    "score": 0.7,
    "prediction": 1,
    "features": {"amount": 3.5, "country": "DE"},
    "more": {"of": ["no", "interest"]},
}


def settings(task: Task = "binary", **model: object) -> ModelSettings:
    given = {"task": task, "predictions": {"topic": "p"}, **model}
    return Settings.model_validate({"models": {"m": given}}).models["m"]


@pytest.fixture
def with_baseline(tmp_path: Path) -> ModelSettings:
    path = tmp_path / "baseline.json"
    path.write_bytes(orjson.dumps(BASELINE))
    return settings(baseline=str(path))


def decoded(model: ModelSettings, **others: object) -> tuple[Any, Decoder]:
    """A chunk of records of one shape, and the decoder that has learned it."""
    decoder = Decoder("p", "predictions", [model_fields("m", model, "predictions")])
    value = {**RECORD, **others}
    records = [FileRecord(at, orjson.dumps({**value, "id": f"r-{at}"})) for at in range(50)]
    decoder.decode(records[:25], NOW_MS)
    return decoder.decode(records[25:], NOW_MS), decoder


def values_read(decoder: Decoder) -> set[str]:
    """Names of the values that the learned shape takes out of a record."""
    (learned,) = decoder._decoders
    read = zip(learned.shape.profile.fields, learned.shape.places, strict=True)
    return {field.paths[place.at][-1] for field, place in read if place.at >= 0}


def test_no_bytes_are_packed_and_no_feature_is_read() -> None:
    found, decoder = decoded(settings())
    assert found.ids == [f"r-{at}".encode() for at in range(25, 50)]
    assert found.observed is None
    assert values_read(decoder) == {"id", "event_time", "score", "prediction"}


def test_with_a_baseline_they_are(with_baseline: ModelSettings) -> None:
    found, decoder = decoded(with_baseline)
    assert [len(packed) for packed in found.observed.packed.values()] == [25]
    assert values_read(decoder) == {"id", "event_time", "score", "prediction", "amount"}


def test_what_records_tell_of_their_serving_is_packed_without_any_feature() -> None:
    found, decoder = decoded(settings(), latency_ms=12.5)
    observer = watch(settings()).observer
    assert [packed.dtype.itemsize for packed in found.observed.packed.values()] == [observer.itemsize]
    assert (observer.features, observer.dtype["codes"].itemsize) == ((), 0)
    assert "latency_ms" in values_read(decoder)
    assert "amount" not in values_read(decoder)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_window_has_no_part_for_inputs_or_scores_and_a_record_no_field(task: Task) -> None:
    plan = model_plan("m", settings(task))
    assert [part for part in plan.whole.parts if isinstance(part, Inputs | ScorePart)] == []
    assert plan.watch is not None
    assert not plan.watch.always
    assert (plan.spans, plan.reference_errors, concept_watch(plan, "")) == ((), None, None)


def test_all_such_models_share_one_observer_and_one_layout(with_baseline: ModelSettings) -> None:
    one, other = (settings(segments=fields) for fields in (["country"], []))
    assert watch(one) is watch(other)
    assert model_plan("a", one).whole is model_plan("b", other).whole
    assert watch(with_baseline) is not watch(one)
