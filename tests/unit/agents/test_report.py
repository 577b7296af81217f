"""Pipeline records: what a worker says of its state partitions, and when it does not."""

import asyncio
from types import SimpleNamespace
from typing import cast

from agents.context import Context
from agents.report import Reporting
from models.pipeline_record import PipelineRecord, decode_pipeline
from tables import fates
from tables.fates import Fates


class World:
    """Some state partitions and the topic."""

    def __init__(self) -> None:
        self.now_ms = 1_000
        self.events: list[str] = []
        self.sent: list[PipelineRecord] = []
        self.partitions = {number: self.partition() for number in (0, 1)}
        context = SimpleNamespace(
            now_ms=lambda: self.now_ms,
            join=SimpleNamespace(ready_partitions=lambda: dict(self.partitions)),
            app=SimpleNamespace(producer=SimpleNamespace(send=self._send)),
            names=SimpleNamespace(pipeline="pipeline"),
        )
        self.reporting = Reporting(cast("Context", context), "worker-0")

    def partition(self) -> SimpleNamespace:
        state = SimpleNamespace(
            fates=Fates(),
            sources=SimpleNamespace(frontiers={"fraud": 500}),
            index=SimpleNamespace(rows=0),
            windows=SimpleNamespace(keys={}),
        )
        return SimpleNamespace(state=state, ready=True, closed=False, settle=self._settle)

    async def _settle(self) -> None:
        self.events.append("settled")

    async def _send(self, topic: str, key: bytes, value: bytes, *_: object) -> asyncio.Future[None]:
        assert topic == "pipeline"
        self.events.append("sent")
        self.sent.append(decode_pipeline(value))
        assert key == self.sent[-1].key()
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent

    async def said(self) -> list[int]:
        """The partitions of which a round speaks."""
        self.sent.clear()
        await self.reporting.round()
        return [record.partition for record in self.sent]


async def test_a_partition_is_told_of_when_it_comes_and_when_something_has_changed() -> None:
    world = World()
    assert await world.said() == [0, 1]
    world.now_ms = 9_000
    assert await world.said() == []
    world.partitions[1].state.fates.add(fates.LABELS, fates.JOINED, 3)
    assert await world.said() == [1]
    [record] = world.sent
    assert (record.worker, record.emitted_at_ms, record.watermarks_ms) == ("worker-0", 9_000, {"fraud": 500})
    assert (record.fates["labels"]["joined"], record.fates["predictions"]["joined"]) == (3, 0)


async def test_a_partition_that_went_and_came_back_is_told_of_again() -> None:
    world = World()
    await world.said()
    gone = world.partitions.pop(0)
    assert await world.said() == []
    world.partitions[0] = gone
    assert await world.said() == [0]
    world.partitions[0] = world.partition()  # away and back between two rounds: opened anew
    assert await world.said() == [0]


async def test_what_is_told_stands_on_the_broker_before() -> None:
    world = World()
    await world.said()
    assert world.events == ["settled", "settled", "sent", "sent"]


async def test_of_a_partition_that_moves_away_meanwhile_the_next_worker_tells() -> None:
    world = World()

    async def moves() -> None:
        world.partitions[0].closed = True

    world.partitions[0].settle = moves
    assert await world.said() == [1]
