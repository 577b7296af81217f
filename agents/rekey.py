"""Re-keying: every record of a topic that is not partitioned by id goes on to its id's partition.

Records travel on decoded and packed, a batch per by-id partition, with the source's offsets and
watermark: so the join knows a replay by its offsets, and time by its source.
"""

from __future__ import annotations

import asyncio

from agents.context import Context
from agents.in_order import InOrder
from agents.schemas import by_waiting
from agents.sending import Sent, all_arrived, send
from agents.sources import Sources
from agents.stream import ChunkEvent, ChunkStream, take_each
from models.batch import Batch
from models.packed_batch import pack
from transport.chunk import ChunkSchema

CHUNK_RECORDS_MAX = 8_000
IN_FLIGHT_MAX = 16
MARKER_SECONDS = 1.0


class Rekeying:
    """Sends batches on and remembers when each by-id partition last heard of a source."""

    def __init__(self, context: Context, topics: set[str]) -> None:
        self.context = context
        self.topics = topics
        self._order = asyncio.Lock()
        self.sources = Sources(context)
        self.in_order = InOrder(context)
        self.in_flight = 0

    async def send_on(self, batch: Batch) -> list[Sent]:
        """One message to every by-id partition: those without records hear of the watermark."""
        async with self._order:  # a marker must not overtake the batch before it
            return await self._send_parts(batch)

    async def _send_parts(self, batch: Batch) -> list[Sent]:
        parts, by_id = batch.split(self.context.partitions), self.context.names.by_id
        return [await send(self.context, by_id, pack(part), partition=i) for i, part in enumerate(parts)]

    async def run(self, stream: ChunkStream) -> None:
        """The agent: a chunk is acknowledged when all of its batches and dead letters have arrived."""
        await self.context.guard("re-keying", take_each(stream, self._take))

    async def _take(self, event: ChunkEvent) -> None:
        while self.in_flight >= IN_FLIGHT_MAX:  # noqa: ASYNC110  # cheaper than an event a chunk
            await asyncio.sleep(0.001)
        await self.sources.ready(event.value)
        if not self.in_order.follows(event.value):
            return  # a rebalance is under way: the chunk comes again
        self.in_order.taken(event.value)
        batch, letters = await self.sources.batch(event.value)
        sent = await self.send_on(batch)
        self.context.progress.chunks += 1
        self.in_flight += 1
        asyncio.ensure_future(self._acknowledge(event, letters + sent))  # noqa: RUF006  # ends itself

    async def _acknowledge(self, event: ChunkEvent, sent: list[Sent]) -> None:
        await all_arrived(self.context, sent)
        self.in_flight -= 1
        event.ack()

    async def mark_idle(self) -> None:
        """Tell every by-id partition which source partitions have fallen silent."""
        await self.context.guard("marking idle partitions", self._mark_idle())

    async def _mark_idle(self) -> None:
        for tp in self.sources.assigned(self.topics):
            if not self.context.plan.fed_by(tp.topic):
                continue  # heartbeats: no window waits for them
            async with self._order:
                marker = self.sources.marker(tp)
                sent = [] if marker is None else await self._send_parts(marker)
            await all_arrived(self.context, sent)


def register(context: Context, topics: list[str]) -> Rekeying | None:
    """The agents for all topics whose producers do not key by id; None if there are none."""
    if not topics:
        return None
    rekeying = Rekeying(context, set(topics))
    for some in by_waiting(context, topics):
        context.agent(f"rekey-{some[0]}", some, ChunkSchema(CHUNK_RECORDS_MAX), rekeying.run)
    context.app.timer(MARKER_SECONDS)(rekeying.mark_idle)
    return rekeying
