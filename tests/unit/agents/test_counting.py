"""Errors and latencies, counted exactly and once of what a worker joins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from agents.counting import count_block, count_served
from models.batch import MIN_MS, Batch, Source
from models.codec import Decoder
from runtime.files import FileRecord
from runtime.model_plan import model_fields, model_plan
from runtime.settings import Settings
from tables.decide import Decider
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.plan import Plan
from telemetry.registry import Telemetry

NOW_MS = 1_763_719_200_000
SETTINGS = Settings.model_validate({"models": {"fraud": {"predictions": {"topic": "p"}, "labels": {"topic": "l"}}}})
MODEL = SETTINGS.models["fraud"]


def prediction(name: str, **fields: object) -> dict[str, Any]:
    return {"id": name, "timestamp": NOW_MS, "score": 0.9, "model_version": "v1"} | fields


def failed(name: str, **fields: object) -> dict[str, Any]:
    return {"id": name, "timestamp": NOW_MS, "model_version": "v1", "status": "error"} | fields


class Worker:
    """Joins chunk after chunk of one partition."""

    def __init__(self) -> None:
        self.state = JoinState(Plan({"fraud": model_plan("fraud", MODEL)}, {"p": 1, "l": 1}), 0, MemoryCheckpoint())
        self.telemetry = Telemetry(100)
        self.decoder = Decoder("p", "predictions", [model_fields("fraud", MODEL, "predictions")], 10_000, 300_000)
        self.next = 0

    def take(self, *rows: dict[str, Any]) -> None:
        decider = Decider(self.state)
        block = decider.decide("predictions", [self.batch(rows)])
        assert block is not None
        self.state.apply(block)
        count_block(self.telemetry, self.state.combos.names, block)
        count_served(self.telemetry, decider.served)

    def batch(self, rows: Sequence[dict[str, Any]]) -> Batch:
        chunk = [FileRecord(self.next + at, orjson.dumps(row)) for at, row in enumerate(rows)]
        found = self.decoder.decode(chunk, NOW_MS)
        assert not found.bad
        base, self.next = self.next - 1, self.next + len(rows)
        return Batch(
            "predictions", Source("p", 0), base, self.next - 1, MIN_MS, False, found.ids, found.offsets, found.time_ms,
            found.score, found.outcome, found.combos, found.combo_index, observed=found.observed,
        )  # fmt: skip

    def value(self, name: str, **labels: str) -> float | None:
        return self.telemetry.registry.get_sample_value(name, {"model": "fraud", "version": "v1"} | labels)

    def latencies(self) -> list[float | None]:
        bounds = ("0.01", "0.05", "0.1", "0.5", "1.0", "2.0", "5.0", "+Inf")
        return [self.value("ml_prediction_latency_seconds_bucket", le=bound) for bound in bounds]


def test_a_latency_falls_into_the_bucket_whose_bound_it_does_not_exceed() -> None:
    worker = Worker()
    in_ms = (9.999, 10, 10.001, 50, 100, 500, 1000, 2000, 5000, 5000.001)
    worker.take(*(prediction(f"a{ms}", latency_ms=ms) for ms in in_ms), prediction("untold"))
    assert worker.latencies() == [2, 4, 5, 6, 7, 8, 9, 10]
    assert worker.value("ml_prediction_latency_seconds_count") == 10
    total = worker.value("ml_prediction_latency_seconds_sum")
    assert total is not None
    np.testing.assert_allclose(total, sum(in_ms) / 1000, rtol=1e-12)
    assert worker.value("ml_predictions_total") == 11


def test_errors_are_counted_by_type_whether_a_prediction_was_made_or_not() -> None:
    worker = Worker()
    worker.take(
        failed("a", error_type="timeout", latency_ms=3000),
        failed("b", error_type="timeout"),
        failed("c"),
        prediction("d", status="error", error_type="fallback"),
        prediction("e", status="success", latency_ms=20),
    )
    errors = {kind: worker.value("ml_prediction_errors_total", error_type=kind) for kind in ("timeout", "fallback")}
    assert errors == {"timeout": 2, "fallback": 1}
    assert worker.value("ml_prediction_errors_total", error_type="unknown") == 1
    assert worker.value("ml_prediction_latency_seconds_count") == 2
    assert worker.value("ml_predictions_total") == 2


def test_copies_are_not_counted_again_in_the_same_chunk_or_another() -> None:
    worker = Worker()
    twice = prediction("a", latency_ms=20, status="error", error_type="fallback")
    worker.take(twice, prediction("b", latency_ms=20), twice)
    worker.take(twice)
    assert worker.value("ml_prediction_latency_seconds_count") == 2
    assert worker.value("ml_prediction_errors_total", error_type="fallback") == 1


def test_versions_are_counted_apart() -> None:
    worker = Worker()
    worker.take(prediction("a", latency_ms=20), prediction("b", latency_ms=20, model_version="v2"))
    assert worker.value("ml_prediction_latency_seconds_count") == 1
    assert worker.value("ml_prediction_latency_seconds_count", version="v2") == 1


def test_a_model_that_tells_neither_has_no_such_series() -> None:
    worker = Worker()
    worker.take(prediction("a"), prediction("b"))
    names = {sample.name for metric in worker.telemetry.collect() for sample in metric.samples}
    assert "ml_predictions_total" in names
    assert not any(name.startswith(("ml_prediction_errors", "ml_prediction_latency")) for name in names)
