from pathlib import Path

import pytest

from dashboard.answers import LineItem
from metrics.reference import SCHEMA
from runtime.page_lines import page_lines
from runtime.settings import Settings, parse


def lines(tmp_path: Path, *rules: dict[str, object], usual: str = "") -> list[LineItem]:
    model: dict[str, object] = {"predictions": {"topic": "p"}, "labels": {"topic": "l"}}
    if usual:
        file = tmp_path / "fraud.json"
        file.write_text(f'{{"schema": "{SCHEMA}", "performance": {usual}}}')
        model["baseline"] = str(file)
    alerts = {"packs": [], "rules": [rule | {"priority": "P2", "severity": "warning"} for rule in rules]}
    settings: Settings = parse({"models": {"fraud": model}, "alerts": alerts}, {})
    return list(page_lines(settings))


def told(found: list[LineItem]) -> list[tuple[str, str, str, float, str | None]]:
    return [(one.model, one.metric, one.kind, round(one.value, 6), one.bad) for one in found]


def test_thresholds_say_of_which_metric_and_on_which_side(tmp_path: Path) -> None:
    found = lines(
        tmp_path,
        {"name": "low", "metric": "accuracy", "below": 0.8, "over": "1h"},
        {"name": "odd", "metric": "metrics.mean_score", "outside": [0.2, 0.6], "model": "fraud"},
        {"name": "each", "metric": "drift.features.*.psi", "above": 0.2},
    )
    assert told(found) == [
        ("", "accuracy", "threshold", 0.8, "below"),
        ("fraud", "mean_score", "threshold", 0.2, "below"),
        ("fraud", "mean_score", "threshold", 0.6, "above"),
    ]
    assert (found[0].rule, found[0].severity, found[0].span) == ("low", "warning", "1h")


@pytest.mark.parametrize("usual", ["", '{"accuracy": 0.9}'])
def test_what_is_relative_to_a_baseline_needs_its_file(tmp_path: Path, usual: str) -> None:
    found = lines(tmp_path, {"name": "fallen", "metric": "accuracy", "drop_from_baseline": 0.1}, usual=usual)
    wanted = [
        ("fraud", "accuracy", "baseline", 0.9, None),
        ("fraud", "accuracy", "threshold", 0.81, "below"),
    ]
    assert told(found) == (wanted if usual else [])
