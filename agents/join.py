"""Join and windows: a chunk becomes a block; once the block is on the broker it is acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

import numpy as np

from agents.context import Context
from agents.sending import Sent, all_arrived
from agents.sources import Sources
from models.batch import Batch
from tables.block import COUNTED, OUTCOME, JoinBlock, encode_block
from tables.join_state import JoinState
from tables.partition import BlockPartition
from tables.rows import PREDICTED, SIMPLE
from telemetry.series import CONFIDENCE_BUCKETS
from transport.chunk import Chunk, ChunkSchema

CHUNK_RECORDS_MAX = 8_000
QUEUED_CHUNKS = 4
PACKED_BYTES_MAX = 1 << 20
CHECKPOINT_SECONDS = 3.0
"""Apart enough that most labels find their prediction's row before it is written: one write for two."""
MARKER_SECONDS = 1.0
_EDGES = np.array(CONFIDENCE_BUCKETS[:-1])


class Joining:
    """Turns chunks into blocks of their state partition."""

    def __init__(self, context: Context, keyed_topics: set[str]) -> None:
        self.context = context
        self.keyed_topics = keyed_topics
        self.sources = Sources(context)

    async def batches(self, chunk: Chunk) -> tuple[list[Batch], list[Sent]]:
        """What the chunk holds: packed batches, or the records of a topic keyed by id."""
        if chunk.topic in self.keyed_topics:
            batch, letters = await self.sources.batch(chunk)
            return [batch], letters
        return [Batch.unpack(r.value or b"") for r in chunk.records], []

    async def apply(self, partition: BlockPartition, batches: list[Batch], settled: Callable[[], None]) -> None:
        """Decide, fold in and append; ``settled`` once everything is on the broker."""
        state = cast("JoinState", partition.state)
        last: asyncio.Future[None] | None = None
        for kind in ("predictions", "labels"):
            of_kind = [b for b in batches if b.kind == kind]
            block = state.decide(kind, of_kind) if of_kind and not partition.closed else None
            if block is not None:
                state.apply(block)
                self._count(state, block)
                last = await self.context.join.append(partition, encode_block(block))
        if last is None:
            settled()
        else:
            last.add_done_callback(lambda done: None if done.cancelled() else settled())

    def _count(self, state: JoinState, block: JoinBlock) -> None:
        """Counters by model and version; rows with more of a story count by their effects."""
        telemetry = self.context.telemetry
        rows, ops = np.frombuffer(block.rows, SIMPLE), np.frombuffer(block.ops, np.uint8)
        counted = rows[(ops & COUNTED) != 0]
        names = state.combos.names
        for code, n in _by_code(counted["combo"]):
            telemetry.predictions.add(*names[code][:2], n=n)
            mine = counted[counted["combo"] == code]
            score = mine["score"][~np.isnan(mine["score"])]
            positive = (mine["flags"][~np.isnan(mine["score"])] & PREDICTED) != 0
            confidence = np.where(positive, score, 1 - score)
            buckets = np.bincount(np.searchsorted(_EDGES, confidence), minlength=len(CONFIDENCE_BUCKETS))
            telemetry.confidence.observe_counts(
                *names[code][:2], counts=[*buckets.tolist(), 0], total=float(confidence.sum())
            )
        for code, n in _by_code(rows["combo"][(ops & OUTCOME) != 0]):
            telemetry.labels.add(*names[code][:2], n=n)


def _by_code(codes: np.ndarray) -> list[tuple[int, int]]:  # type: ignore[type-arg]  # u4[n], packed or not
    distinct, counts = np.unique(codes, return_counts=True)
    return list(zip(distinct.tolist(), counts.tolist(), strict=True))


def register(context: Context, keyed_topics: list[str], *, rekeyed: bool) -> Joining:
    """The agent on the by-id topic and on every topic that is keyed by id already."""
    joining = Joining(context, set(keyed_topics))
    schema = ChunkSchema(CHUNK_RECORDS_MAX, None)
    packed = ChunkSchema(CHUNK_RECORDS_MAX, PACKED_BYTES_MAX)

    async def run(stream) -> None:  # type: ignore[no-untyped-def]  # Faust reads the annotation as a record type
        try:
            async for event in stream.noack().events():
                await take(event)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # an exception would acknowledge the chunk
            context.fatal(f"the join failed: {error!r}")

    async def take(event) -> None:  # type: ignore[no-untyped-def]  # faust.Event
        chunk: Chunk = event.value
        await context.join.has_room()
        partition = context.join.partition(chunk.partition)
        if partition is None:
            return  # a rebalance is under way: the chunk comes again
        started = time.perf_counter()
        batches, letters = await joining.batches(chunk)

        def settled() -> None:
            if letters:
                asyncio.ensure_future(after(letters, event))  # noqa: RUF006  # ends itself
            else:
                event.ack()

        if partition.closed:
            return
        await joining.apply(partition, batches, settled)
        context.progress.chunks += 1
        context.telemetry.chunk_seconds.observe("join", value=time.perf_counter() - started)

    async def after(letters: list[Sent], event) -> None:  # type: ignore[no-untyped-def]  # faust.Event
        await all_arrived(context, letters)
        event.ack()

    if rekeyed:
        by_id = context.app.topic(context.names.by_id, schema=packed, maxsize=QUEUED_CHUNKS)
        context.app.agent(by_id, name="join")(run)
    if keyed_topics:
        keyed = context.app.topic(*keyed_topics, schema=schema, maxsize=QUEUED_CHUNKS)
        context.app.agent(keyed, name="join-keyed")(run)

    @context.app.timer(MARKER_SECONDS)
    async def mark_idle() -> None:
        for marker in joining.sources.markers(set(keyed_topics)):
            partition = context.join.partition(marker.source.partition)
            if partition is not None:
                await joining.apply(partition, [marker], lambda: None)

    @context.app.timer(CHECKPOINT_SECONDS)
    async def checkpoint() -> None:
        for partition in context.join.ready_partitions().values():
            context.join.checkpoint_soon(partition)

    return joining
