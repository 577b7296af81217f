"""Join and windows: a chunk becomes a block; once the block is on the broker it is acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

from agents.context import Context
from agents.counting import count_block, count_served
from agents.in_order import InOrder
from agents.schemas import by_waiting
from agents.sending import Sent, all_arrived
from agents.sources import Sources
from agents.stream import ChunkEvent, ChunkStream, take_each
from models.batch import MIN_MS, Batch
from models.packed_batch import unpack
from tables.block import encode_block
from tables.decide import Decider
from tables.fates import KINDS
from tables.join_state import JoinState
from tables.merge_state import MergeState
from tables.partition import BlockPartition
from transport.chunk import Chunk, ChunkSchema

CHUNK_RECORDS_MAX = 8_000
PACKED_BYTES_MAX = 1 << 20
MARKER_SECONDS = 1.0


class Joining:
    """Turns chunks into blocks of their state partition."""

    def __init__(self, context: Context, keyed_topics: set[str]) -> None:
        self.context = context
        self.keyed_topics = keyed_topics
        self.sources = Sources(context)
        self.in_order = InOrder(context)

    async def batches(self, chunk: Chunk) -> tuple[list[Batch], list[Sent]]:
        """What the chunk holds: packed batches, or the records of a topic keyed by id."""
        if chunk.topic in self.keyed_topics:
            batch, letters = await self.sources.batch(chunk)
            return [batch], letters
        return [unpack(r.value or b"") for r in chunk.records], []

    async def apply(self, partition: BlockPartition, batches: list[Batch], settled: Callable[[], None]) -> None:
        """Decide, fold in and append; ``settled`` once everything is on the broker."""
        state = cast("JoinState", partition.state)
        last: asyncio.Future[None] | None = None
        for kind in KINDS:
            of_kind = [b for b in batches if b.kind == kind]
            decider = Decider(state)
            block = decider.decide(kind, of_kind) if of_kind and not partition.closed else None
            if block is not None:
                state.apply(block)
                count_block(self.context.telemetry, state.combos.names, block)
                count_served(self.context.telemetry, decider.served)
                last = await self.context.join.append(partition, encode_block(block))
        if last is None:
            settled()
        else:
            last.add_done_callback(lambda done: None if done.cancelled() else settled())

    async def run(self, stream: ChunkStream) -> None:
        """The agent: take chunk after chunk; nothing but the end of its block acknowledges one."""
        await self.context.guard("the join", take_each(stream, self._take))

    async def _take(self, event: ChunkEvent) -> None:
        chunk: Chunk = event.value
        if chunk.topic in self.keyed_topics:
            await self.sources.ready(chunk)
        await self.context.join.has_room()
        partition = self.context.join.partition(chunk.partition)
        if partition is None or not self.in_order.follows(chunk):
            return  # a rebalance is under way: the chunk comes again
        started = time.perf_counter()
        batches, letters = await self.batches(chunk)
        if self.context.join.partition(chunk.partition) is not partition:
            return  # it has moved meanwhile, and fallen back to what the broker has
        self.in_order.taken(chunk)
        await self.apply(partition, batches, lambda: self._settled(event, letters))
        await self.context.join.make_room(partition)
        self.context.progress.chunks += 1
        self.context.telemetry.chunk_seconds.observe("join", value=time.perf_counter() - started)

    def _settled(self, event: ChunkEvent, letters: list[Sent]) -> None:
        if letters:
            asyncio.ensure_future(self._acknowledge(event, letters))  # noqa: RUF006  # ends itself
        else:
            event.ack()

    async def _acknowledge(self, event: ChunkEvent, letters: list[Sent]) -> None:
        await all_arrived(self.context, letters)
        event.ack()

    async def mark_idle(self) -> None:
        """Tell the join which of its own source partitions have fallen silent."""
        await self.context.guard("marking idle partitions", self._mark_idle())

    async def _mark_idle(self) -> None:
        told = {topic: self._told_ms(topic) for topic in self.keyed_topics}
        for tp in self.sources.assigned(self.keyed_topics):
            partition = self.context.join.partition(tp.partition)
            marker = None if partition is None else self.sources.marker(tp, told[tp.topic])
            if partition is not None and marker is not None:
                await self.apply(partition, [marker], lambda: None)

    def _told_ms(self, topic: str) -> int:
        """How far any worker has come with a topic, by the marks that all of them send to every owner of slices."""
        models = self.context.plan.fed_by(topic)
        merges = (cast("MergeState", p.state) for p in self.context.merge.ready_partitions().values())
        known = (merge.marks.get(model.name, {}).values() for merge in merges for model in models)
        return max((mark.closed_ms for marks in known for mark in marks), default=MIN_MS)


def register(context: Context, keyed_topics: list[str], *, rekeyed: bool) -> Joining:
    """The agents on the by-id topic and on every topic that is keyed by id already."""
    joining = Joining(context, set(keyed_topics))
    if rekeyed:
        packed = ChunkSchema(CHUNK_RECORDS_MAX, PACKED_BYTES_MAX)
        context.agent("join", [context.names.by_id], packed, joining.run)
    for some in by_waiting(context, keyed_topics):
        context.agent(f"join-{some[0]}", some, ChunkSchema(CHUNK_RECORDS_MAX), joining.run)
    context.app.timer(MARKER_SECONDS)(joining.mark_idle)
    return joining
