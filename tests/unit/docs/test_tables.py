"""The pages' tables say what the code says."""

import json
import re
from pathlib import Path

import pytest

from docs import bench_table, config_table, coverage_table, markers, records_table, rules_table
from runtime.settings import ReceiverSettings, RuleSettings, Settings

ROOT = Path(__file__).parents[3]
PROGRAM = {"events_per_second": 123_456.7, "cpu_us_per_event": 5.04, "peak_rss_bytes": 300 << 20}
RESULT = {
    "setting": "full",
    "programs": {"plain_faust": PROGRAM, "one_worker": PROGRAM},
    "environment": {"cores": 2, "processor": "some chip", "measured_at": "2026-11-21T10:00:00"},
    "targets": [{"what": "recovery", "reached": 9e5, "bound": 8e5, "unit": "events/s", "at_least": True, "met": True}],
    "failed": [],
}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("section", config_table.SECTIONS)
def test_the_configuration_page_has_every_key_with_its_default(section: str) -> None:
    assert config_table.table(section) in page("configuration.md")


def test_no_explained_key_has_left_the_settings() -> None:
    known = {
        f"{section}.{field.alias or name}"
        for section, settings in config_table.SECTIONS.items()
        for name, field in settings.model_fields.items()
    }
    assert set(config_table.MEANINGS) == known - config_table.WHOLE - {"models.NAME.labels", "models.NAME.predictions"}


def test_every_section_of_the_file_is_on_the_configuration_page() -> None:
    sections = {section.partition(".")[0] for section in config_table.SECTIONS}
    assert sections | {"sinks", "smoke_test"} == set(Settings.model_fields)


def test_the_records_page_has_every_code_and_name() -> None:
    assert records_table.codes() in page("records.md")
    assert records_table.names() in page("records.md")


def test_the_operations_page_has_the_topics_as_they_are_created() -> None:
    assert records_table.topics() in page("operations.md")


def test_the_alerting_page_has_every_rule_of_every_pack() -> None:
    assert rules_table.table() in page("alerting.md")


def test_the_alerting_page_explains_every_key_of_a_rule_and_every_channel() -> None:
    text = page("alerting.md")
    keys = {field.alias or name for name, field in RuleSettings.model_fields.items()}
    assert [key for key in (keys | set(ReceiverSettings.model_fields)) if f"`{key}`" not in text] == []


def test_a_part_of_a_page_is_replaced_and_the_rest_stays() -> None:
    before = "a\n<!-- x:begin by hand -->\nold\n<!-- x:end -->\nb\n"
    after = "a\n<!-- x:begin by hand -->\n\nnew \\1\n\n<!-- x:end -->\nb\n"
    assert markers.filled(before, "x", "new \\1") == after
    assert markers.filled(after, "x", "new \\1") == after


def test_a_page_without_the_part_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 times"):
        markers.filled("a\n", "x", "new")


def test_the_bench_tables_hold_the_figures_of_the_result_file() -> None:
    result = json.loads(json.dumps(RESULT))
    assert "| **Hindcast, one worker** | 123,457 | 5.0 |" in bench_table.short(result)
    assert "| plain Faust | 123,457 | 5.0 | 300 |" in bench_table.full(result)
    assert "| recovery | 900,000 events/s | ≥ 800,000 events/s | yes |" in bench_table.full(result)
    assert "2 cores (some chip)" in bench_table.full(result)


@pytest.mark.parametrize("name", ["README.md", "docs/benchmarks.md"])
def test_the_pages_with_figures_have_their_place(name: str) -> None:
    markers.filled((ROOT / name).read_text(encoding="utf-8"), "bench", "")


def test_the_statistics_page_has_the_coverage_that_was_measured() -> None:
    assert coverage_table.table() in page("statistics.md")


def test_every_oracle_that_the_statistics_page_names_is_a_test() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", page("statistics.md"))
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).is_file()] == []
