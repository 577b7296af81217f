"""Windows of hardly anything, through every part of every task with a baseline, from the files to the records.

Looked at before they are JSON, for that writes NaN as null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, product
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrics.kinds import conclude
from models.outcome import Task
from runtime import baseline_build
from runtime.evaluate import Input
from runtime.model_plan import model_plan
from runtime.settings import ModelSettings, Settings
from tables import offline
from tables.dimensions import Admissions
from tables.plan import ModelPlan, Plan

Row = dict[str, Any]
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
CLASSES = ("cat", "dog", "eel")
USUAL, ENOUGH = 300, 40


def rows(task: Task, records: int) -> list[Row]:
    """Usual traffic: right three times in four, with a constant feature and one that is mostly null."""
    rng = np.random.default_rng(records)
    return [
        {
            "id": f"r-{at}",
            "timestamp": "2026-11-21T10:00:07Z",
            "features": {
                "amount": float(rng.lognormal(3, 1)),
                "country": str(rng.choice(["DE", "FR"])),
                "constant": 5.0,
                "rare": None if at % 20 else 1.0 + at,
            },
            "latency_ms": 12.5,
            "status": "success",
            **outcome(task, at, rng),
        }
        for at in range(records)
    ]


def outcome(task: Task, at: int, rng: np.random.Generator) -> Row:
    if task == "regression":
        return {"prediction": float(10 + at % 7), "actual": float(10 + at % 7 + rng.normal())}
    score, wrong = float(rng.random()), at % 4 == 3
    if task == "binary":
        return {"score": score, "prediction": int(score >= 0.5), "actual": int((score >= 0.5) != wrong)}
    scores = dict(zip(CLASSES, rng.dirichlet(np.ones(3)).tolist(), strict=True))
    best = max(scores, key=scores.__getitem__)
    return {"scores": scores, "prediction": best, "actual": "cat" if wrong else best}


def with_features(given: list[Row], **features: object) -> list[Row]:
    return [{**row, "features": {**row["features"], **features}} for row in given]


def of_one_class(task: Task, given: list[Row]) -> list[Row]:
    """Every truth and every prediction the same; of a regression one number."""
    same: dict[Task, Row] = {
        "binary": {"score": 0.25, "prediction": 0, "actual": 0},
        "multiclass": {"scores": {"dog": 1.0}, "prediction": "dog", "actual": "dog"},
        "regression": {"prediction": 3.5, "actual": 3.5},
    }
    return [{**row, **same[task]} for row in given]


def bare(given: list[Row]) -> list[Row]:
    """With nothing but id, time and prediction."""
    return [{name: row[name] for name in ("id", "timestamp", "prediction", "actual")} for row in given]


def case(name: str, task: Task) -> list[Row]:
    usual = rows(task, ENOUGH)
    nulls = dict.fromkeys(usual[0]["features"])
    made: dict[str, Callable[[], list[Row]]] = {
        "one record": lambda: usual[:1],
        "one class": lambda: of_one_class(task, usual),
        "all null": lambda: with_features(usual, **nulls),
        "no features": lambda: bare(usual),
        "constant feature": lambda: with_features(usual, amount=7.0, country="DE"),
        "unseen category": lambda: with_features(usual, country="XX"),
        "no labels": lambda: [{**row, "actual": None} for row in usual],
    }
    return made[name]()


CASES = ("one record", "one class", "all null", "no features", "constant feature", "unseen category", "no labels")
BOTH = list(product(TASKS, CASES))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Task, ModelSettings]:
    """A model of each task with a baseline of usual traffic, looked at for drift in every window."""
    folder = tmp_path_factory.mktemp("baselines")
    return {task: with_baseline(folder, task) for task in TASKS}


def with_baseline(folder: Path, task: Task) -> ModelSettings:
    model: Row = {"task": task, "predictions": {"topic": "p"}, "labels": {"topic": "l"}, "drift": {"over": "60s"}}
    training, built = folder / f"{task}.jsonl", folder / f"{task}.json"
    training.write_text("".join(json.dumps(row) + "\n" for row in rows(task, USUAL)), encoding="utf-8")
    plain = Settings.model_validate({"models": {"m": model}})
    assert baseline_build.run(plain, training, "m", built, None, "2026-11-21T10:00:00Z") == 0
    return Settings.model_validate({"models": {"m": {**model, "baseline": str(built)}}}).models["m"]


def records(model: ModelSettings, given: list[Row], folder: Path) -> list[dict[str, Any]]:
    """What `hindcast evaluate` writes of these rows, as plain objects."""
    plan = model_plan("m", model)
    admissions = Admissions(Plan({"m": plan}), models_max=0, segment_values_max={})
    codes = partial(admissions.admit_classes, plan.labels_topic)
    labels = [{"id": row["id"], "actual": row["actual"], "timestamp": row["timestamp"]} for row in given]
    inputs = []
    for kind, found in (("predictions", given), ("labels", labels)):
        path = folder / f"{kind}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
        inputs.append(Input(path, kind, "m", model, 1 << 18, codes))  # type: ignore[arg-type]  # the two kinds
    batches = chain.from_iterable(each.batches(lambda _: None) for each in inputs)
    final, _ = offline.evaluate(Plan({"m": plan}), batches, admissions.class_names)
    return [dict(record.parts) for record in final]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Whatever is neither object nor list, with its path."""
    if isinstance(value, dict):
        for name, below in value.items():
            assert type(name) is str
            yield from leaves(below, f"{path}.{name}")
    elif isinstance(value, list):
        for below in value:
            yield from leaves(below, path)
    else:
        yield path, value


