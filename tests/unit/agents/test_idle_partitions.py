"""Partitions of a topic keyed by id that have never had a record, alone on a worker."""

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import cast

import pytest
from faust.types import TP

from agents.context import Context
from agents.join import Joining
from models.batch import MIN_MS
from models.partial import Mark
from tables.emitter import Emitter
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState
from tables.plan import Plan
from telemetry.registry import Telemetry
from tests.unit.tables.support import HOLD_MS, MODEL, T0, WINDOW_MS

IDLE_MS = MODEL.idle_timeout_ms
PLAN = Plan({"fraud": MODEL}, {"p": 2, "l": 2}, frozenset({"p", "l"}))
EMPTY = [TP("p", 1), TP("l", 1)]


@dataclass
class Worker:
    """The worker that has partition 1 of both topics, and a share of the merge."""

    now_ms: int = 0
    end: dict[TP, int] = field(default_factory=dict)
    blocks: int = 0

    def __post_init__(self) -> None:
        self.state = JoinState(PLAN, 1, MemoryCheckpoint())
        self.merge = MergeState(PLAN, 2, MemoryCheckpoint())
        partition = SimpleNamespace(state=self.state, closed=False)
        consumer = SimpleNamespace(
            polled_ms=lambda _: self.now_ms, caught_up=lambda tp: not self.end.get(tp), positions={}
        )
        context = SimpleNamespace(
            plan=PLAN,
            now_ms=lambda: self.now_ms,
            telemetry=Telemetry(10),
            consumer=consumer,
            app=SimpleNamespace(assignor=SimpleNamespace(assigned_actives=lambda: set(EMPTY))),
            decoders={"p": SimpleNamespace(kind="predictions"), "l": SimpleNamespace(kind="labels")},
            idle=lambda tp, _: consumer.caught_up(tp),
            join=SimpleNamespace(partition=lambda _: partition, append=self._append),
            merge=SimpleNamespace(ready_partitions=lambda: {1: SimpleNamespace(state=self.merge)}),
        )
        self.joining = Joining(cast("Context", context), {"p", "l"})

    async def _append(self, *_: object) -> asyncio.Future[None]:
        self.blocks += 1
        return asyncio.get_running_loop().create_future()

    async def tick(self, seconds: float = 1) -> None:
        self.now_ms += int(seconds * 1000)
        await self.joining._mark_idle()
        for mark in Emitter(PLAN).collect({1: self.state}, self.now_ms).marks:
            self.merge.apply(MergeBlock(0, [mark]))

    def hear(self, closed_ms: int) -> None:
        """What the other worker says of partition 0."""
        self.merge.apply(MergeBlock(0, [Mark("fraud", 0, closed_ms, closed_ms - HOLD_MS, False)]))

    @property
    def final_ms(self) -> int:
        return self.merge.final_ms(MODEL)


async def test_a_partition_without_any_record_does_not_hold_back_the_final_records_of_the_others() -> None:
    worker = Worker()
    await worker.tick()
    worker.hear(T0 + WINDOW_MS + HOLD_MS)
    await worker.tick()
    assert worker.final_ms == MIN_MS  # not silent for long enough
    await worker.tick(IDLE_MS / 1000)
    assert worker.final_ms == T0 + WINDOW_MS
    worker.hear(T0 + 5 * WINDOW_MS + HOLD_MS)
    await worker.tick()
    assert worker.final_ms == T0 + 5 * WINDOW_MS


async def test_an_idle_partition_writes_a_block_only_when_the_others_have_moved() -> None:
    worker = Worker(now_ms=0)
    await worker.tick()
    await worker.tick(IDLE_MS / 1000)
    worker.hear(T0)
    for _ in range(10):
        await worker.tick()
    assert worker.blocks == 2 * len(EMPTY)  # idle, then as far as the others


@pytest.mark.parametrize("topic", ["p", "l"])
async def test_a_partition_with_unread_records_is_not_idle_however_far_the_others_are(topic: str) -> None:
    worker = Worker(end={TP(topic, 1): 5})
    worker.hear(T0)
    await worker.tick()
    await worker.tick(IDLE_MS / 1000)
    assert worker.final_ms == MIN_MS


def test_the_models_of_a_topic_are_found_by_either_kind() -> None:
    other = replace(MODEL, name="other", predictions_topic="q", labels_topic="l")
    plan = Plan({"fraud": MODEL, "other": other})
    assert [[m.name for m in plan.fed_by(topic)] for topic in "pql"] == [["fraud"], ["other"], ["fraud", "other"]]
