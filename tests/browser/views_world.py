"""What the views of inputs, segments, service and pipeline show, beside the afternoon of `world`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from dashboard.message import Message
from dashboard.pipeline import Group, Groups, Lag
from metrics.drift import drift
from metrics.inputs import duration_text
from metrics.reference import Feature
from metrics.score_drift import prediction_drift, score_drift
from models.dead_letter import headers
from models.pipeline_record import PipelineRecord, encode_pipeline
from tests.browser.world import END_MS, NOW_MS, record
from tests.unit.dashboard.samples import MINUTE_MS
from tests.unit.metrics.features import categorical_feature, numeric_feature, window_of

MODEL = "checkout"
RNG = np.random.default_rng(17)
COUNTRIES = ["DE", "FR", "IT", "ES"]
FEATURES: dict[str, Feature] = {
    "amount": numeric_feature(RNG.lognormal(3, 0.6, 4_000)),
    "age_days": numeric_feature(RNG.exponential(200, 4_000)),
    "basket_size": numeric_feature(RNG.poisson(3, 4_000).astype(float)),
    "country": categorical_feature(RNG.choice(COUNTRIES, 4_000, p=[0.5, 0.3, 0.15, 0.05]).tolist()),
    "device": categorical_feature(RNG.choice(["web", "ios", "android"], 4_000).tolist()),
}
LATENCY = {"mean": 0.021, "p50": 0.018, "p95": 0.055, "p99": 0.09, "max": 0.2}
CONSUMERS = Groups(
    groups=[
        Group(group="hindcast", state="stable", members=["10.0.0.4", "10.0.0.5"]),
        Group(group="hindcast-alerts", state="stable", members=["10.0.0.4", "10.0.0.5"]),
    ],
    lag=[
        Lag(group="hindcast", topic="fraud_predictions", partition=0, records=120),
        Lag(group="hindcast", topic="fraud_predictions", partition=1, records=3),
        Lag(group="hindcast", topic="fraud_labels", partition=0, records=0),
        Lag(group="hindcast-alerts", topic="hindcast-metrics", partition=0, records=None),
    ],
)


def messages() -> Iterator[Message]:
    """Drift of six hours, windows of an hour with quality and resources, segments, the pipeline, dead letters."""
    for quarter in range(-23, 1):
        yield drifting(quarter * 15, strength=max(0.0, (quarter + 10) / 10))
    for minute in range(-60, 0):
        yield record(minute, MODEL, "v7", "binary", _window(minute))
    for country, accuracy, half in (("DE", 0.93, 0.01), ("FR", 0.91, 0.015), ("IT", 0.78, 0.03), ("ES", 0.95, 0.05)):
        yield segment(f"country={country}", accuracy, half)
    yield segment("country=", None, None)
    yield from (pipeline(number, worker=f"hindcast-{number % 2}") for number in range(4))
    yield letter(0, "json", b'{"transaction_id": "t-1", "score": 0.9')
    yield letter(1, "missing:id", b'{"score": 0.4, "event_time": "2026-11-21T17:59:00Z"}')


def drifting(minute: int, strength: float, names: Mapping[str, str] | None = None) -> Message:
    """The hour until so many minutes from the end, with drift of that strength. names: of features, to be others."""
    rng = np.random.default_rng(1_000 + minute)
    shares = np.array([0.5, 0.3, 0.15, 0.05]) * [1, 1 - 0.5 * strength, 1, 1] + [0, 0, 0, 0.15 * strength]
    seen: dict[str, list[object]] = {
        "amount": [*rng.lognormal(3 + strength, 0.6, 2_000).tolist()],
        "age_days": [*rng.exponential(200, 2_000).tolist()],
        "basket_size": [*rng.poisson(3 + strength / 2, 2_000).astype(float).tolist()],
        "country": [*rng.choice(COUNTRIES, 1_950, p=shares / shares.sum()).tolist(), *["PT"] * 50],
        "device": [*rng.choice(["web", "ios", "android"], 2_000).tolist()],
    }
    found = drift(list(FEATURES.items()), [window_of(FEATURES[name], seen[name]) for name in FEATURES], 30)
    features = {(names or {}).get(name, name): vars(one) for name, one in found.items()}
    score = np.bincount((rng.beta(1.3 + strength, 6, 2_000) * 100).astype(int), minlength=100)
    reference = np.bincount((np.random.default_rng(3).beta(1.3, 6, 9_000) * 100).astype(int), minlength=100)
    told = {
        "over": duration_text(3600),
        "records": 2_000,
        "features": features,
        "features_drifted": sum(bool(one["drifted"]) for one in features.values()),
        "score": score_drift(reference, score),
        "prediction": prediction_drift(np.array([900, 100]), np.array([880, 120]) + int(100 * strength) * _MORE),
        "kinds": ["covariate"] if strength > 0.4 else [],
    }
    parts = {"total": 2_000, "labelled": 900, "metrics": {"accuracy": 0.9}, "intervals": {"accuracy": [0.88, 0.92]},
             "drift": told, "trends": _TRENDS}  # fmt: skip
    return record(
        minute - 60, MODEL, "v7", "binary", parts, span="1h", minutes=60, rolling=True, revision=minute + 9_000
    )


_MORE = np.array([-1, 1])
_TRENDS = {
    "windows": 60,
    "throughput_per_second": {"moving_average": 0.55, "slope_per_hour": -0.02, "newest": 0.5, "z": -1.2,
                              "intervals": {"slope_per_hour": [-0.05, 0.01]}},
    "error_rate": {"moving_average": 0.01, "slope_per_hour": 0.004, "intervals": {"slope_per_hour": [0.001, 0.007]}},
}  # fmt: skip


def segment(name: str, accuracy: float | None, half: float | None, *, total: int = 400) -> Message:
    """A segment of the last hour; half: of its interval."""
    known = accuracy is not None and half is not None
    ends = [max(0.0, (accuracy or 0) - (half or 0)), min(1.0, (accuracy or 0) + (half or 0))] if known else None
    parts = {
        "total": total,
        "labelled": total // 2 if known else 0,
        "label_coverage": 0.5 if known else 0.0,
        "metrics": {"accuracy": accuracy, "f1": accuracy},
        "intervals": {"accuracy": ends},
    }
    return record(-60, MODEL, "v7", "binary", parts, segment=name, span="1h", minutes=60, rolling=True)


def _window(minute: int) -> dict[str, object]:
    late = max(0.0, (minute + 30) / 30)
    clean = dict.fromkeys(
        ("missing_ratio", "type_mismatch_ratio", "non_finite_ratio", "outlier_zscore_ratio", "outlier_iqr_ratio",
         "out_of_range_ratio"), 0.0)  # fmt: skip
    return {
        "total": 33,
        "labelled": 12,
        "label_coverage": 12 / 33,
        "throughput_per_second": 0.55,
        "metrics": {"accuracy": 0.9},
        "intervals": {"accuracy": [0.75, 0.97]},
        "prediction_latency_seconds": {name: value * (1 + late) for name, value in LATENCY.items()},
        "errors": {"timeout": 2, "oom": 1} if minute % 10 == 0 else {},
        "failed": 3 if minute % 10 == 0 else 0,
        "resources": {"cpu_ratio": {"mean": 0.4 + 0.3 * late, "p95": 0.6, "max": 0.8}},
        "quality": {
            "features": {
                "amount": clean | {"missing_ratio": 0.02 + 0.3 * late, "outlier_iqr_ratio": 0.04},
                "country": clean | {"type_mismatch_ratio": 0.01},
                "device": clean,
            },
            "columns_missing": ["age_days"],
            "columns_extra": ["coupon"],
        },
    }


def pipeline(partition: int, *, worker: str) -> Message:
    """A state partition of which the worker has told."""
    told = PipelineRecord(
        partition=partition,
        worker=worker,
        fates={
            "predictions": {"joined": 900, "pending": 90, "duplicate": 10},
            "labels": {"joined": 900, "late": 5, "dead_lettered": 1},
        },
        watermarks_ms={"fraud": END_MS - 30_000 - partition, "*": END_MS - 60_000},
        rows=990,
        open_windows=7,
        emitted_at_ms=NOW_MS - 4_000,
    )
    return Message("pipeline", 0, 0, NOW_MS, told.key(), encode_pipeline(told))


def letter(offset: int, code: str, value: bytes, *, written_ms: int = NOW_MS - MINUTE_MS) -> Message:
    """A record that could not be read."""
    found = headers(
        code, "why it cannot be read", topic="fraud_predictions", partition=1, offset=offset, timestamp_ms=written_ms,
        model="fraud",
    )  # fmt: skip
    return Message("dead_letter", 0, offset, written_ms, None, value, found)
