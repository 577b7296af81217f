"""A table whose broker is told when to take a block, and the context around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from agents.context import AlertContext, AlertNames
from tables.keyed import KeyedState
from tables.memory import MemoryCheckpoint
from tables.partition import BlockPartition
from telemetry.registry import Telemetry
from transport.chunk import Chunk

NAMES = AlertNames("metrics", "alerts", "decisions", "silences")


class FakePartition:
    """Blocks are on the broker once `land` was called, or at once."""

    def __init__(self, *, lands: bool = True) -> None:
        self.number = 0
        self.state = KeyedState(MemoryCheckpoint())
        self.ready, self.closed = True, False
        self._landed = asyncio.Event()
        if lands:
            self._landed.set()

    def land(self) -> None:
        self._landed.set()

    async def settle(self) -> None:
        await self._landed.wait()


class FakeTable:
    """Takes blocks for one partition."""

    def __init__(self, partition: FakePartition) -> None:
        self.one = partition
        self.blocks: list[bytes] = []
        self.data = SimpleNamespace(partitions={0: partition})

    async def has_room(self) -> None:
        pass

    def partition(self, _: int) -> FakePartition | None:
        return self.one if self.one.ready else None

    def ready_partitions(self) -> dict[int, FakePartition]:
        return {0: self.one} if self.one.ready else {}

    async def append(self, _: FakePartition, body: bytes) -> asyncio.Future[None]:
        self.blocks.append(body)
        return asyncio.ensure_future(self.one.settle())


@dataclass
class FakeConsumer:
    """end: behind the last record of every topic."""

    end: int = 0
    positions: dict[object, int] = field(default_factory=dict)

    def highwater(self, _: object) -> int:
        return self.end

    def caught_up(self, tp: object) -> bool:
        return self.positions.get(tp, 0) >= self.end

    def polled_ms(self, _: object) -> int | None:
        return None


class FakeProducer:
    """Everything arrives."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None]] = []

    async def send(self, topic: str, key: bytes | None, value: bytes | None, *_: object) -> Awaitable[None]:
        del key
        self.sent.append((topic, value))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def fatal(reason: str) -> Any:  # noqa: ANN401  # never returns
    raise AssertionError(reason)


def context(table: FakeTable, consumer: FakeConsumer | None = None) -> AlertContext:
    """A context over one table."""
    app = SimpleNamespace(consumer=consumer or FakeConsumer(), producer=FakeProducer(), rebalancing=False)
    return AlertContext(
        app=cast("Any", app),
        telemetry=Telemetry(100),
        now_ms=lambda: 1_000,
        fatal=fatal,
        names=NAMES,
        rules=cast("Any", table),
        notify=cast("Any", table),
    )


def as_partition(partition: FakePartition) -> BlockPartition:
    """What the agents think it is."""
    return cast("BlockPartition", partition)


@dataclass
class Record:
    """One consumed record."""

    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


def chunk(topic: str, values: Sequence[tuple[int, bytes | None]], after: int = -1, keys: Sequence[bytes] = ()) -> Chunk:
    """A chunk of partition 0 with these offsets and values, and keys where the test has some."""
    named = {offset: key for (offset, _), key in zip(values, keys, strict=False)}
    return Chunk(topic, 0, [Record(offset, value, named.get(offset)) for offset, value in values], after)
