"""Traffic of a model with a baseline file, and the metric records that Hindcast itself makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from metrics.reference import Baseline
from runtime import clock
from runtime.baseline_passes import Build
from runtime.evaluate import FUTURE_MS, Input, evaluate
from runtime.model_plan import model_plans
from runtime.settings import Settings, parse

Change = Callable[[dict[str, Any], np.random.Generator], None]
"""What is wrong with a prediction: changes the record in place."""

T0 = 1_763_719_200_000  # 2025-11-21T10:00:00Z
HOUR_MS = 3_600_000
RECORDS = 1_200
"""Predictions an hour: 200 in each window of ten minutes."""
LABEL_DELAY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Traffic:
    """Predictions and labels, as they stand on the topics."""

    predictions: list[dict[str, Any]]
    labels: list[dict[str, Any]]


def hours(seed: int, start_ms: int, count: int = 2, change: Change | None = None, *, flipped: float = 0.0) -> Traffic:
    """So many hours of a model that is right about its own scores; flipped: share of the labels that are not."""
    random = np.random.default_rng(seed)
    predictions, labels = [], []
    for i in range(count * RECORDS):
        time_ms = start_ms + i * HOUR_MS // RECORDS
        risk = float(random.beta(0.4, 1.6))
        record = {
            "prediction_id": f"{seed}-{i}", "model_version": "v1", "event_time": time_ms,
            "score": risk, "prediction": int(risk >= 0.5), "status": "success",
            "latency_ms": float(random.lognormal(3, 0.5)), "features": _features(random),
        }  # fmt: skip
        if change is not None:
            change(record, random)
        predictions.append(record)
        actual = int((random.random() < risk) != (random.random() < flipped))
        labels.append({"prediction_id": f"{seed}-{i}", "actual": actual, "label_time": time_ms + LABEL_DELAY_MS})
    return Traffic(predictions, labels)


def _features(random: np.random.Generator) -> dict[str, object]:
    return {
        "amount": None if random.random() < 0.02 else round(float(random.lognormal(3, 1)), 2),
        "age": int(random.integers(18, 80)),
        "balance": round(float(random.normal(1000, 200)), 2),
        "hour": int(random.integers(0, 24)),
        "country": str(random.choice(["DE", "DE", "FR", "IT"])),
    }


def settings(folder: Path, **alerts: object) -> Settings:
    """A model whose baseline file was built of other hours of the same traffic."""
    model: dict[str, Any] = {"predictions": {"topic": "p"}, "labels": {"topic": "l"}, "window": "10m"}
    traffic = hours(0, T0, 5)
    truth = {label["prediction_id"]: label["actual"] for label in traffic.labels}
    rows = [record | {"actual": truth[record["prediction_id"]]} for record in traffic.predictions]
    for row in rows:
        del row["status"], row["latency_ms"]
    learned = _write(folder / "reference.jsonl", rows)
    build = Build(learned, "fraud", parse({"models": {"fraud": model}}, {}).models["fraud"], None)
    baseline, _ = build.count(build.survey(lambda _: None), "2025-11-21T00:00:00Z", lambda _: None)
    model["baseline"] = str(_baseline(folder / "fraud.json", baseline))
    return parse({"models": {"fraud": model}, "alerts": alerts}, {})


def records(folder: Path, settings: Settings, traffic: Traffic) -> list[dict[str, Any]]:
    """The final records, the newest window last, spans behind the windows that they end with."""
    plan, model = model_plans(settings)["fraud"], settings.models["fraud"]
    found, _ = evaluate(plan, _batches(folder, settings, traffic))
    every = [orjson.loads(one) for one in found]
    assert model.baseline is not None
    return sorted(every, key=lambda one: (one["window_end"], one["span"] != model.window.name))


def _batches(folder: Path, settings: Settings, traffic: Traffic) -> Iterator[Any]:
    model, limit = settings.models["fraud"], settings.limits.record_bytes_max
    assert traffic.predictions[-1]["event_time"] < clock.now_ms() + FUTURE_MS
    for kind, rows in (("predictions", traffic.predictions), ("labels", traffic.labels)):
        path = _write(folder / f"{kind}.jsonl", rows)
        read = Input(path, kind, "fraud", model, limit, class_codes=_none)  # type: ignore[arg-type]
        yield from read.batches(lambda _: None)
        assert not read.bad


def _none(_: object) -> NDArray[np.int64]:
    """The fraud model has no classes that need codes."""
    return np.empty(0, np.int64)


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def _baseline(path: Path, baseline: Baseline) -> Path:
    path.write_bytes(msgspec.json.encode(baseline))
    return path
