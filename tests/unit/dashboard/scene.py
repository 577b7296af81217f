"""The API over a store that a test fills."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from dashboard.app import Site, add_api, protect
from dashboard.guard import Credentials
from dashboard.message import Message
from dashboard.pipeline import GroupsView
from dashboard.reading import Reading
from dashboard.ring import Ring
from dashboard.silencing import Silencing
from dashboard.store import Store
from dashboard.stream import Stream
from tests.unit.dashboard.samples import NOON_MS
from web.health import add_health

Client = TestClient[web.Request, web.Application]


class Scene:
    """A site at a time that the test sets, and a client of it."""

    def __init__(self, client: Client, site: Site, stream: Stream) -> None:
        self.client, self.site, self.stream = client, site, stream

    def tell(self, *messages: Message) -> None:
        """Records come, as the reader takes them in."""
        for message in messages:
            news = self.site.store.add(message)
            if news is not None:
                self.site.ring.add(news)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """(status, JSON) of a route of the API."""
        async with self.client.get(f"{self.site.base_path}/api/v1{path}", headers=headers) as answer:
            return answer.status, await answer.json()

    async def items(self, path: str) -> list[dict[str, Any]]:
        """The items of a list."""
        status, answer = await self.get(path)
        assert status == 200, answer
        found: list[dict[str, Any]] = answer["items"]
        return found

    async def open(self, path: str = "/stream", **headers: str) -> ClientResponse:
        """Begin to read the stream."""
        return await self.client.get(f"/api/v1{path}", headers=headers)


@asynccontextmanager
async def scene(
    *,
    base_path: str = "",
    credentials: Credentials | None = None,
    ring_bytes_max: int = 1 << 20,
    heartbeat_seconds: float = 15.0,
    now_ms: int = NOON_MS,
    consumers: GroupsView | None = None,
    silencing: Silencing | None = None,
) -> AsyncIterator[Scene]:
    """A site that listens."""
    ring = Ring("boot", ring_bytes_max)
    reading = Reading(connected=True, caught_up=True)
    site = Site(Store(), ring, reading, lambda: now_ms, "1.2", base_path, consumers, silencing)
    stream = Stream(ring, heartbeat_seconds, write_seconds_max=0.2)
    app = web.Application()
    protect(app, credentials)
    add_health(app, CollectorRegistry(), site.reading.why_not_ready, lambda: None)
    add_api(app, site, stream)
    async with TestClient(TestServer(app)) as client:
        yield Scene(client, site, stream)
