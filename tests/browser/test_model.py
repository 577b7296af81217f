"""The view of a model: its charts hold the numbers of the records."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.answers import LineItem
from tests.browser.conftest import OpenPage, PageServer, Serve
from tests.browser.world import DEPLOYED_MINUTE, END_MS, record
from tests.unit.dashboard.samples import MINUTE_MS, alert


def chart(page: Page, title: str) -> dict[str, Any]:
    """Traces, shapes and texts of a drawn chart."""
    figure = page.locator("figure").filter(has=page.get_by_role("heading", name=title, exact=True))
    figure.scroll_into_view_if_needed()
    figure.locator(".main-svg").first.wait_for()
    found: dict[str, Any] = figure.locator(".chart").evaluate(
        """(one) => ({
          traces: one.data.map(({name, x, y}) => ({name, x: [...x ?? []], y: [...y ?? []]})),
          shapes: (one.layout.shapes ?? []).map(({type, x0, x1, y0}) => ({type, x0: +x0, x1: +x1, y0})),
          texts: (one.layout.annotations ?? []).map(({text}) => text),
        })"""
    )
    return found


def minute_of(time_ms: int) -> int:
    return (time_ms - END_MS) // MINUTE_MS


def test_a_metric_stands_over_time_with_final_and_provisional_windows(open_page: OpenPage, server: PageServer) -> None:
    page = open_page("/models/fraud?version=v1&span=6h")
    drawn = chart(page, "Accuracy")
    named = {trace["name"]: trace for trace in drawn["traces"] if trace["name"]}
    held = server.site.store.metrics
    windows = [held.windows(name) for name in held.series if name[:2] == ("fraud", "v1") and name[2:] == ("", "60s")]
    records = [one.decoded() for one in windows[0]]
    final = [one["metrics"]["accuracy"] for one in records if one["final"]]
    assert named["accuracy"]["y"] == final
    assert named["accuracy, provisional"]["y"] == final[-1:] + [
        one["metrics"]["accuracy"] for one in records if not one["final"]
    ]
    [deployed] = [one for one in drawn["shapes"] if one["type"] == "line" and minute_of(one["x0"]) == DEPLOYED_MINUTE]
    assert deployed
    assert "v2 deployed" in drawn["texts"]


def test_an_alert_is_shaded_and_its_threshold_is_a_line(open_page: OpenPage) -> None:
    drawn = chart(open_page("/models/fraud?version=v2"), "Accuracy")
    [shaded] = [one for one in drawn["shapes"] if one["type"] == "rect"]
    assert (minute_of(shaded["x0"]), minute_of(shaded["x1"])) == (-40, 0)
    assert 0.85 in [one["y0"] for one in drawn["shapes"]]
    assert "accuracy-low 0.850" in drawn["texts"]


def test_configured_thresholds_and_baselines_are_lines(open_page: OpenPage, serve: Serve) -> None:
    usual: dict[str, Any] = {
        "model": "fraud",
        "metric": "accuracy",
        "rule": "",
        "severity": "",
        "span": "",
        "bad": None,
    }
    lines = (
        LineItem(**usual | {"kind": "baseline", "value": 0.93}),
        LineItem(**usual | {"kind": "threshold", "value": 0.8, "rule": "low", "severity": "critical", "bad": "below"}),
        LineItem(**usual | {"metric": "f1", "kind": "baseline", "value": 0.7}),
    )
    server = serve(
        *(
            record(i, "fraud", "v1", "binary", {"total": 9, "labelled": 9, "metrics": {"accuracy": 0.9, "f1": 0.6}})
            for i in (-2, -1)
        )
    )
    server.site.store.lines = lines
    page = open_page("/models/fraud", on=server)
    assert [one["y0"] for one in chart(page, "Accuracy")["shapes"]] == [0.93, 0.8]
    page.get_by_label("Metric").select_option(label="F1")
    expect(page.locator("figure").first.get_by_role("heading")).to_have_text("F1")
    assert [one["y0"] for one in chart(page, "F1")["shapes"]] == [0.7]
    assert "metric=f1" in page.url


def test_calibration_curves_and_confusion_are_those_of_the_chosen_time(open_page: OpenPage, serve: Serve) -> None:
    def parts(n: int) -> dict[str, object]:
        return {
            "total": 4 * n,
            "labelled": 4 * n,
            "metrics": {"accuracy": 0.75},
            "confusion": {"tp": n, "fp": n, "fn": 0, "tn": 2 * n},
            "calibration": [
                {"lower": 0.1, "upper": 0.2, "count": 2 * n, "mean_score": 0.1, "positive_rate": 0.0},
                {"lower": 0.9, "upper": 1.0, "count": 2 * n, "mean_score": 0.9, "positive_rate": 0.5},
            ],
            "score_histogram": {"lower": [0.1, 0.9], "negatives": [2 * n, n], "positives": [0, n]},
        }

    old, new = (record(i, "fraud", "v1", "binary", parts(n)) for i, n in ((-90, 1000), (-1, 3)))
    server = serve(old, new, record(-2, "fraud", "v1", "binary", parts(7)))
    page = open_page("/models/fraud?span=1h", on=server)
    expect(page.locator(".confusion td")).to_have_count(4)
    cells = page.locator(".confusion td").all_inner_texts()
    assert [cell.split()[0] for cell in cells] == ["10", "0", "10", "20"]  # true positives first
    observed = chart(page, "Calibration")["traces"]
    assert (observed[0]["y"], observed[2]["x"], observed[2]["y"]) == ([20, 20], [0.1, 0.9], [0.0, 0.5])
    roc = chart(page, "ROC")["traces"][1]
    assert list(zip(roc["x"], roc["y"], strict=True)) == [(0, 0), (pytest.approx(1 / 3), 1), (1, 1)]
    recall = chart(page, "Precision and recall")["traces"][1]
    assert list(zip(recall["x"], recall["y"], strict=True)) == [(1, 0.5), (1, 0.25)]
    shares = chart(page, "Scores by class")["traces"]
    assert ([round(one, 3) for one in shares[0]["y"]], shares[1]["y"]) == ([0.667, 0.333], [0, 1])


def test_regressions_and_several_classes_have_views_of_their_own(open_page: OpenPage) -> None:
    page = open_page("/models/demand")
    assert chart(page, "RMSE")["traces"]
    expect(page.get_by_role("heading", name="Confusion")).to_have_count(0)
    page = open_page("/models/intent")
    table = page.locator(".confusion")
    expect(table.locator("tbody tr")).to_have_count(4)
    assert table.locator("tbody th").all_inner_texts() == ["refund", "delivery", "invoice", "other"]
    expect(page.get_by_role("table", name="Classes").locator("tbody tr")).to_have_count(4)


def test_a_chart_is_also_a_table(open_page: OpenPage) -> None:
    page = open_page("/models/fraud?version=v1")
    figure = page.locator("figure").first
    figure.get_by_text("As a table").click()
    expect(figure.locator("tbody tr")).to_have_count(180)
    expect(figure.locator("caption")).to_contain_text("with 95 % intervals")
    expect(figure.locator("tbody tr").first.locator("td").last).to_have_text("provisional")


def test_version_and_time_stand_in_the_address(open_page: OpenPage) -> None:
    page = open_page("/models/fraud?version=v1")
    page.get_by_label("Version").select_option("v2")
    page.get_by_role("button", name="1h").click()
    page.wait_for_url("**version=v2&span=1h")
    expect(page.locator(".state")).to_have_text("Degraded")
    page.reload()
    expect(page.get_by_role("button", name="1h")).to_have_attribute("aria-pressed", "true")


def test_news_of_the_shown_version_are_drawn(open_page: OpenPage, serve: Serve) -> None:
    server = serve(record(-1, "fraud", "v1", "binary", {"total": 9, "labelled": 5, "metrics": {"accuracy": 0.9}}))
    page = open_page("/models/fraud", on=server)
    expect(page.locator("#status")).to_have_text("Live")
    server.tell(record(0, "fraud", "v1", "binary", {"total": 9, "labelled": 9, "metrics": {"accuracy": 0.25}}))
    expect(page.locator("[data-number=accuracy]")).to_contain_text("0.250", timeout=30_000)
    assert chart(page, "Accuracy")["traces"][-1]["y"] == [0.9, 0.25]


def test_a_model_without_windows_or_that_nobody_knows_says_so(open_page: OpenPage, serve: Serve) -> None:
    rolled = record(-60, "fraud", "v1", "binary", {"total": 1, "metrics": {}}, span="1h", minutes=60, rolling=True)
    server = serve(rolled, alert(model="other"))
    expect(
        open_page("/models/fraud", on=server).get_by_role("heading", name="No window of this version is over yet")
    ).to_be_visible()
    expect(
        open_page("/models/nobody", on=server).get_by_role("heading", name="Nothing is held of this model")
    ).to_be_visible()
