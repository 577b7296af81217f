"""The packs' rules that need no labels, on records of Hindcast's own making: quiet on clean ones, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerting.metric_paths import is_known
from alerting.packs import PACKS
from alerting.rule import Rule
from models.metric_record import ms_of_iso
from runtime.alert_plan import alert_plan
from runtime.settings import Settings
from tests.support.watched import HOUR_MS, T0, Change, Traffic, hours, records, settings
from tests.unit.alerting.rule_records import Desk

CAUSES = {"prediction", "drift", "quality", "service"}
WATCHING = {rule.name for rules in PACKS.values() for rule in rules if rule.cause in CAUSES}
OWN = [
    {"name": "estimate-off", "metric": "estimated.reliable", "below": 0.5, "over": "1h", "cause": "outcome"},
    {"name": "amount-drifted", "metric": "drift.features.amount.drifted", "above": 0.5, "over": "1h"},
    {
        "name": "estimate-low",
        "metric": "estimated.metrics.auc",
        "drop_from_baseline": 0.1,
        "over": "1h",
        "certain": True,
    },
]
MINE = {str(rule["name"]) for rule in OWN}
HOURS = 2
LATER = T0 + 10 * HOUR_MS
TEXTS = {"method", "gap_metric", "reason", "over", "kinds", "since"}
"""Not numbers, so no rule can judge them; ``kinds`` is judged by its length."""


class World:
    """A model, the rules of all packs, and clean hours from which latency and errors are learned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: Settings = settings(folder, packs=list(PACKS), rules=OWN, baseline_windows=6)
        self.plan = alert_plan(self.settings)
        self.rules: list[Rule] = [rule for rule in self.plan.rules if rule.name in WATCHING | MINE]
        self.clean = self.records(hours(1, T0, HOURS))

    def records(self, traffic: Traffic) -> list[dict[str, Any]]:
        return records(self.folder, self.settings, traffic)

    def fired(self, degraded: list[dict[str, Any]]) -> set[str]:
        """What fires once the clean hours are followed by these; nothing did before."""
        desk = Desk(self.rules, self.plan.options)
        for one in self.clean:
            desk.take(one, at=ms_of_iso(one["window_end"]) + 40_000)
        assert desk.told == []
        for one in degraded:
            desk.take(one, at=ms_of_iso(one["window_end"]) + 40_000)
        return {event.rule for event in desk.told}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("watched"))


def drifted(*features: str) -> Change:
    def change(record: dict[str, Any], _: np.random.Generator) -> None:
        for name in features:
            value = record["features"][name]
            record["features"][name] = "US" if name == "country" else None if value is None else 2 * value + 1

    return change


def null(feature: str, share: float) -> Change:
    """Half of them null, half of them not there."""

    def change(record: dict[str, Any], random: np.random.Generator) -> None:
        if random.random() < share:
            record["features"][feature] = None
            if random.random() < 0.5:
                del record["features"][feature]

    return change


def unsure(record: dict[str, Any], _: np.random.Generator) -> None:
    """The same decisions, scores halfway to the threshold."""
    record["score"] = 0.5 + (record["score"] - 0.5) / 3


def all_same(record: dict[str, Any], _: np.random.Generator) -> None:
    record |= {"score": 0.1, "prediction": 0}


def failing(share: float) -> Change:
    """A failed prediction is none: its record has neither score nor class."""

    def change(record: dict[str, Any], random: np.random.Generator) -> None:
        if random.random() < share:
            del record["score"], record["prediction"]
            record |= {"status": "error", "error_type": "timeout"}

    return change


def failing_over(record: dict[str, Any], random: np.random.Generator) -> None:
    """An error, and a prediction all the same: a default stood in."""
    if random.random() < 0.1:
        record |= {"status": "error", "error_type": "timeout"}


def slower(factor: float) -> Change:
    def change(record: dict[str, Any], _: np.random.Generator) -> None:
        record["latency_ms"] *= factor

    return change


