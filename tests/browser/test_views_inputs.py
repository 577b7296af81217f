"""Segments, drift and quality: what they show is what stands in the records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from playwright.sync_api import Page, expect

from dashboard.message import Message
from tests.browser import views_world as world
from tests.browser.conftest import OpenPage, PageServer, Serve
from tests.browser.world import record

NOTHING = "\N{EN DASH}"
EVIL = "<img src=x onerror=globalThis.ran=true>"
OF_MODEL = f"/models/{world.MODEL}"
SEGMENTS = f"{OF_MODEL}/segments"


@pytest.fixture(scope="module")
def inputs() -> Iterator[PageServer]:
    server = PageServer()
    server.tell(*world.messages())
    yield server
    server.close()


def body(message: Message) -> Any:  # noqa: ANN401  # JSON
    return orjson.loads(message.value or b"")


def first_cells(page: Page, region: str) -> list[str]:
    return page.get_by_role("region", name=region).locator("tbody th").all_inner_texts()


def row(page: Page, name: str) -> list[str]:
    found = page.locator("tbody tr").filter(has=page.get_by_role("rowheader", name=name, exact=True)).first
    return [text.replace("\n", " ") for text in found.locator("td").all_inner_texts()]


def cpu_seconds(page: Page) -> float:
    """What the page's main thread has worked: other processes have no part in it."""
    told = page.context.new_cdp_session(page)
    told.send("Performance.enable", {"timeDomain": "threadTicks"})
    found = {one["name"]: one["value"] for one in told.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


def test_segments_stand_worst_first_with_their_intervals(inputs: PageServer, open_page: OpenPage) -> None:
    page = open_page(SEGMENTS, on=inputs)
    region = "Segments by accuracy"
    assert first_cells(page, region) == ["country=IT", "country=FR", "country=DE", "country=ES", "country="]
    assert row(page, "country=IT") == ["0.780 [0.75, 0.81]", "-0.120 worse", "200", "400", "50 %"]
    assert row(page, "country=") == [NOTHING, NOTHING, "0", "400", "0 %"]
    expect(page.get_by_role("status").last).to_contain_text("5 segments; of 1 the whole interval is worse")
    page.get_by_role("button", name="Segment", exact=True).press("Enter")
    assert first_cells(page, region)[:2] == ["country=", "country=DE"]
    expect(page.get_by_role("columnheader", name="Segment")).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("button", name="Segment")).to_be_focused()
    page.get_by_role("button", name="accuracy").click()
    page.get_by_role("button", name="accuracy").click()
    assert first_cells(page, region)[0] == "country=ES"
    assert first_cells(page, region)[-1] == "country="
    page.get_by_role("searchbox").fill("it")
    assert first_cells(page, region) == ["country=IT"]


def test_a_segment_that_gets_worse_moves_up_by_itself(open_page: OpenPage, serve: Serve) -> None:
    server = serve(*world.messages())
    page = open_page(SEGMENTS, on=server)
    worse = body(world.segment("country=ES", 0.4, 0.02)) | {"revision": 2}
    message = world.segment("country=ES", 0.4, 0.02)
    server.tell(message._replace(value=orjson.dumps(worse)))
    expect(page.locator("tbody th").first).to_have_text("country=ES")
    assert row(page, "country=ES")[:2] == ["0.400 [0.38, 0.42]", "-0.500 worse"]


def test_a_thousand_segments_stay_smooth(open_page: OpenPage, serve: Serve) -> None:
    many = [world.segment(f"merchant={i:04}", 0.5 + i / 2_500, 0.01) for i in range(1_000)]
    page = open_page(SEGMENTS, on=serve(*world.messages(), *many))
    expect(page.locator("tbody tr")).to_have_count(100)
    assert row(page, "merchant=0000")[0] == "0.500 [0.49, 0.51]"
    before_seconds = cpu_seconds(page)
    for key in ("total", "segment", "value", "labelled"):
        page.evaluate(
            "(key) => { document.querySelector(`[data-key=${key}]`).click(); document.body.offsetHeight }", key
        )
    assert (cpu_seconds(page) - before_seconds) / 4 < 0.1
    page.get_by_role("button", name="Show all 1,005 segments").click()
    expect(page.locator("tbody tr")).to_have_count(1_005)


def test_names_that_look_like_html_are_text(open_page: OpenPage, serve: Serve) -> None:
    server = serve(
        *world.messages(),
        world.segment(f"country={EVIL}", 0.1, 0.01),
        world.drifting(15, 2.0, names={"amount": EVIL}),
    )
    page = open_page(SEGMENTS, on=server)
    expect(page.locator("tbody th").first).to_have_text(f"country={EVIL}")
    page = open_page(f"{OF_MODEL}/drift", on=server)
    expect(page.get_by_role("button", name=EVIL)).to_be_visible()
    expect(page.get_by_role("heading", name=f"{EVIL}: reference against now")).to_be_visible()
    page.locator(".main-svg").nth(1).wait_for()
    assert page.locator("main img").count() == 0
    assert page.evaluate("globalThis.ran ?? false") is False


