"""The frame of the page: addresses, the policy, the theme, the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dashboard.pages import PATHS, POLICY
from tests.browser.conftest import OpenPage, PageServer


def test_every_view_of_the_page_is_served_and_nothing_else(open_page: OpenPage, server: PageServer) -> None:
    page = open_page("/")
    told = page.evaluate(
        "async () => (await import(document.querySelector('script[type=module]').src.replace('app.js', 'routes.js')))"
        ".VIEWS.map((one) => one.view.path)"
    )
    assert set(told) == {re.sub(r":[^}]*", "", path) for path in PATHS}


def test_scripts_and_styles_come_from_files_of_ours_alone(open_page: OpenPage) -> None:
    page = open_page("/models/fraud", errors=True)
    page.locator(".main-svg").first.wait_for()
    assert "unsafe" not in POLICY
    refused = page.evaluate(
        """async () => {
          const told = [];
          document.addEventListener("securitypolicyviolation", (event) => told.push(event.violatedDirective));
          const script = document.createElement("script");
          script.textContent = "globalThis.ran = true";
          document.body.append(script);
          const image = document.createElement("img");
          image.setAttribute("onerror", "globalThis.ran = true");
          image.src = "http://127.0.0.1:9/x.png";
          await new Promise((done) => setTimeout(done, 200));
          return [told.sort(), globalThis.ran ?? false];
        }"""
    )
    assert refused[1] is False
    assert {"script-src-elem", "img-src"} <= set(refused[0])


@pytest.mark.parametrize(("theme", "is_dark"), [("light", False), ("dark", True)])
def test_the_theme_is_the_systems_until_one_is_chosen(open_page: OpenPage, theme: str, *, is_dark: bool) -> None:
    page = open_page("/", color_scheme=theme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(17, 21, 27)" if is_dark else "rgb(245, 246, 248)"
    )
    other = "Light" if is_dark else "Dark"
    page.get_by_label("Colours").select_option(label=other)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", other.lower())
