"""A model's baseline file: read with the settings, compared with by rules."""

from pathlib import Path
from typing import Any

import pytest

from alerting.evaluator import Evaluator
from models.errors import ConfigError
from runtime.alert_plan import alert_plan
from runtime.settings import Settings
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
