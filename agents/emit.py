"""Partials: what the worker's windows have to say goes to the owners of their slices."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from typing import cast

from agents.context import Context
from agents.sending import all_arrived, send
from models.partial import Mark, Partial, encode_partials
from tables.block import JoinBlock, encode_block
from tables.emitter import Emission, Emitter
from tables.join_state import JoinState
from tables.partition import BlockPartition

TICK_SECONDS = 0.25
MESSAGE_BYTES_MAX = 400_000


def owner(model: str, segment: str, partitions: int) -> int:
    """The partials partition of a slice: one owner sees all its versions."""
    return zlib.crc32(f"{model}|{segment}".encode()) % partitions


def messages(emission: Emission, partitions: int) -> list[tuple[int, bytes]]:
    """(partition, bytes) in the order to send: the marks come last, behind all they vouch for."""
    by_owner: dict[int, list[Partial]] = {p: [] for p in range(partitions)}
    for partial in emission.partials:
        by_owner[owner(partial.model, partial.segment, partitions)].append(partial)
    found: list[tuple[int, bytes]] = []
    for number, partials in by_owner.items():
        held: list[Partial] = []
        size = 0
        for partial in partials:
            if held and size + len(partial.value) > MESSAGE_BYTES_MAX:
                found.append((number, encode_partials([], held)))
                held, size = [], 0
            held.append(partial)
            size += len(partial.value)
        if held or emission.marks:
            found.append((number, encode_partials(emission.marks, held)))
    return found


class Emitting:
    """One round after the other: collect, wait for the blocks behind it, send, release."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.emitter = Emitter(context.plan)
        self._known: dict[int, BlockPartition] = {}
        self._said: list[Mark] = []

    async def round(self) -> None:
        """Send all that is due."""
        partitions = self.context.join.ready_partitions()
        states = {n: cast("JoinState", p.state) for n, p in partitions.items()}
        if partitions != self._known:
            self._known = dict(partitions)
            self.emitter.forget(states)
            self._said = []
        if not states:
            return
        emission = self.emitter.collect(states, self.context.now_ms())
        if not emission.partials and emission.marks == self._said:
            return
        self._said = emission.marks
        await asyncio.gather(*(p.settle() for p in partitions.values()))
        if any(p.closed for p in partitions.values()):
            self._known = {}  # what was collected may never have reached the log: say all of it again
            return
        topic = self.context.names.partials
        sent = [
            await send(self.context, topic, value, partition=number)
            for number, value in messages(emission, self.context.partitions)
        ]
        await all_arrived(self.context, sent)
        await self._release(emission, partitions)

    async def _release(self, emission: Emission, partitions: Mapping[int, BlockPartition]) -> None:
        """Windows sent for the last time may go, in every partition that still has some."""
        for partition in partitions.values():
            state = cast("JoinState", partition.state)
            released = [(m, end) for m, end in emission.released.items() if state.has_ended(m, end)]
            if released and not partition.closed and partition.ready:
                block = JoinBlock(released=released)
                state.apply(block)
                await self.context.join.append(partition, encode_block(block))

    async def emit(self) -> None:
        """The timer of the rounds."""
        await self.context.guard("sending partials", self.round())


def register(context: Context) -> Emitting:
    """The timer that runs the rounds."""
    emitting = Emitting(context)
    context.app.timer(TICK_SECONDS)(emitting.emit)
    return emitting
