"""What judges or notifies, one for each partition of a table of keyed rows, and how its changes become durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar, cast

from faust.types import TP

from agents.context import AppContext
from agents.in_order import InOrder
from agents.stream import ChunkEvent
from alerting.changes import Changes
from tables.block_table import BlockTable
from tables.keyed import KeyedBlock, KeyedState, encode_keyed_block
from tables.partition import BlockPartition
from transport.chunk import Chunk

log = logging.getLogger(__name__)


class Pure(Protocol):
    """A part that keeps its state in rows."""

    def collect(self) -> Changes:
        """What has changed of its rows since the last time."""


PureT = TypeVar("PureT", bound=Pure)


class Keyed(Generic[PureT]):
    """The pure parts of the partitions that are this worker's, each built from its partition's rows.

    Between feeding one and `append` nothing may be awaited: partitions move while others run.
    """

    def __init__(self, table: BlockTable, build: Callable[[Mapping[str, bytes]], PureT]) -> None:
        self.table = table
        self._build = build
        self._parts: dict[int, tuple[KeyedState, PureT]] = {}

    async def partition_of(self, chunk: Chunk, in_order: InOrder) -> BlockPartition | None:
        """The partition that takes the chunk now; None while a rebalance is under way: the chunk comes again."""
        await self.table.has_room()
        partition = self.table.partition(chunk.partition)
        if partition is None or not in_order.follows(chunk):
            return None
        in_order.taken(chunk)
        return partition

    def part(self, partition: BlockPartition) -> PureT:
        """The partition's own; built anew when the partition is, from what the log says."""
        state = state_of(partition)
        known = self._parts.get(partition.number)
        if known is None or known[0] is not state:
            known = self._parts[partition.number] = state, self._build(dict(state.rows))
        return known[1]

    def ready(self) -> list[tuple[BlockPartition, PureT]]:
        """All partitions that may be worked on; those that have left are forgotten."""
        partitions = self.table.ready_partitions()
        for gone in self._parts.keys() - self.table.data.partitions.keys():
            del self._parts[gone]
        return [(partition, self.part(partition)) for partition in partitions.values()]

    async def append(
        self, partition: BlockPartition, part: PureT, applied: Mapping[str, int] | None = None
    ) -> asyncio.Future[None] | None:
        """Make what has changed durable, with topic -> last offset that it covers; None if there is nothing to say."""
        changes = part.collect()
        if not changes and not applied:
            return None
        block = KeyedBlock(dict(applied or {}), changes.puts, changes.drops)
        state_of(partition).apply(block)
        return await self.table.append(partition, encode_keyed_block(block))


def state_of(partition: BlockPartition) -> KeyedState:
    """The rows of a partition."""
    return cast("KeyedState", partition.state)


def covered(context: AppContext, partition: BlockPartition, chunk: Chunk) -> int:
    """Up to which offset the rows have the chunk's topic already; -1 if it is another topic under its old name."""
    applied, end = state_of(partition).applied.get(chunk.topic, -1), context.end(TP(chunk.topic, chunk.partition))
    if end is not None and applied >= end:
        log.warning("%s was made anew: it ends at %d and was read up to %d", chunk.topic, end, applied)
        return -1
    return applied


def acknowledge(event: ChunkEvent, settled: asyncio.Future[None] | None) -> None:
    """Acknowledge the chunk once its block is on the broker; not at all if its partition has moved."""
    if settled is None:
        event.ack()
    else:
        settled.add_done_callback(lambda done: None if done.cancelled() else event.ack())
