"""The stream of server-sent events: each record as it is taken in, from where a client left off.

A client whose place has left the ring (it was away too long, or reads too slowly), or that comes from another
process, is told `reset`: it has to load its lists again and goes on from there.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from dashboard.errors import RefusedError
from dashboard.message import News
from dashboard.queries import StreamQuery
from dashboard.ring import Event, Ring

HEARTBEAT_SECONDS: Final = 15.0
WRITE_SECONDS_MAX: Final = 10.0
"""A client that takes nothing for so long is dropped."""
CLIENTS_MAX: Final = 200
_BATCH: Final = 500


class Stream:
    """All clients of the stream."""

    def __init__(
        self, ring: Ring, heartbeat_seconds: float = HEARTBEAT_SECONDS, write_seconds_max: float = WRITE_SECONDS_MAX
    ) -> None:
        self.clients = 0
        self._ring = ring
        self._heartbeat_seconds, self._write_seconds_max = heartbeat_seconds, write_seconds_max
        self._closing = False

    def close(self) -> None:
        """End every stream."""
        self._closing = True
        self._ring.wake()

    async def serve(self, request: web.Request, query: StreamQuery) -> web.StreamResponse:
        """Tell a client of everything until it leaves, is too slow, or we stop."""
        if self.clients >= CLIENTS_MAX:
            raise RefusedError(503, f"{CLIENTS_MAX} clients read the stream already")
        response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        self.clients += 1
        try:
            await response.prepare(request)
            await self._follow(response, query, request.headers.get("Last-Event-ID") or query.last_event_id)
        except (TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()  # what still waits to be sent would wait for ever
        finally:
            self.clients -= 1
        return response

    async def _follow(self, response: web.StreamResponse, query: StreamQuery, event_id: str | None) -> None:
        known = None if event_id is None else self._ring.number_of(event_id)
        number = self._ring.last if known is None else known
        if known is None:
            await self._write(response, self._note("hello" if event_id is None else "reset"))
        while not self._closing:
            events = self._ring.after(number)
            if events is None:
                number = self._ring.last
                await self._write(response, self._note("reset"))
                continue
            wanted = [event for event in events[:_BATCH] if _wants(query, event.news)]
            if wanted:
                await self._write(response, b"".join(map(self._line, wanted)))
            if events:
                number = events[:_BATCH][-1].number
            elif not await self._ring.beyond(number, self._heartbeat_seconds) and not self._closing:
                await self._write(response, b": still here\n\n")

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        await asyncio.wait_for(response.write(data), self._write_seconds_max)

    def _note(self, event: str) -> bytes:
        return f"event: {event}\nid: {self._ring.id_of(self._ring.last)}\ndata: {{}}\n\n".encode()

    def _line(self, event: Event) -> bytes:
        head = f"event: {event.news.kind}\nid: {self._ring.id_of(event.number)}\ndata: "
        return head.encode() + event.news.data + b"\n\n"


def _wants(query: StreamQuery, news: News) -> bool:
    return query.model in {None, news.model} and not (query.whole and news.segment)
