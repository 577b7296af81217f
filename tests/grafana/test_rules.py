"""Rules for Prometheus: accepted by its own tool, tried on made-up series, and each with its runbook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from telemetry.series import CATALOGUE
from tests.support.boards import exposed, selectors
from tests.support.prometheus import RULES, promtool

FILES: Final = RULES[0].parent
ROOT: Final = Path(__file__).parents[2]
TESTS: Final = sorted(FILES.glob("*.test.yaml"))


def rules() -> list[dict[str, Any]]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


ALERTS: Final = {rule["alert"]: rule for rule in rules() if "alert" in rule}


@pytest.mark.usefixtures("prometheus_programs")
def test_prometheus_accepts_the_rules() -> None:
    assert len(RULES) == 2
    code, said = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)
    assert (code, said.count("SUCCESS")) == (0, len(RULES)), said


@pytest.mark.usefixtures("prometheus_programs")
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_rules_say_what_they_should_of_made_up_series(path: Path) -> None:
    code, said = promtool("test", "rules", path, cwd=FILES)
    assert code == 0, said


def test_every_alert_is_tried_firing_and_not_firing() -> None:
    cases = [
        (case["alertname"], bool(case.get("exp_alerts")))
        for path in TESTS
        for story in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for case in story.get("alert_rule_test", ())
    ]
    assert {name for name, fires in cases if fires} == ALERTS.keys()
    assert {name for name, fires in cases if not fires} == ALERTS.keys()


def test_rules_read_series_and_labels_that_we_have() -> None:
    labels = {name: found for series in CATALOGUE.values() for name, found in exposed(series).items()}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    of_prometheus = {"namespace", "pod", "instance"}
    for rule in rules():
        for name, by in selectors(rule["expr"]):
            assert name in recorded or by <= labels[name] | of_prometheus, (name, by)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_leads_to_a_runbook_that_knows_it(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()
    assert f"`{name}`" in (ROOT / rule["annotations"]["runbook_url"]).read_text("utf-8")


def test_the_guide_tells_of_every_alert_about_hindcast_itself() -> None:
    guide = (ROOT / "docs" / "grafana.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(Hindcast\w+)` \| (\w+) \|", guide, re.MULTILINE))
    assert told == {name: rule["labels"]["severity"] for name, rule in ALERTS.items() if name.startswith("Hindcast")}


def test_the_queries_of_the_guide_are_promql_about_series_that_we_have() -> None:
    guide = (ROOT / "docs" / "grafana.md").read_text("utf-8")
    queries = re.findall(r"^\| [^|`]+ \| `([^`]+)` \|$", guide, re.MULTILINE)
    known = {name for series in CATALOGUE.values() for name in exposed(series)}
    assert len(queries) == 8
    assert {name for query in queries for name, _ in selectors(query)} <= known


def test_no_page_about_hindcast_itself_belongs_to_no_rule() -> None:
    pages = {f"docs/runbooks/{path.name}" for path in (ROOT / "docs" / "runbooks").glob("hindcast-*.md")}
    assert pages <= {rule["annotations"]["runbook_url"] for rule in ALERTS.values()}
