"""Faust's streams and events as our agents use them: a chunk at a time, acknowledged by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from transport.chunk import Chunk


class ChunkEvent(Protocol):
    """One chunk and the way to say that all of it is safe."""

    value: Chunk

    def ack(self) -> bool:
        """The chunk's offsets may be committed."""


class ChunkStream(Protocol):
    """A stream of chunks."""

    def noack(self) -> ChunkStream:
        """Without acknowledging by itself."""

    def events(self) -> AsyncIterator[ChunkEvent]:
        """The chunks as events."""


async def take_each(stream: ChunkStream, take: Callable[[ChunkEvent], Awaitable[None]]) -> None:
    """Take chunk after chunk; each is acknowledged by whoever makes it safe."""
    async for event in stream.noack().events():
        await take(event)
