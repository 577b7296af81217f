"""What the chart holds of the settings is what the settings say."""

from __future__ import annotations

import pytest
import yaml

from docs.chart_files import CHART, written
from models.topics import catalogue
from telemetry.series import CATALOGUE


@pytest.mark.parametrize("name", ["values.schema.json", "files/topics.yaml"])
def test_the_charts_generated_files_are_up_to_date(name: str) -> None:
    assert (CHART / name).read_text(encoding="utf-8") == written()[name], "run python -m docs.chart_files"


def test_every_topic_of_ours_is_among_those_for_strimzi() -> None:
    found = yaml.safe_load((CHART / "files" / "topics.yaml").read_text(encoding="utf-8"))
    assert [topic["name"] for topic in found] == list(catalogue("", 2, 0))


def test_every_series_that_a_rule_of_prometheus_reads_is_one_of_ours() -> None:
    groups = yaml.safe_load((CHART / "files" / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    words = {word for group in groups for rule in group["rules"] for word in rule["expr"].replace("(", " ").split()}
    read = {word.partition("{")[0].partition("[")[0].rstrip(")") for word in words if word.startswith("hindcast_")}
    assert read
    assert read <= CATALOGUE.keys()
