"""From rows to a baseline file to metric records: predictions of several classes and of values, without labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson
import pytest

from runtime.baseline_passes import Build
from runtime.evaluate import Input, evaluate
from runtime.model_plan import model_plan
from runtime.settings import Settings, parse
from tables.dimensions import Admissions
from tables.plan import Plan

T0 = 1_763_719_200_000
HOUR_MS = 3_600_000
RECORDS = 1_500
Row = dict[str, Any]
Draw = Callable[[np.random.Generator], Row]


def rows(draw: Draw, seed: int) -> list[Row]:
    random = np.random.default_rng(seed)
    step_ms = HOUR_MS // RECORDS
    return [{"prediction_id": f"{i}", "event_time": T0 + i * step_ms, **draw(random)} for i in range(RECORDS)]


class World:
    """A model with a baseline file that was built of calm rows."""

    def __init__(self, folder: Path, task: str, calm: Draw, **predictions: object) -> None:
        self.folder = folder
        model: Row = {"task": task, "predictions": {"topic": "p", **predictions}, "labels": {"topic": "l"}}
        model["window"] = "10m"
        learned = self._written("reference", rows(calm, 0))
        plain = parse({"models": {"m": model}}, {}).models["m"]
        build = Build(learned, "m", plain, None)
        self.baseline, _ = build.count(build.survey(lambda _: None), "", lambda _: None)
        file = folder / "baseline.json"
        file.write_bytes(msgspec.json.encode(self.baseline))
        self.settings: Settings = parse({"models": {"m": model | {"baseline": str(file)}}}, {})

    def records(self, draw: Draw, seed: int = 1) -> list[Row]:
        """The final records of an hour of traffic, the hour last."""
        model, traffic = self.settings.models["m"], rows(draw, seed)
        plan = model_plan("m", model)
        labels = [
            {"prediction_id": row["prediction_id"], "actual": row.pop("actual"), "label_time": row["event_time"]}
            for row in traffic
        ]
        admissions = Admissions(Plan({"m": plan}), models_max=0, segment_values_max={})
        codes = partial(admissions.admit_classes, plan.labels_topic)
        batches = []
        for kind, said in (("predictions", traffic), ("labels", labels)):
            read = Input(self._written(kind, said), kind, "m", model, 1 << 20, codes)  # type: ignore[arg-type]  # a literal
            batches += list(read.batches(lambda _: None))
            assert not read.bad
        found = [orjson.loads(one) for one in evaluate(plan, batches, admissions.class_names)[0]]
        return sorted(found, key=lambda one: (one["window_end"], one["span"] != "10m"))

    def _written(self, name: str, said: list[Row]) -> Path:
        path = self.folder / f"{name}.jsonl"
        path.write_bytes(b"\n".join(map(orjson.dumps, said)))
        return path


def pets(shares: tuple[float, float, float]) -> Draw:
    def draw(random: np.random.Generator) -> Row:
        pet = str(random.choice(["cat", "dog", "owl"], p=shares))
        return {"prediction": pet, "score": float(random.uniform(0.5, 1)), "actual": pet}

    return draw


def prices(mean: float, error: float) -> Draw:
    def draw(random: np.random.Generator) -> Row:
        price = float(random.normal(mean, 10))
        return {"prediction": price, "actual": price + float(random.normal(0, error))}

    return draw


def test_classes_are_held_against_the_baseline(tmp_path: Path) -> None:
    world = World(tmp_path, "multiclass", pets((0.5, 0.3, 0.2)))
    assert sum(world.baseline.predictions.values()) == RECORDS
    assert world.baseline.performance["mean_confidence"] == pytest.approx(0.75, abs=0.02)
    *minutes, hour = world.records(pets((0.5, 0.3, 0.2)))
    assert hour["span"] == "1h"
    assert hour["drift"]["prediction"]["drifted"] is False
    assert hour["drift"]["kinds"] == []
    assert hour["class_shares"]["dog"] == pytest.approx(0.3, abs=0.04)
    assert sum(minutes[0]["class_shares"].values()) == pytest.approx(1)
    assert hour["metrics"]["mean_confidence"] == pytest.approx(0.75, abs=0.02)
    *minutes, hour = world.records(pets((0.2, 0.3, 0.5)))
    assert (hour["drift"]["prediction"]["drifted"], hour["drift"]["kinds"]) == (True, ["covariate"])
    assert all("drift" not in one for one in minutes)


def test_values_are_held_against_the_baseline(tmp_path: Path) -> None:
    world = World(tmp_path, "regression", prices(100, 3))
    assert world.baseline.prediction is not None
    assert world.baseline.losses is not None
    hour = world.records(prices(100, 3))[-1]
    assert hour["drift"]["prediction"]["drifted"] is False
    estimated = hour["estimated"]
    assert (estimated["method"], estimated["reliable"]) == ("dle", True)
    assert estimated["metrics"]["mae"] == pytest.approx(hour["metrics"]["mae"], rel=0.1)
    assert estimated["gap"] == abs(
        estimated["metrics"][estimated["gap_metric"]] - hour["metrics"][estimated["gap_metric"]]
    )
    hour = world.records(prices(110, 3))[-1]
    assert (hour["drift"]["prediction"]["drifted"], hour["drift"]["kinds"]) == (True, ["covariate"])
    assert hour["drift"]["prediction"]["mean_shift"] == pytest.approx(1, abs=0.1)


def test_an_estimate_that_the_labels_contradict_is_said_to_be_unreliable(tmp_path: Path) -> None:
    world = World(tmp_path, "regression", prices(100, 3))
    hour = world.records(prices(100, 6))[-1]
    assert hour["estimated"]["reliable"] is False
    assert hour["drift"]["kinds"] == ["concept"]


def texts(turned: float) -> Draw:
    """Embeddings around a direction, and around it turned a little."""

    def draw(random: np.random.Generator) -> Row:
        vector = np.array([3.0, turned, *[0.0] * 14]) + random.normal(0, 0.5, 16)
        row: Row = {"prediction": 1, "actual": 1}
        return row | ({"payload": {"vector": vector.tolist()}} if random.random() < 0.8 else {})

    return draw


def test_embeddings_are_held_against_the_centroid_of_the_baseline(tmp_path: Path) -> None:
    world = World(tmp_path, "binary", texts(0), fields={"embedding": "payload.vector"})
    assert len(world.baseline.centroid) == 16
    assert world.baseline.features == {}
    *minutes, hour = world.records(texts(0))
    assert hour["quality"]["embedding"] == {"missing_ratio": pytest.approx(0.2, abs=0.05), "type_mismatch_ratio": 0}
    embedding = hour["drift"]["embedding"]
    assert embedding["records"] == round(RECORDS * (1 - hour["quality"]["embedding"]["missing_ratio"]))
    assert embedding["drifted"] is False
    assert hour["drift"]["kinds"] == []
    assert all("embedding" in one["quality"] and "drift" not in one for one in minutes)
    hour = world.records(texts(1))[-1]
    assert hour["drift"]["embedding"]["cosine_distance"] == pytest.approx(1 - 3 / np.sqrt(10), abs=0.01)
    assert (hour["drift"]["embedding"]["drifted"], hour["drift"]["kinds"]) == (True, ["covariate"])


def test_without_a_baseline_nothing_of_it_is_there(tmp_path: Path) -> None:
    for task, draw in (("multiclass", pets((0.5, 0.3, 0.2))), ("regression", prices(100, 3))):
        world = World(tmp_path, task, draw)
        world.settings = parse({"models": {"m": {"task": task, "predictions": {"topic": "p"}, "window": "10m"}}}, {})
        for record in world.records(draw):
            assert not {"class_shares", "estimated", "drift", "quality"} & record.keys()
            assert not {"top_class_share", "top_value_share"} & record["metrics"].keys()
