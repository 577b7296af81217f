"""Several models on one topic, any model by "*", and ids that two models share by chance."""

import numpy as np

from models.batch import Batch, Kind, Source
from models.combo import Combo
from tables.offline import evaluate
from tables.plan import ANY_MODEL, ModelPlan, Plan

START_MS = 1_790_000_040_000


def batch(kind: Kind, topic: str, ids: list[bytes], outcome: list[int], combos: list[Combo]) -> Batch:
    """Predictions at the start, or labels a second later, one record an id."""
    n, predicted = len(ids), kind == "predictions"
    return Batch(
        kind=kind,
        source=Source(topic, 0),
        base=-1,
        last=n - 1,
        watermark_ms=0,
        idle=False,
        ids=ids,
        offsets=np.arange(n),
        time_ms=np.full(n, START_MS if predicted else START_MS + 1_000),
        score=np.full(n if predicted else 0, 0.9),
        outcome=np.array(outcome, np.int8),
        combos=combos,
        combo_index=np.arange(len(combos), dtype=np.int32),
    )


def predictions(topic: str, ids: list[bytes], combos: list[Combo]) -> Batch:
    return batch("predictions", topic, ids, [1] * len(ids), combos)


def labels(topic: str, ids: list[bytes], actual: list[int]) -> Batch:
    return batch("labels", topic, ids, actual, [])


def outcomes(plan: Plan, batches: list[Batch]) -> dict[str, tuple[object, object, object]]:
    """Model and version -> total, labelled, correct."""
    records, _ = evaluate(plan, batches)
    return {" ".join(r.name[:2]): (r.parts["total"], r.parts["labelled"], r.parts["correct"]) for r in records}


def test_a_label_joins_the_predictions_of_every_model_on_its_topic() -> None:
    plan = Plan({ANY_MODEL: ModelPlan(ANY_MODEL, "p", "l")})
    sent = [predictions("p", [b"1", b"1", b"2"], [("a", "v1"), ("b", "v1"), ("b", "v1x")]), labels("l", [b"1"], [1])]
    assert outcomes(plan, sent) == {"a v1": (1, 1, 1), "b v1": (1, 1, 1), "b v1x": (1, 0, 0)}


def test_models_with_label_topics_of_their_own_may_use_the_same_ids() -> None:
    plan = Plan({"a": ModelPlan("a", "p", "la"), "b": ModelPlan("b", "p", "lb")})
    sent = [
        predictions("p", [b"1", b"1"], [("a", "v1"), ("b", "v1")]),
        labels("la", [b"1"], [1]),
        labels("lb", [b"1"], [0]),
    ]
    assert outcomes(plan, sent) == {"a v1": (1, 1, 1), "b v1": (1, 1, 0)}


def test_a_named_model_has_its_own_rules_beside_any_other() -> None:
    plan = Plan(
        {
            "a": ModelPlan("a", "p", "l", horizon_ms=500, window_ms=60_000),
            ANY_MODEL: ModelPlan(ANY_MODEL, "p", "l", horizon_ms=60_000, window_ms=60_000),
        }
    )
    sent = [predictions("p", [b"1", b"1"], [("a", "v1"), ("z", "v1")]), labels("l", [b"1"], [1])]
    assert outcomes(plan, sent) == {"a v1": (1, 0, 0), "z v1": (1, 1, 1)}
