"""A model's baseline file: read with the settings, compared with by rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from alerting.evaluator import Evaluator
from models.errors import ConfigError
from runtime.alert_plan import alert_plan
from runtime.alert_spans import silent_drift
from runtime.check import describe
from runtime.settings import Settings
from runtime.settings.alerts_build import resolved
from runtime.settings.load import parse

GOOD = '{"schema": "hindcast.baseline/1", "performance": {"accuracy": 0.96, "recall": 0.8}, "records": 900}'


def settings(path: Path, **rule: object) -> Settings:
    rules = [{"name": "down", "metric": "accuracy", "drop_from_baseline": 0.1, "severity": "critical", **rule}]
    tree: dict[str, Any] = {
        "models": {"fraud": {"predictions": {"topic": "p"}, "baseline": str(path)}},
        "alerts": {"packs": [], "rules": rules},
    }
    return parse(tree, {})


def record(accuracy: float) -> dict[str, object]:
    return {
        "model": "fraud", "model_version": "v1", "segment": "", "span": "60s", "revision": 1, "final": False,
        "window_start": "2026-11-21T10:00:00Z", "window_end": "2026-11-21T10:01:00Z", "total": 900, "labelled": 800,
        "label_coverage": 0.9, "metrics": {"accuracy": accuracy}, "intervals": {},
    }  # fmt: skip


@pytest.mark.parametrize("path", ["accuracy", "metrics.accuracy"])
@pytest.mark.parametrize(("accuracy", "fires"), [(0.85, True), (0.88, False)])
def test_a_rule_compares_with_the_file_from_the_first_window_on(
    tmp_path: Path, path: str, accuracy: float, fires: bool
) -> None:
    file = tmp_path / "fraud.json"
    file.write_text(GOOD)
    plan = alert_plan(settings(file, metric=path))
    evaluator = Evaluator(plan.rules, plan.options, {})
    evaluator.take(record(accuracy), now_ms=1_763_719_270_000)
    alerts = evaluator.outbox()
    assert [alert.rule for alert in alerts] == (["down"] if fires else [])
    assert all("0.96" in alert.summary for alert in alerts)


def test_check_says_in_one_line_what_the_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "fraud.json"
    category = {"type": "categorical", "categories": ["a"], "counts": [0, 1, 0, 0, 0, 3]}
    scores = {"predicted_negatives": [3], "predicted_positives": [1]}
    tree: dict[str, Any] = json.loads(GOOD) | {"records": 20_000, "features": {"kind": category}}
    said = []
    for more in ({}, {"scores": scores}, {"scores": scores | {"negatives": [2], "positives": [2]}}):
        file.write_text(json.dumps(tree | more))
        lines = describe("fraud", settings(file).models["fraud"])
        said += [line for line in lines if "baseline" in line]
    assert said == [
        f"  baseline of 20,000 records, 1 features, {scores}, 2 metrics; drift over 1h"
        for scores in ("no scores", "scores without labels", "scores with labels")
    ]


def test_a_rule_about_nulls_compares_with_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fraud.json"
    category = {"type": "categorical", "categories": ["a"], "counts": [1, 1, 0, 0, 0, 8]}
    file.write_text(json.dumps(json.loads(GOOD) | {"features": {"kind": category}}))
    plan = alert_plan(
        settings(file, metric="quality.features.*.missing_ratio", drop_from_baseline=None, rise_from_baseline=1)
    )
    evaluator = Evaluator(plan.rules, plan.options, {})
    evaluator.take(record(0.9) | {"quality": {"features": {"kind": {"missing_ratio": 0.41}}}}, 1_763_719_270_000)
    (alert,) = evaluator.outbox()
    assert alert.threshold == 0.4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file (hindcast baseline build makes one)"),
        ("{", "fraud.json"),
        ('{"performance": {}}', "schema"),
        ('{"schema": "other/1"}', "schema is not hindcast.baseline/1"),
        ('{"schema": "hindcast.baseline/1", "performance": {"acuracy": 1}}', "did you mean accuracy?"),
        ('{"schema": "hindcast.baseline/1", "performance": {"accuracy": "high"}}', "float"),
        ('{"schema": "hindcast.baseline/1", "perfomance": {}}', "unknown field `perfomance`"),
        (
            '{"schema": "hindcast.baseline/1", "prediction": {"type": "categorical", "categories": [], "counts": []}}',
            "prediction",
        ),
    ],
)
def test_a_wrong_file_is_one_line_with_its_key_path(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "fraud.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        settings(file)
    (problem,) = caught.value.problems
    assert problem.startswith("models.fraud.baseline: ")
    assert said in problem


def test_check_warns_of_rules_about_drift_that_never_judge(tmp_path: Path) -> None:
    file = tmp_path / "fraud.json"
    category = {"type": "categorical", "categories": ["a"], "counts": [1, 1, 0, 0, 0, 8]}
    file.write_text(json.dumps(json.loads(GOOD) | {"features": {"kind": category}}))
    rules = [
        {"name": "mine", "metric": "drift.features.*.psi", "above": 0.2, "over": "2h"},
        {"name": "counted", "metric": "drift.features.*.psi", "above": 0.2, "over": "1000 records"},
        {"name": "minutely", "metric": "drift.score.psi", "above": 0.2},
        {"name": "accuracy", "metric": "accuracy", "below": 0.5, "over": "1h"},
    ]

    def warned(**model: object) -> list[str]:
        fraud = {"predictions": {"topic": "p"}, **model}
        found = parse({"models": {"fraud": fraud}, "alerts": {"packs": [], "rules": rules}}, {})
        return list(silent_drift(resolved(found.alerts), found))

    line = "models.fraud.drift.over: no record of less than {} holds drift, so {} never judge"
    assert warned(baseline=str(file)) == [line.format("1h", "minutely")]
    assert warned(baseline=str(file), drift={"over": "3h"}) == [line.format("3h", "mine, minutely")]
    assert warned(baseline=str(file), drift={"over": "60s"}) == []
    assert warned(baseline=str(file), drift={"over": "500 records"}) == []
    assert warned(drift={"over": "3h"}) == []
