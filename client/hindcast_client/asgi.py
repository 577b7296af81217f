"""Middleware for FastAPI, Starlette and every other ASGI application. Needs none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from uuid import uuid4

from hindcast_client.exposition import Paths, expose
from hindcast_client.log import PredictionLog
from hindcast_client.metrics import ServingMetrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiMiddleware:
    """Measures the requests to `paths` until the end of their answers, and answers `metrics_path`.

    ::

        app.add_middleware(AsgiMiddleware, metrics=metrics, log=log, paths=("/predict",))

    paths: exact ones, and those ending in ``/`` with all below. log: is told of requests that ended in an error before
    a prediction was logged, under the id of the header ``x-request-id`` or a random one; it is closed at the shutdown
    of the application. metrics_path: "" for none.
    """

    def __init__(
        self,
        app: Application,
        *,
        metrics: ServingMetrics,
        paths: Collection[str],
        log: PredictionLog | None = None,
        metrics_path: str = "/metrics",
    ) -> None:
        self._app, self._metrics, self._log = app, metrics, log
        self._paths, self._metrics_path = Paths(paths), metrics_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        kind = scope["type"]
        if kind == "http" and (path := scope["path"]) in self._paths:
            await self._measure(scope, receive, send)
        elif kind == "http" and path == self._metrics_path:
            await self._expose(scope, send)
        else:
            await self._app(scope, receive, self._closing(send) if kind == "lifespan" else send)

    def _closing(self, send: Send) -> Send:
        """Close the log at the end: uvicorn then ends by a signal, and Python's own exit never comes."""

        async def watched(message: Message) -> None:
            if self._log is not None and message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await asyncio.to_thread(self._log.close)
            await send(message)

        return watched

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._metrics.request()

        async def watched(message: Message) -> None:
            code = message.get("status", 200)  # of the first message; the others are pieces of the body
            if code >= 400:
                request.answered(code)
            await send(message)

        try:
            with request:
                await self._app(scope, receive, watched)
        finally:
            if request.status == "error" and self._log is not None:
                request.log_failure(self._log, _header(scope, b"x-request-id") or uuid4().hex)

    async def _expose(self, scope: Scope, send: Send) -> None:
        body, content_type = expose(self._metrics, _header(scope, b"accept"))
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")
