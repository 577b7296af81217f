"""Metric records leave only behind a block that proves that the partition is still ours."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import orjson

from agents.context import Context
from agents.merge import Merging
from tables.merge_state import MergeState, decode_merge_block
from telemetry.registry import Telemetry
from tests.unit.tables.support import HOLD_MS, PLAN, T0, WINDOW_MS, partial
from tests.unit.tables.support import Merging as MergeFeed


@dataclass
class World:
    """One merge partition, its changelog and the metrics topic; ``events`` in the order they happen."""

    moves_away: bool = False
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.feed = MergeFeed(PLAN, 1)
        self.partition = SimpleNamespace(number=0, state=self.feed.state, ready=True, closed=False)
        self.replayed = MergeFeed(PLAN, 1).state
        context = SimpleNamespace(
            now_ms=lambda: T0,
            merge=SimpleNamespace(ready_partitions=self._ready, append=self._append),
            app=SimpleNamespace(producer=SimpleNamespace(send=self._send)),
            names=SimpleNamespace(metrics="metrics"),
            metrics_partitions=4,
            plan=PLAN,
            telemetry=Telemetry(100),
        )
        self.merging = Merging(cast("Context", context))

    def _ready(self) -> dict[int, object]:
        return {0: self.partition} if self.partition.ready else {}

    async def _append(self, _: object, body: bytes) -> asyncio.Future[None]:
        block = decode_merge_block(body)
        self.replayed.apply(block)
        self.events.append("announced" if block.announced else "block")
        landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.moves_away:
            self.partition.ready, self.partition.closed = False, True
            landed.cancel()
        else:
            landed.set_result(None)
        return landed

    async def _send(self, _topic: str, _key: object, value: bytes, *_: object) -> asyncio.Future[None]:
        self.events.append("final record" if orjson.loads(value)["final"] else "record")
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent

    def count(self, final: bool) -> None:
        end_ms = T0 - T0 % WINDOW_MS + WINDOW_MS
        self.feed.partials(partial(end_ms - WINDOW_MS, {0: 1}, 5))
        self.feed.mark(0, end_ms + (HOLD_MS if final else 0), end_ms if final else end_ms - WINDOW_MS)


async def test_a_block_of_ours_stands_in_the_log_before_the_records_that_follow_from_it() -> None:
    world = World()
    world.count(final=False)
    await world.merging.round()
    assert world.events == ["block", "record"]
    await world.merging.round()
    assert world.events == ["block", "record"]


async def test_the_block_before_the_records_changes_nothing() -> None:
    world = World()
    world.count(final=True)
    world.replayed = MergeState(PLAN, 1, world.feed.state.checkpoint)
    await world.merging.round()
    assert world.events[0] == "block"
    assert world.events[-1] == "announced"
    assert world.replayed.applied == world.feed.state.applied
    assert world.replayed.announced == world.feed.state.announced


async def test_nothing_is_sent_of_a_partition_that_moved_away_meanwhile_and_all_of_it_when_it_is_back() -> None:
    world = World(moves_away=True)
    world.count(final=False)
    await world.merging.round()
    assert world.events == ["block"]
    world.moves_away, world.feed = False, MergeFeed(PLAN, 1)
    world.count(final=False)
    world.partition = SimpleNamespace(number=0, state=world.feed.state, ready=True, closed=False)
    await world.merging.round()
    assert world.events == ["block", "block", "record"]
