"""The overview: what it says is what the records say."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.message import Message
from tests.browser.conftest import OpenPage, Serve
from tests.browser.world import record
from tests.unit.dashboard.samples import alert


def row_of(page: Page, model: str, version: str) -> Locator:
    return page.locator("tbody tr").filter(has=page.locator("small", has_text=f"{version} · ")).filter(has_text=model)


@pytest.mark.parametrize(
    ("model", "version", "state"),
    [
        ("fraud", "v1", "Healthy"),
        ("fraud", "v2", "Degraded"),
        ("vision", "v1", "No labels"),
        ("churn", "v4", "No traffic"),
        ("demand", "3", "Healthy"),
    ],
)
def test_every_version_has_its_state(open_page: OpenPage, model: str, version: str, state: str) -> None:
    page = open_page("/")
    expect(row_of(page, model, version).locator(".state")).to_have_text(state)


def window(minute: int, **parts: object) -> Message:
    made: dict[str, object] = {
        "total": 200,
        "labelled": 150,
        "label_coverage": 0.75,
        "maturity": 0.9,
        "throughput_per_second": 200 / 60,
        "metrics": {"accuracy": 0.91234, "f1": 0.5, "auc": 0.87654},
        "intervals": {"accuracy": [0.85551, 0.95449]},
        "label_latency_seconds": {"mean": 100.0, "p50": 90.5, "p95": 600.0, "p99": 900.0, "max": 1000.0},
    }
    return record(minute, "fraud", "v1", "binary", made | parts)


def test_numbers_are_those_of_the_record(open_page: OpenPage, serve: Serve) -> None:
    page = open_page("/", on=serve(window(-2), window(-1), alert(minute=300, severity="critical")))
    row = row_of(page, "fraud", "v1")
    for text in ("0.912 [0.86, 0.95]", "F1 0.500", "AUC 0.877", "75 %", "90 % of those due", "1.5 min", "p95 10 min"):
        expect(row).to_contain_text(text)
    for text in ("3.3/s", "1 critical", "accuracy-low"):
        expect(row).to_contain_text(text)


def test_a_record_moves_the_page_at_once(open_page: OpenPage, serve: Serve) -> None:
    server = serve(window(-1))
    page = open_page("/", on=server)
    expect(page.locator("#status")).to_have_text("Live")
    later = record(
        -1, "fraud", "v1", "binary", {"total": 200, "labelled": 180, "metrics": {"accuracy": 0.5}}, revision=2
    )
    server.tell(later)
    expect(row_of(page, "fraud", "v1")).to_contain_text("0.500", timeout=30_000)


def test_without_any_model_it_says_what_to_do(open_page: OpenPage, serve: Serve) -> None:
    server = serve()
    page = open_page("/", on=server)
    expect(page.get_by_role("heading", name="No model has sent anything yet")).to_be_visible()
    expect(page.locator(".empty")).to_contain_text("hindcast check")
    server.tell(window(-1))
    expect(row_of(page, "fraud", "v1")).to_be_visible(timeout=5_000)


def test_many_models_can_be_searched_and_opened_by_keyboard(open_page: OpenPage, serve: Serve) -> None:
    many = [record(-1, f"model-{i:02}", "v1", "binary", {"total": 1, "labelled": 0, "metrics": {}}) for i in range(30)]
    page = open_page("/", on=serve(*many))
    expect(page.locator("tbody tr")).to_have_count(30)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_label("Find a model").fill("17")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="model-17")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("model-17")
