"""How fast the live page is in a real browser, and what its process needs: `python -m benchmarks.page`.

A day of 1-minute windows of 20 models stands in a server process; headless Chromium opens the overview and a model's
24 hours, each time with an empty cache. First paint is the browser's own "first contentful paint"; an interaction
lasts from the key or click to the next frame, as the browser's Event Timing has it (in steps of 8 ms).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice

import orjson
import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from dashboard.message import Message
from tests.browser.conftest import PageServer
from tests.browser.world import World, record

MODELS, MINUTES = 20, 1_440
_DRAWN = 60
"""Windows that are drawn at random; they are used over and over, as drawing one takes longer than reading it."""
_OBSERVE = """
globalThis.slowest = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (one.interactionId) slowest = Math.max(slowest, one.duration);
}).observe({type: "event", durationThreshold: 16, buffered: true});
"""
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def day() -> Iterator[Message]:
    """The records of a day, of every model."""
    drawn = [
        m
        for m in World(minutes=_DRAWN).messages()
        if m.kind == "metric" and (m.key or b"").startswith(b"fraud|v1||60s")
    ]
    parts = [content_of(message) for message in drawn]
    for model in range(MODELS):
        for minute in range(-MINUTES, 0):
            yield record(minute, f"model-{model:02}", "v1", "binary", parts[(minute + model) % len(parts)])


def content_of(message: Message) -> dict[str, object]:
    """A record's content without its head."""
    found: dict[str, object] = orjson.loads(message.value or b"")
    return dict(islice(found.items(), 11, None))


def serve() -> None:
    """Hold the day until the standard input ends; the address stands on the first line."""
    server = PageServer()
    for message in day():
        server.tell(message)
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    sys.stdin.read()


def measure(runs: int) -> dict[str, list[float]]:
    """Times in ms by what they are of, and the process's memory in MiB."""
    found: dict[str, list[float]] = {}
    command = [sys.executable, "-m", "benchmarks.page", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for _ in range(runs):
                for name, value in _run(browser, url):
                    found.setdefault(name, []).append(value)
            browser.close()
        found["memory of the process, MiB"] = [psutil.Process(process.pid).memory_info().rss / 2**20]
        process.communicate()
    return found


def _run(browser: Browser, url: str) -> Iterator[tuple[str, float]]:
    page = _open(browser, f"{url}/", "tbody tr")
    yield "overview: first paint", _first_paint(page)
    yield "overview: all models there", page.evaluate("performance.now()")
    page.get_by_label("Find a model").click()
    page.keyboard.type("model-1")
    yield "overview: slowest key while searching", _slowest(page)
    page.context.close()
    page = _open(browser, f"{url}/models/model-07?span=24h", "dl.numbers")
    yield "model, 24 h: first paint", _first_paint(page)
    yield "model, 24 h: numbers there", page.evaluate("performance.now()")
    page.locator(".main-svg").first.wait_for()
    yield "model, 24 h: first chart there", page.evaluate("performance.now()")
    page.wait_for_timeout(2_000)
    page.get_by_label("Metric").focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(200)
    yield "model, 24 h: slowest change of the metric", _slowest(page)
    page.context.close()


def _open(browser: Browser, url: str, wanted: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id="UTC").new_page()
    page.add_init_script(_OBSERVE)
    page.goto(url, wait_until="commit")
    page.locator(wanted).first.wait_for()
    return page


def _first_paint(page: Page) -> float:
    return float(page.wait_for_function(_FIRST_PAINT).json_value())


def _slowest(page: Page) -> float:
    page.wait_for_timeout(300)
    return float(page.evaluate("slowest"))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    began = time.monotonic()
    table = Table("what", "median", "worst", title=f"{MODELS} models, {MINUTES:,} windows each, {arguments.runs} runs")
    for name, values in measure(arguments.runs).items():
        table.add_row(name, f"{statistics.median(values):,.0f}", f"{max(values):,.0f}")
    Console().print(table)
    Console().print(f"times in ms; all of it took {time.monotonic() - began:.0f} s")
    return None


if __name__ == "__main__":
    main()
