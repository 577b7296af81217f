"""What the chart holds of the settings is what the settings say."""

from __future__ import annotations

import pytest
import yaml

from docs.chart_files import CHART, written
from models.topics import catalogue


@pytest.mark.parametrize("name", ["values.schema.json", "files/topics.yaml"])
def test_the_charts_generated_files_are_up_to_date(name: str) -> None:
    assert (CHART / name).read_text(encoding="utf-8") == written()[name], "run python -m docs.chart_files"


def test_every_topic_of_ours_is_among_those_for_strimzi() -> None:
    found = yaml.safe_load((CHART / "files" / "topics.yaml").read_text(encoding="utf-8"))
    assert [topic["name"] for topic in found] == list(catalogue("", 2, 0))
