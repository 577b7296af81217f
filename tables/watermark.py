"""Watermarks: taken at the source, combined over sources, and never moving back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.batch import Source
from tables.plan import MIN_MS, ModelPlan, Plan


@dataclass(slots=True)
class SourceState:
    """How far one source partition is known: applied offset, watermark, whether it is idle."""

    applied: int = -1
    watermark_ms: int = MIN_MS
    idle: bool = False


def combine(states: Iterable[tuple[int, bool]]) -> tuple[int, bool]:
    """(watermark, idle) of several: the least of the active ones; of idle ones alone the greatest.

    An idle source (caught up and silent) holds nothing back, but time does not pass without
    records either: history may be replayed, so the wall clock decides nothing here.
    """
    known = list(states)
    active = [w for w, idle in known if not idle]
    if active:
        return min(active), False
    return max((w for w, _ in known), default=MIN_MS), True


class Sources:
    """All sources of one state partition, and from them each model's frontier."""

    def __init__(self, plan: Plan, state_partition: int) -> None:
        self._plan = plan
        self._partition = state_partition
        self.states: dict[Source, SourceState] = {}
        self.frontiers: dict[str, int] = {}

    def applied(self, source: Source) -> int:
        """The greatest source offset that is in the state; -1 for none."""
        state = self.states.get(source)
        return -1 if state is None else state.applied

    def advance(self, source: Source, last: int, watermark_ms: int, *, idle: bool) -> None:
        """Note what a batch said of its source, then move the frontiers it concerns."""
        state = self.states.setdefault(source, SourceState())
        state.applied = max(state.applied, last)
        state.watermark_ms = max(state.watermark_ms, watermark_ms)
        state.idle = idle
        for model in self._plan.models.values():
            if source.topic in (model.predictions_topic, model.labels_topic):
                now, _ = self.seen(model)
                self.frontiers[model.name] = max(self.frontiers.get(model.name, MIN_MS), now)

    def seen(self, model: ModelPlan) -> tuple[int, bool]:
        """(watermark, idle) over every source that feeds the model, heard of or not.

        Predictions and labels count alike: a label topic that is read slowly must not lose its
        labels to a fast prediction topic.
        """
        unheard = SourceState()
        every = (
            self.states.get(Source(topic, p), unheard)
            for topic in (model.predictions_topic, model.labels_topic)
            for p in self._plan.sources(topic, self._partition)
        )
        return combine((s.watermark_ms, s.idle) for s in every)

    def frontier(self, model: str) -> int:
        """The model's watermark in this partition, in ms; `MIN_MS` before the first."""
        return self.frontiers.get(self._plan.of(model).name, MIN_MS)
