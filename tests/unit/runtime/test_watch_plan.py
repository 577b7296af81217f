"""From the settings of a model to what its records say of serving and of unknown features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metrics.resources import Resources
from models.mapping import RESOURCES
from runtime.settings import parse
from runtime.watch_plan import watch
from tests.support import watched

Json = dict[str, Any]


def of(**keys: object) -> Json:
    predictions = {"topic": "p", "fields": keys.pop("fields", {})}
    return {"models": {"m": {"predictions": predictions, "labels": {"topic": "l"}, **keys}}}


def watched_of(**keys: object) -> tuple[str, ...]:
    found = watch(parse(of(**keys), {}).models["m"])
    counted = [part.names for part in found.parts if isinstance(part, Resources)]
    assert counted == ([found.observer.resources] if found.observer.resources else [])
    return found.observer.resources


def test_resources_are_watched_where_they_are_asked_for() -> None:
    assert watched_of() == ()
    assert watched_of(resources=True) == RESOURCES
    assert watched_of(fields={"queue_depth": "meta.queue", "gpu_ratio": "gpu"}) == ("queue_depth", "gpu_ratio")


def test_a_model_that_asks_for_nothing_packs_no_more_than_latency_and_status() -> None:
    plain = watch(parse(of(), {}).models["m"])
    assert plain.observer.itemsize == 5
    assert plain.observer.containers == ()


def test_where_features_are_listed_nobody_looks_for_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("listed")
    watched.settings(path)  # makes the baseline file
    baseline = str(path / "fraud.json")
    free, listed = (parse(of(baseline=baseline, **keys), {}).models["m"] for keys in ({}, {"features": ["amount"]}))
    assert watch(free).observer.containers
    assert watch(listed).observer.known == {"amount"}
    assert watch(listed).observer.containers == ()


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """The last record of a span of an hour: serving gets slower by 6 ms an hour, and one feature is news."""
    folder = tmp_path_factory.mktemp("hour")
    watched.settings(folder)  # makes the baseline file
    model = of(resources=True, baseline=str(folder / "fraud.json"))["models"]["m"]
    settings = parse({"models": {"fraud": model}}, {})

    def change(record: Json, random: np.random.Generator) -> None:
        age_ms = record["event_time"] - watched.T0
        record["latency_ms"] = 20 + 6 * age_ms / watched.HOUR_MS + float(random.normal(0, 0.5))
        record["resources"] = {"cpu_ratio": 0.5, "queue_depth": 3}
        record["features"]["colour"] = "#c0ffee"

    traffic = watched.hours(3, watched.T0, 1, change)
    return next(one for one in reversed(watched.records(folder, settings, traffic)) if one["span"] == "1h")


def test_what_is_watched_stands_in_the_record(hour: Json) -> None:
    assert set(hour["resources"]) == {"cpu_ratio", "queue_depth"}
    assert (hour["resources"]["cpu_ratio"]["mean"], hour["resources"]["queue_depth"]["mean"]) == (0.5, 3)
    assert hour["quality"]["columns_extra"] == ["colour"]
    assert "c0ffee" not in str(hour)
    assert (hour["error_rate"], hour["success_rate"]) == (0, 1)


def test_a_span_says_where_serving_is_going(hour: Json) -> None:
    assert hour["trends"]["windows"] == 60
    slope = hour["trends"]["latency_mean_seconds"]
    low, high = slope["intervals"]["slope_per_hour"]
    assert low <= slope["slope_per_hour"] <= high
    assert slope["slope_per_hour"] == pytest.approx(0.006, rel=0.1)
    assert slope["moving_average"] == pytest.approx(hour["prediction_latency_seconds"]["mean"])
    assert hour["trends"]["accuracy"]["moving_average"] == pytest.approx(hour["metrics"]["accuracy"])
    assert hour["trends"]["throughput_per_second"]["newest"] == pytest.approx(1 / 3)
