"""The HTTP server of a process, and what every one of them serves: ``/metrics``, ``/livez`` and ``/readyz``.

A worker serves nothing else. Faust's own web routes stay off: they show tables to whoever asks.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from models.errors import WorldError

Reason: TypeAlias = Callable[[], str | None]
SHUTDOWN_SECONDS_MAX: Final = 5.0
_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(slots=True)
class Server:
    """A running server; ``port`` is the real one when 0 was asked for."""

    runner: web.AppRunner
    port: int

    async def stop(self) -> None:
        """Close the socket; may be called twice."""
        await self.runner.cleanup()


def add_health(app: web.Application, registry: CollectorRegistry, ready: Reason, live: Reason) -> web.Application:
    """Add the routes. ``ready`` and ``live`` say why not, or None."""
    app.add_routes(
        [
            web.get("/metrics", _metrics(registry)),
            web.get("/livez", _probe(live)),
            web.get("/readyz", _probe(ready)),
        ]
    )
    return app


async def serve(host: str, port: int, app: web.Application) -> Server:
    """Start serving in the running event loop. Raises WorldError if the port is taken."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS_MAX)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise WorldError(f"web.port: cannot listen on {host}:{port}: {error.strerror}") from None
    return Server(runner, runner.addresses[0][1])


def _metrics(registry: CollectorRegistry) -> _Handler:
    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return metrics


def _probe(why_not: Reason) -> _Handler:
    async def probe(_: web.Request) -> web.Response:
        reason = why_not()
        if reason is None:
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "unavailable", "reason": reason}, status=503)

    return probe
