"""Merge and emit: partials become windows across all workers, windows become metric records."""

from __future__ import annotations

import asyncio
import zlib
from typing import cast

import orjson

from agents.context import Context
from agents.in_order import InOrder
from agents.sending import all_arrived, send
from agents.stream import ChunkEvent, ChunkStream, take_each
from models.partial import decode_partials
from tables.merge_state import MergeBlock, MergeState, encode_merge_block
from tables.partition import BlockPartition
from tables.records import ClassNames, Recorder, no_names
from transport.chunk import Chunk, ChunkSchema

CHUNK_RECORDS_MAX = 1_000
CHUNK_BYTES_MAX = 1 << 20
TICK_SECONDS = 0.25


def block_of(chunk: Chunk, applied: int) -> MergeBlock:
    """The chunk's messages behind the applied offset as one block."""
    block = MergeBlock(chunk.last)
    for record in chunk.records:
        if record.offset > applied:
            message = decode_partials(record.value or b"")
            block.marks += message.marks
            block.partials += message.partials
    return block


class Merging:
    """Recorders of the partitions owned, and who shows which gauges."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.in_order = InOrder(context)
        self._recorders: dict[int, Recorder] = {}
        self._has_classes = any(model.task == "multiclass" for model in context.plan.models.values())

    async def round(self) -> None:
        """Emit every metric record that is due."""
        partitions = self.context.merge.ready_partitions()
        for gone in self._recorders.keys() - partitions.keys():
            self._drop(gone)
        for number, partition in partitions.items():
            recorder = self._recorders.get(number)
            if recorder is None or recorder.state is not partition.state:
                self._drop(number)
                await self._know_classes()
                state = cast("MergeState", partition.state)
                recorder = self._recorders[number] = Recorder(state, self._class_names())
            if partition.ready:  # still, after the others
                await self._emit(partition, recorder)

    async def _know_classes(self) -> None:
        """Learn the names of all classes whose codes may stand in what the merge has been told."""
        if self._has_classes:
            await self.context.dimensions.caught_up()

    def _class_names(self) -> ClassNames:
        return self.context.dimensions.class_names if self._has_classes else no_names

    def _drop(self, number: int) -> None:
        self._recorders.pop(number, None)
        self.context.telemetry.records.drop(number)

    async def _emit(self, partition: BlockPartition, recorder: Recorder) -> None:
        now_ms = self.context.now_ms()
        due = recorder.collect(now_ms)
        if not due.records:
            return
        if not await self._still_owner(partition, recorder):
            return  # whoever opens the partition next says all of it
        sent = []
        for record in due.records:
            value = record.encode(now_ms)
            number = zlib.crc32(record.name[0].encode()) % self.context.metrics_partitions
            sent.append(await send(self.context, self.context.names.metrics, value, key=record.key(), partition=number))
            self.context.telemetry.records.show(partition.number, orjson.loads(value))
        await all_arrived(self.context, sent)
        if due.announced and partition.ready and not partition.closed:
            block = MergeBlock(recorder.state.applied, announced=list(due.announced.items()))
            recorder.state.apply(block)
            await self.context.merge.append(partition, encode_merge_block(block))

    async def _still_owner(self, partition: BlockPartition, recorder: Recorder) -> bool:
        """Whether a block of ours still lands where it belongs: if not, we have been fenced, and that ends the process.

        The metrics topic is compacted: the record of somebody who slept through a rebalance would stay as the last.
        """
        block = MergeBlock(recorder.state.applied)
        landed = await self.context.merge.append(partition, encode_merge_block(block))
        await asyncio.wait([landed])  # and with it all before it
        return not landed.cancelled()

    async def run(self, stream: ChunkStream) -> None:
        """The agent: partials become a block of the merge log."""
        await self.context.guard("the merge", take_each(stream, self._take))

    async def _take(self, event: ChunkEvent) -> None:
        await self.context.merge.has_room()
        await self._know_classes()
        partition = self.context.merge.partition(event.value.partition)
        if partition is None or not self.in_order.follows(event.value):
            return  # a rebalance is under way: the chunk comes again
        self.in_order.taken(event.value)
        state = cast("MergeState", partition.state)
        if event.value.last <= state.applied:
            event.ack()
            return
        block = block_of(event.value, state.applied)
        state.apply(block)
        settled = await self.context.merge.append(partition, encode_merge_block(block))
        settled.add_done_callback(lambda done: None if done.cancelled() else event.ack())
        self.context.progress.chunks += 1

    async def emit(self) -> None:
        """The timer of the rounds."""
        await self.context.guard("emitting metric records", self.round())


def register(context: Context) -> Merging:
    """The agent on the partials topic and the timers around it."""
    merging = Merging(context)
    schema = ChunkSchema(CHUNK_RECORDS_MAX, CHUNK_BYTES_MAX)
    context.agent("merge", [context.names.partials], schema, merging.run)
    context.app.timer(TICK_SECONDS)(merging.emit)
    return merging
