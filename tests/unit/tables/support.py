"""Small states and batches for the tests of the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metrics.layout import FINE, HEAD_COLUMNS, Column
from models.batch import Batch, Source
from models.partial import Mark, Partial
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState
from tables.plan import MIN_MS, WHOLE, ModelPlan, Plan
from tables.snapshot import Snapshot

WINDOW_MS, HORIZON_MS, LATENESS_MS = 60_000, 600_000, 30_000
HOLD_MS = HORIZON_MS + LATENESS_MS
T0 = 1_763_000_040_000
MODEL = ModelPlan(
    "fraud", "p", "l", window_ms=WINDOW_MS, horizon_ms=HORIZON_MS, allowed_lateness_ms=LATENESS_MS, emit_every_ms=10_000
)
PLAN = Plan({"fraud": MODEL}, {"p": 1, "l": 1})


def join_state(plan: Plan = PLAN, checkpoint: MemoryCheckpoint | None = None) -> JoinState:
    return JoinState(plan, 0, checkpoint or MemoryCheckpoint())


class Feed:
    """Feeds one state record by record, each source's offsets counted on."""

    def __init__(self, state: JoinState) -> None:
        self.state = state
        self.offsets: dict[Source, int] = {}

    def predict(self, name: str, event_ms: int, version: str = "v1", *, model: str = "fraud", topic: str = "p") -> None:
        self.apply([self.prediction(name, event_ms, version, model=model, topic=topic)])

    def label(self, name: str, label_ms: int, actual: int = 1, *, topic: str = "l") -> None:
        self.apply([self.labelled(name, label_ms, actual, topic=topic)])

    def prediction(
        self, name: str, event_ms: int, version: str = "v1", *, model: str = "fraud", topic: str = "p"
    ) -> Batch:
        at = self._next(Source(topic, 0))
        return Batch(
            "predictions", Source(topic, 0), at - 1, at, MIN_MS, False,
            [name.encode()], np.array([at]), np.array([event_ms]), np.array([0.75]), np.array([1], np.int8),
            [(model, version)], np.array([0], np.int32),
        )  # fmt: skip

    def labelled(self, name: str, label_ms: int, actual: int = 1, *, topic: str = "l") -> Batch:
        at = self._next(Source(topic, 0))
        return Batch(
            "labels", Source(topic, 0), at - 1, at, MIN_MS, False,
            [name.encode()], np.array([at]), np.array([label_ms]), np.empty(0), np.array([actual], np.int8),
            [], np.empty(0, np.int32),
        )  # fmt: skip

    def time(self, watermark_ms: int, topics: Sequence[str] = ("p", "l"), *, idle: bool = False) -> None:
        for topic in topics:
            at = self.offsets.get(Source(topic, 0), -1)
            self.state.sources.advance(Source(topic, 0), at, watermark_ms, idle=idle)
        self.state.expire()

    def apply(self, batches: list[Batch]) -> None:
        block = self.state.decide(batches[0].kind, batches)
        if block is not None:
            self.state.apply(block)

    def _next(self, source: Source) -> int:
        self.offsets[source] = self.offsets.get(source, -1) + 1
        return self.offsets[source]

    def fates(self, kind: str) -> dict[str, int]:
        return {fate: n for fate, n in self.state.fates.as_dict()[kind].items() if n}


def snapshot(total: int, labelled: int = 0, version: int = 1) -> Snapshot:
    head = np.zeros(HEAD_COLUMNS, np.int64)
    head[Column.TOTAL], head[Column.LABELLED], head[Column.TP] = total, labelled, labelled
    return Snapshot(version, head, np.zeros(FINE.cells, np.int32))


def partial(start_ms: int, cover: dict[int, int], total: int, labelled: int = 0) -> Partial:
    return Partial("fraud", "v1", "", start_ms, list(cover.items()), snapshot(total, labelled).pack(WHOLE))


class Merging:
    """A merge state and its log offsets."""

    def __init__(self, plan: Plan, partitions: int, checkpoint: MemoryCheckpoint | None = None) -> None:
        self.state = MergeState(plan, partitions, checkpoint or MemoryCheckpoint())

    def partials(self, *partials: Partial) -> None:
        self.state.apply(MergeBlock(self.state.applied + 1, partials=list(partials)))

    def mark(self, partition: int, closed_ms: int, final_ms: int = MIN_MS, *, idle: bool = False) -> None:
        self.state.apply(MergeBlock(self.state.applied + 1, [Mark("fraud", partition, closed_ms, final_ms, idle)]))
