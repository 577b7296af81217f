"""The pipeline as it stands: state partitions with their workers, fates, how far models are, lag of the groups."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from pydantic import BaseModel, Field

from dashboard.message import Message
from dashboard.metric_store import MetricStore
from dashboard.versions import versions
from models.metric_record import iso_ms
from models.pipeline_record import PipelineRecord, decode_pipeline

LOOK_SECONDS = 5.0
"""The broker is asked at most so often, and only while somebody wants to know."""


class PartitionItem(BaseModel):
    """A state partition, as its worker told it last."""

    partition: int
    worker: str
    told_at: str
    consumed: int = Field(description="Records that have a fate.")
    rows: int = Field(description="Predictions and labels that are remembered.")
    open_windows: int
    watermarks: dict[str, str] = Field(description="Model as configured -> event time.")


class ModelProgress(BaseModel):
    """How far the records of a model are."""

    model: str
    closed_until: str | None = Field(description="End of the newest window of the whole model.")
    final_until: str | None = Field(description="End of the newest window that is final.")


class Lag(BaseModel):
    """What a consumer group has not acknowledged of a partition; null: it has acknowledged nothing yet."""

    group: str
    topic: str
    partition: int
    records: int | None


class Group(BaseModel):
    """A consumer group, and who is in it."""

    group: str
    state: str
    members: list[str] = Field(description="The hosts that the broker sees.")


class Groups(BaseModel):
    """What the broker says of the consumer groups."""

    groups: list[Group] = []
    lag: list[Lag] = []
    problem: str | None = Field(default=None, description="Why the broker says nothing.")


class Pipeline(BaseModel):
    """Everything of it."""

    partitions: list[PartitionItem]
    fates: dict[str, dict[str, int]] = Field(description="Kind of record -> fate -> records, of all partitions.")
    models: list[ModelProgress]
    consumers: Groups


class PipelineStore:
    """The last record of each state partition."""

    def __init__(self) -> None:
        self.records: dict[int, PipelineRecord] = {}

    def add(self, message: Message) -> PipelineRecord | None:
        """Take in a record. Raises ValueError."""
        if message.value is None:
            self.records.pop(int(message.key or b""), None)
            return None
        record = decode_pipeline(message.value)
        self.records[record.partition] = record
        return record


class GroupsView:
    """Asks the broker now and then. look: blocks for some seconds at most; seconds: a clock that never jumps."""

    def __init__(self, look: Callable[[], Groups], seconds: Callable[[], float]) -> None:
        self._look, self._seconds = look, seconds
        self._seen: tuple[float, Groups] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def seen(self) -> Groups:
        """What the broker said at most `LOOK_SECONDS` ago."""
        async with self._one_at_a_time:
            if self._seen is None or self._seconds() - self._seen[0] >= LOOK_SECONDS:
                found = await asyncio.to_thread(self._look)
                self._seen = self._seconds(), found
            return self._seen[1]


def pipeline(store: PipelineStore, metrics: MetricStore, consumers: Groups) -> Pipeline:
    """All that is known."""
    records = [store.records[number] for number in sorted(store.records)]
    fates: dict[str, Counter[str]] = {}
    for record in records:
        for kind, counts in record.fates.items():
            fates.setdefault(kind, Counter()).update(counts)
    return Pipeline(
        partitions=[_item(record) for record in records],
        fates={kind: dict(counts) for kind, counts in fates.items()},
        models=_progress(metrics),
        consumers=consumers,
    )


def _item(record: PipelineRecord) -> PartitionItem:
    return PartitionItem(
        partition=record.partition,
        worker=record.worker,
        told_at=iso_ms(record.emitted_at_ms),
        consumed=sum(sum(counts.values()) for counts in record.fates.values()),
        rows=record.rows,
        open_windows=record.open_windows,
        watermarks={model: iso_ms(at_ms) for model, at_ms in record.watermarks_ms.items()},
    )


def _progress(metrics: MetricStore) -> list[ModelProgress]:
    closed: dict[str, int] = {}
    final: dict[str, int] = {}
    for version in versions(metrics):
        if version.newest is not None:
            closed[version.model] = max(version.newest.end_ms, closed.get(version.model, 0))
        ended = next((one.end_ms for one in reversed(version.windows) if one.numbers().final), None)
        if ended is not None:
            final[version.model] = max(ended, final.get(version.model, 0))
    return [
        ModelProgress(
            model=model, closed_until=iso_ms(at_ms), final_until=iso_ms(final[model]) if model in final else None
        )
        for model, at_ms in closed.items()
    ]
