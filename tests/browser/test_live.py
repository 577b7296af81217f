"""The real thing: a broker, a worker that serves the page itself, and a label that moves it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.test_dashboard import EMIT_SECONDS, MODEL, Traffic
from tests.support.load import RULES, Load
from tests.support.recount import recount
from tests.support.scene import Scene


@pytest.fixture
def scene(broker: str, tmp_path: Path) -> Iterator[Scene]:
    with Scene(broker, tmp_path, Load([], recount([], RULES), 0, keyed=False), model=MODEL) as made:
        made.settings["web"] = {"page": True}
        yield made


@pytest.mark.broker
def test_a_label_moves_the_page_of_a_worker_within_the_emit_interval_and_two_seconds(
    scene: Scene, browser: Browser
) -> None:
    [worker] = scene.start(1)
    traffic = Traffic(scene)
    traffic.predict(range(20))
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{worker.port}/")
    expect(page.locator("#status")).to_have_text("Live", timeout=60_000)
    row = page.locator("tbody tr")
    expect(row).to_contain_text("0 labels", timeout=60_000)
    for i in range(2):
        sent_seconds = time.monotonic()
        traffic.label(i)
        expect(row).to_contain_text(f"{i + 1} labels", timeout=30_000)
        assert time.monotonic() - sent_seconds <= EMIT_SECONDS + 2
    page.close()