def test_drift_is_what_the_newest_span_says_and_goes_through_to_the_distributions(
    inputs: PageServer, open_page: OpenPage
) -> None:
    page = open_page(f"{OF_MODEL}/drift", on=inputs)
    told = body(world.drifting(0, 1.0))["drift"]
    expect(page.get_by_role("status").last).to_contain_text(
        f"{told['features_drifted']} of 5 features have drifted in the 1h until 18:00 (2,000 predictions)."
    )
    names = first_cells(page, "Everything that is compared")
    parts = told["features"] | {"(scores)": told["score"], "(predictions)": told["prediction"]}
    assert names == sorted(parts, key=lambda name: -parts[name]["psi"] / parts[name]["psi_threshold"])
    assert row(page, "country")[1] == f"{parts['country']['psi']:.3f} (0.100)"
    page.get_by_role("button", name="country", exact=True).press("Enter")
    shape = page.get_by_role("figure").filter(has_text="country: reference against now")
    shape.locator("summary").click()
    bins = parts["country"]["bins"]
    cells = shape.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells == [f"{round(100 * bins[side][0])} %" for side in ("reference", "now")]
    assert shape.locator("tbody th").all_inner_texts() == ["no. 1", "no. 2", "no. 3", "no. 4", "never seen"]


def test_a_cell_of_the_heat_map_shows_what_was_then(inputs: PageServer, open_page: OpenPage) -> None:
    page = open_page(f"{OF_MODEL}/drift", on=inputs)
    heat = page.get_by_role("figure").filter(has_text="PSI against its threshold")
    heat.locator(".nsewdrag").wait_for()
    place = heat.locator(".nsewdrag").bounding_box()
    assert place is not None
    # The first of seven rows is the one that drifted most; the first of 24 columns the oldest.
    page.mouse.click(place["x"] + place["width"] / 48, place["y"] + place["height"] / 14)
    expect(page.get_by_text("the 1h until 12:15;")).to_be_visible()
    expect(page.get_by_role("heading", name="amount: reference against now")).to_be_visible()
    page.get_by_role("button", name="device").click()
    expect(page.get_by_text("the 1h until 18:00;")).to_be_visible()


def test_drift_goes_on_by_itself(open_page: OpenPage, serve: Serve) -> None:
    server = serve(*world.messages())
    page = open_page(f"{OF_MODEL}/drift", on=server)
    server.tell(world.drifting(15, 0.0))
    expect(page.get_by_role("status").last).to_contain_text("in the 1h until 18:15")


def test_quality_is_what_the_newest_window_says(open_page: OpenPage, serve: Serve) -> None:
    server = serve(*world.messages())
    page = open_page(f"{OF_MODEL}/quality", on=server)
    assert first_cells(page, "Shares of the 33 predictions") == ["amount", "country", "device"]
    assert row(page, "amount") == ["31 %", "0 %", "0 %", "0 %", "4.0 %", "0 %"]
    expect(page.get_by_text("Missing in every record: age_days")).to_be_visible()
    expect(page.get_by_text("Not in the baseline: coupon")).to_be_visible()
    quality = {"features": {"amount": {"missing_ratio": 0.5}}, "columns_missing": [], "columns_extra": []}
    parts = {"total": 40, "quality": quality}
    server.tell(record(-1, world.MODEL, "v7", "binary", parts, revision=2))
    expect(page.get_by_role("region", name="Shares of the 40 predictions")).to_be_visible()
    assert row(page, "amount")[:2] == ["50 %", NOTHING]
    expect(page.get_by_text("Missing in every record")).to_have_count(0)


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("segments", "No segment has records in this span"),
        ("drift", "Nothing is compared with a baseline yet"),
        ("quality", "No record of this time tells of its inputs"),
    ],
)
def test_what_is_missing_and_what_to_do_is_said(open_page: OpenPage, view: str, told: str) -> None:
    page = open_page(f"/models/intent/{view}")
    expect(page.get_by_role("heading", name=told)).to_be_visible()
    expect(page.locator(".empty")).to_contain_text("models.NAME.")


def test_a_model_that_is_not_there_is_said(open_page: OpenPage, serve: Serve) -> None:
    page = open_page("/models/nobody/segments", on=serve())
    for view in ("Segments", "Drift", "Quality", "Service"):
        page.get_by_role("link", name=view).click()
        expect(page.get_by_role("heading", name="Nothing is held of nobody")).to_be_visible()
