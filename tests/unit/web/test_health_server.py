from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from models.errors import WorldError
from telemetry.registry import Telemetry
from web.health import Server, add_health, serve


class Scene:
    def __init__(self) -> None:
        self.telemetry = Telemetry(10)
        self.not_ready: str | None = None
        self.not_alive: str | None = None
        self.server: Server | None = None

    async def start(self) -> None:
        app = add_health(web.Application(), self.telemetry.registry, lambda: self.not_ready, lambda: self.not_alive)
        self.server = await serve("127.0.0.1", 0, app)

    async def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        assert self.server is not None
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.server.port}{path}", headers=headers) as answer,
        ):
            return answer.status, await answer.text(), answer.headers["Content-Type"]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.start()
    yield made
    assert made.server is not None
    await made.server.stop()


async def test_metrics_are_served_as_prometheus_asks_for_them(scene: Scene) -> None:
    scene.telemetry.predictions.add("fraud", "v1", n=3)
    status, body, kind = await scene.get("/metrics")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert 'ml_predictions_total{model="fraud",version="v1"} 3.0' in body
    status, body, kind = await scene.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/readyz", "/livez"])
async def test_a_probe_is_503_with_the_reason_and_200_without_one(scene: Scene, path: str) -> None:
    assert await scene.get(path) == (200, '{"status": "ok"}', "application/json; charset=utf-8")
    scene.not_ready = scene.not_alive = "recovering"
    status, body, _ = await scene.get(path)
    assert (status, body) == (503, '{"status": "unavailable", "reason": "recovering"}')


@pytest.mark.parametrize("path", ["/", "/table/join", "/router", "/metrics/x"])
async def test_nothing_else_is_served(scene: Scene, path: str) -> None:
    assert (await scene.get(path))[0] == 404


async def test_a_port_that_is_taken_is_one_readable_line(scene: Scene) -> None:
    assert scene.server is not None
    with pytest.raises(WorldError, match=r"^web\.port: cannot listen on 127\.0\.0\.1:"):
        await serve("127.0.0.1", scene.server.port, web.Application())
