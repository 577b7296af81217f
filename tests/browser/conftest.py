"""The page in a real browser, on a server in this process that a test fills with records."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import pytest
from aiohttp import web
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from dashboard.app import Site, add_api, protect
from dashboard.guard import Credentials
from dashboard.message import Message
from dashboard.pages import add_pages
from dashboard.reading import Reading
from dashboard.ring import Ring
from dashboard.store import Store
from dashboard.stream import Stream
from tests.browser.world import NOW_MS, World


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


class PageServer:
    """A site that listens, on an event loop in a thread of its own."""

    def __init__(self, *, base_path: str = "", credentials: Credentials | None = None, **site: Any) -> None:  # noqa: ANN401  # of Site
        reading = Reading(connected=True, caught_up=True)
        self.site = replace(Site(Store(), Ring("test"), reading, lambda: NOW_MS, "1.2", base_path), **site)
        self.base_path = base_path
        self.url = ""
        self._credentials = credentials
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.start()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401  # as the function
        """Call it on the server's own thread, and wait for what it returns."""

        async def run() -> Any:  # noqa: ANN401  # same
            found = function(*arguments)
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    def tell(self, *messages: Message) -> None:
        """Records come, as the reader takes them in."""
        self.call(self._tell, messages)

    def start(self) -> None:
        """Listen, again on the port of before."""
        self.call(self._start)
        self.url = f"http://127.0.0.1:{self._port}{self.base_path}"

    def stop(self) -> None:
        """Close every connection, as a process that ends."""
        self.call(self._stop)

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _start(self) -> None:
        app = web.Application()
        stream = Stream(self.site.ring)
        protect(app, self._credentials)
        add_api(app, self.site, stream)
        add_pages(app, self.site.base_path, self.site.version)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _tell(self, messages: tuple[Message, ...]) -> None:
        for message in messages:
            news = self.site.store.add(message)
            if news is not None:
                self.site.ring.add(news)


class Serve(Protocol):
    """Starts a server of the test's own, with these records."""

    def __call__(
        self,
        *messages: Message,
        base_path: str = "",
        credentials: Credentials | None = None,
        **site: Any,  # noqa: ANN401  # of Site
    ) -> PageServer: ...


class OpenPage(Protocol):
    """Opens a path of the page: a tab of its own, with options of Playwright's browser contexts."""

    def __call__(self, path: str, *, on: PageServer | None = None, errors: bool = False, **options: Any) -> Page:  # noqa: ANN401  # same
        """errors: some are expected, so that the test looks at them itself."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium is not None, "Debian's chromium is not installed: make system"
    expect.set_options(timeout=30_000)  # how fast a machine is is no property of the page
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def world() -> tuple[Message, ...]:
    """The simulated afternoon, as messages."""
    return tuple(World().messages())


@pytest.fixture(scope="module")
def server(world: tuple[Message, ...]) -> Iterator[PageServer]:
    """A server with the simulated afternoon, for tests that do not change it."""
    started = PageServer()
    started.tell(*world)
    yield started
    started.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers of the test's own, with whatever records."""
    started: list[PageServer] = []

    def start(
        *messages: Message,
        base_path: str = "",
        credentials: Credentials | None = None,
        **site: Any,  # noqa: ANN401  # of Site
    ) -> PageServer:
        server = PageServer(base_path=base_path, credentials=credentials, **site)
        started.append(server)
        server.tell(*messages)
        return server

    yield start
    for one in started:
        one.close()


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Open pages, by default of `server`; in the end nothing may have failed or been refused by the policy."""
    contexts, wrong = [], list[str]()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            wrong.append(message.text)

    def open_path(path: str, *, on: PageServer | None = None, errors: bool = False, **options: Any) -> Page:  # noqa: ANN401  # Playwright's
        server = on or request.getfixturevalue("server")
        # The clock of the world is Playwright's: with the machine's own, texts such as "3 min ago" would differ.
        context = browser.new_context(**{"timezone_id": "UTC", "locale": "en-GB"} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.clock.set_fixed_time(NOW_MS / 1000)
        if not errors:
            page.on("console", hear)
            page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(server.url + path, wait_until="commit")
        page.locator(".view:not(:has(.loading))").first.wait_for()
        return page

    yield open_path
    for context in contexts:
        context.close()
    assert wrong == []
