"""Re-keying: every record of a topic that is not partitioned by id goes on to its id's partition.

Records travel on decoded and packed, a batch per by-id partition, with the source's offsets and
watermark: so the join knows a replay by its offsets, and time by its source.
"""

from __future__ import annotations

import asyncio

from agents.context import Context
from agents.sending import Sent, all_arrived, send
from agents.sources import Sources
from models.batch import Batch
from transport.chunk import ChunkSchema

CHUNK_RECORDS_MAX = 8_000
QUEUED_CHUNKS = 4
IN_FLIGHT_MAX = 16
MARKER_SECONDS = 1.0


class Rekeying:
    """Sends batches on and remembers when each by-id partition last heard of a source."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.sources = Sources(context)
        self.in_flight = 0

    async def send_on(self, batch: Batch) -> list[Sent]:
        """One message to every by-id partition: those without records hear of the watermark."""
        parts = batch.split(self.context.partitions)
        names = self.context.names
        return [await send(self.context, names.by_id, part.pack(), partition=i) for i, part in enumerate(parts)]


def register(context: Context, topics: list[str]) -> Rekeying | None:
    """The agent for all topics whose producers do not key by id; None if there are none."""
    if not topics:
        return None
    rekeying = Rekeying(context)
    source = context.app.topic(*topics, schema=ChunkSchema(CHUNK_RECORDS_MAX), maxsize=QUEUED_CHUNKS)

    @context.app.agent(source, name="rekey")
    async def rekey(stream) -> None:  # type: ignore[no-untyped-def]  # Faust reads the annotation as a record type
        try:
            async for event in stream.noack().events():
                while rekeying.in_flight >= IN_FLIGHT_MAX:
                    await asyncio.sleep(0.001)
                batch, letters = await rekeying.sources.batch(event.value)
                sent = await rekeying.send_on(batch)
                context.progress.chunks += 1
                rekeying.in_flight += 1
                asyncio.ensure_future(acknowledge(event, letters + sent))  # noqa: RUF006  # ends itself
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # an exception would acknowledge the chunk
            context.fatal(f"re-keying failed: {error!r}")

    async def acknowledge(event, sent: list[Sent]) -> None:  # type: ignore[no-untyped-def]  # faust.Event
        await all_arrived(context, sent)
        rekeying.in_flight -= 1
        event.ack()

    @context.app.timer(MARKER_SECONDS)
    async def mark_idle() -> None:
        for marker in rekeying.sources.markers(set(topics)):
            await all_arrived(context, await rekeying.send_on(marker))

    return rekeying