@pytest.mark.parametrize(("task", "name"), BOTH)
def test_whatever_is_said_is_plain_finite_and_in_order(
    models: Mapping[Task, ModelSettings], task: Task, name: str, tmp_path: Path
) -> None:
    found = records(models[task], case(name, task), tmp_path)
    assert found
    assert found[0]["total"] == len(case(name, task))
    for record in found:
        for path, leaf in leaves(record):
            assert leaf is None or type(leaf) in {bool, int, float, str}, path
            assert type(leaf) is not float or isfinite(leaf), path
        check_intervals(record)


def check_intervals(record: Mapping[str, Any]) -> None:
    """What is unknown has no interval, and what has one lies in it."""
    for said in (record, record.get("estimated", {})):
        for metric, interval in said.get("intervals", {}).items():
            value = said["metrics"][metric]
            assert interval is None or interval[0] - 1e-9 <= value <= interval[1] + 1e-9, metric


@pytest.mark.parametrize(("task", "name"), BOTH)
def test_what_cannot_be_known_of_the_inputs_is_null_with_a_reason(
    models: Mapping[Task, ModelSettings], task: Task, name: str, tmp_path: Path
) -> None:
    for record in records(models[task], case(name, task), tmp_path):
        drift = record["drift"]
        for feature, said in drift["features"].items():
            tested = "chi2_pvalue" if feature == "country" else "ks"
            # A category that is the same on both sides has nothing to be tested; whatever else is null is explained.
            assert "reason" in said or (said["psi"] is not None and (said[tested] is not None or feature == "country"))
            assert said["drifted"] is None or said["psi"] is not None
        for said in (drift[name] for name in ("score", "prediction", "label") if name in drift):
            assert said["drifted"] is not None or said["reason"]
        estimated = record.get("estimated")
        if estimated is not None and set(estimated["metrics"].values()) == {None}:
            assert estimated["reason"]


LABELLED: dict[Task, set[str]] = {
    "binary": {"accuracy", "precision", "recall", "f1", "specificity", "label_rate", "auc", "average_precision"}
    | {"log_loss", "brier", "ece", "ece_debiased"},
    "multiclass": {"accuracy", "precision_macro", "recall_macro", "f1_macro", "precision_weighted", "auc", "log_loss"},
    "regression": {"mse", "rmse", "mae", "r2", "mape", "bias", "error_p50", "error_p99", "mean_actual"},
}
UNDEFINED: dict[tuple[Task, str], set[str]] = {
    **{(task, "no labels"): names for task, names in LABELLED.items()},
    ("binary", "one class"): {"precision", "recall", "f1", "auc", "average_precision"},
    ("binary", "one record"): {"auc", "ece_debiased"},
    ("binary", "no features"): {"auc", "average_precision", "log_loss", "brier", "ece", "mean_score"},
    ("multiclass", "one class"): {"auc"},
    ("regression", "one class"): {"r2"},
    ("regression", "one record"): {"r2"},
}


@pytest.mark.parametrize(("task", "name"), UNDEFINED)
def test_a_number_of_nothing_is_null_and_not_0(
    models: Mapping[Task, ModelSettings], task: Task, name: str, tmp_path: Path
) -> None:
    (record,) = records(models[task], case(name, task), tmp_path)[:1]
    said = {metric: record["metrics"][metric] for metric in UNDEFINED[task, name]}
    assert said == dict.fromkeys(UNDEFINED[task, name])
    assert {record["intervals"].get(metric) for metric in UNDEFINED[task, name]} == {None}


@pytest.mark.parametrize("task", TASKS)
def test_a_window_without_any_record_knows_nothing(models: Mapping[Task, ModelSettings], task: Task) -> None:
    plan: ModelPlan = model_plan("m", models[task])
    head, cells = np.zeros(plan.whole.head_columns, np.int64), np.zeros(plan.whole.cells, np.int32)
    found = conclude(plan.whole.summarise(head, cells, 60.0), plan.whole)
    assert (found["total"], found["labelled"], found["label_coverage"]) == (0, 0, None)
    for part in ("metrics", "intervals"):
        assert {leaf for _, leaf in leaves(found[part])} == {None}, part
    drift = found["drift"]
    assert isinstance(drift, dict)
    for feature in drift["features"].values():
        assert "at least 30 are needed" in feature["reason"]
        assert {leaf for name, leaf in leaves(feature) if name != ".reason"} == {None}
    assert drift["features_drifted"] is None
    assert drift.get("kinds", []) == []