PSI = {"psi-high-warning", "psi-high-critical"}
ERRORS = {"serving-errors-high", "errors-high-warning", "errors-high-critical"}
UNTRUE = {"estimate-low", "estimate-off"}
"""Scores that do not mean any more what they meant in the reference."""
SHIFT = {"prediction-shift", "fraud-prediction-drift"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (None, set()),
        (drifted("amount"), {"drift-on-a-feature", "amount-drifted"} | PSI),
        (drifted("age", "country", "balance"), {"drift-on-a-feature"} | PSI),
        (drifted("age", "country", "balance", "hour"), {"drift-on-a-feature", "drift-on-many-features"} | PSI),
        (null("amount", 0.05), {"nulls-doubled", "drift-on-a-feature", "amount-drifted"}),
        (null("amount", 0.005), set()),
        (
            null("country", 0.4),
            {"nulls-doubled", "missing-above-10", "missing-above-30", "drift-on-a-feature"} | PSI,
        ),
        (unsure, {"confidence-down"} | UNTRUE | SHIFT),
        (all_same, {"model-collapse"} | UNTRUE | SHIFT),
        (failing(0.03), {"serving-errors-high", "errors-high-warning"}),
        (failing(0.1), ERRORS),
        (failing_over, ERRORS),
        (failing(1.0), ERRORS),
        (slower(5), {"serving-latency-high"}),
        (slower(20), {"serving-latency-high", "latency-high-warning"}),
        (slower(100), {"serving-latency-high", "latency-high-warning", "latency-high-critical"}),
    ],
    ids=[
        "clean", "one feature", "three features", "four features", "nulls tripled", "a few nulls more",
        "40 % missing", "unsure", "all the same", "3 % fail", "10 % fail", "10 % fall back", "all fail",
        "slower", "slow", "very slow",
    ],
)  # fmt: skip
def test_each_rule_fires_on_what_its_sentence_says_and_on_nothing_else(
    world: World, change: Change | None, expected: set[str]
) -> None:
    assert world.fired(world.records(hours(2, LATER, HOURS, change))) == expected


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_little_clean_traffic_is_no_drift(world: World, seed: int) -> None:
    """120 records an hour: PSI passes 0.1 by chance in most of these."""
    clean = hours(seed, LATER, HOURS)
    found = world.records(Traffic(clean.predictions[::10], clean.labels[::10]))
    compared = [record["drift"]["features"] for record in found if "drift" in record]
    assert max(one["psi"] for features in compared for one in features.values()) > 0.1
    assert world.fired(found) == set()


def test_labels_that_say_otherwise_than_the_scores_make_the_estimate_unreliable(world: World) -> None:
    found = world.records(hours(2, LATER, HOURS, flipped=0.3))
    assert world.fired(found) == {"estimate-off"}
    assert found[-1]["drift"]["kinds"][-1] == "concept"


def test_every_rule_that_needs_no_label_is_tried_here() -> None:
    tried = {name for mark in test_each_rule_fires_on_what_its_sentence_says_and_on_nothing_else.pytestmark  # type: ignore[attr-defined]
             for _, expected in mark.args[1] for name in expected}  # fmt: skip
    assert tried | {"estimate-off"} == WATCHING | MINE


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(below, (*path, name))
    elif path[-1] not in TEXTS and not isinstance(value, str):
        yield ".".join(path)


def test_a_rule_may_name_whatever_number_flag_or_list_stands_in_drift_quality_and_estimates(world: World) -> None:
    parts = ("metrics", "prediction_latency_seconds", "errors", "failed", "quality", "drift", "estimated")
    told = [path for part in parts for path in leaves(world.clean[-1][part], (part,))]
    assert "drift.features.amount.binning_error.ks" in told
    for_the_eye = ("estimated.intervals.", ".bins.")
    unknown = [path for path in told if not any(one in path for one in for_the_eye) and not is_known(path)]
    assert unknown == []


def test_what_is_usual_is_known_from_the_first_window_on(world: World) -> None:
    usual = world.plan.options.baselines["fraud"]
    shares = [usual[f"quality.features.{name}.missing_ratio"] for name in ("amount", "age")]
    assert shares == [pytest.approx(0.02, abs=0.005), 0.0]
    assert usual["confidence"] == usual["mean_confidence"] == usual["metrics.mean_confidence"] > 0.8
    assert 0 < usual["top_score_share"] < 1
    assert usual["estimated.metrics.auc"] == usual["auc"]
