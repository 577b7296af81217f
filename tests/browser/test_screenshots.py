"""The pictures of the README, of the simulated afternoon: written anew by every run."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.conftest import OpenPage

IMAGES = Path(__file__).parents[2] / "docs/images"
LAPTOP = ViewportSize(width=1200, height=620)
LONG = ViewportSize(width=1200, height=1180)
PHONE = ViewportSize(width=390, height=844)


@pytest.mark.parametrize(
    ("name", "path", "viewport", "theme"),
    [
        ("overview", "/", LAPTOP, "light"),
        ("overview-dark", "/", LAPTOP, "dark"),
        ("overview-phone", "/", PHONE, "light"),
        ("model", "/models/fraud?version=v2", LONG, "light"),
        ("model-dark", "/models/fraud?version=v2", LONG, "dark"),
        ("model-phone", "/models/fraud?version=v2", PHONE, "dark"),
    ],
)
def test_a_screenshot_is_taken(open_page: OpenPage, name: str, path: str, viewport: ViewportSize, theme: str) -> None:
    page = open_page(path, viewport=viewport, color_scheme=theme, device_scale_factor=1)
    expect(page.locator("#status")).to_have_text("Live")
    in_sight = page.locator("figure .chart").filter(visible=True)
    for i in range(in_sight.count()):
        box = in_sight.nth(i).bounding_box()
        if box is not None and box["y"] < viewport["height"]:
            in_sight.nth(i).locator(".main-svg").first.wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"], "nothing may stand out of the page"
    page.screenshot(path=IMAGES / f"page-{name}.png", animations="disabled")
