"""Pipeline records: each worker tells how far its state partitions are, and what became of their records."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import msgspec

from agents.context import Context
from agents.sending import all_arrived, send
from models.pipeline_record import PipelineRecord, encode_pipeline
from tables.join_state import JoinState
from tables.partition import BlockPartition
from tables.plan import MIN_MS

REPORT_SECONDS: Final = 5.0


def pipeline_record(state: JoinState, partition: int, worker: str, now_ms: int) -> PipelineRecord:
    """What a state partition has to say."""
    return PipelineRecord(
        partition=partition,
        worker=worker,
        fates=state.fates.as_dict(),
        watermarks_ms={model: at_ms for model, at_ms in state.sources.frontiers.items() if at_ms != MIN_MS},
        rows=state.index.rows,
        open_windows=len(state.windows.keys),
        emitted_at_ms=now_ms,
    )


class Reporting:
    """Says what has changed since it was last said, and all of a partition that has just come."""

    def __init__(self, context: Context, worker: str) -> None:
        self.context = context
        self._worker = worker
        self._said: dict[int, tuple[BlockPartition, PipelineRecord]] = {}

    async def round(self) -> None:
        """Send what is news, once the blocks behind it are on the broker."""
        partitions = self.context.join.ready_partitions()
        self._said = {number: said for number, said in self._said.items() if number in partitions}
        news = [record for number, one in partitions.items() if (record := self._news(number, one)) is not None]
        if not news:
            return
        await asyncio.gather(*(partitions[record.partition].settle() for record in news))
        sent = []
        for record in news:
            partition = partitions[record.partition]
            if partition.ready and not partition.closed:  # else its next worker says it
                topic, value = self.context.names.pipeline, encode_pipeline(record)
                sent.append(await send(self.context, topic, value, key=record.key()))
                self._said[record.partition] = partition, record
        await all_arrived(self.context, sent)

    def _news(self, number: int, partition: BlockPartition) -> PipelineRecord | None:
        record = pipeline_record(cast("JoinState", partition.state), number, self._worker, self.context.now_ms())
        before, said = self._said.get(number, (None, None))
        return None if before is partition and said is not None and _same(said, record) else record

    async def report(self) -> None:
        """The timer of the rounds."""
        await self.context.guard("sending pipeline records", self.round())


def _same(one: PipelineRecord, other: PipelineRecord) -> bool:
    """Whether nothing but the time is another."""
    changes: dict[str, Any] = {"emitted_at_ms": other.emitted_at_ms}
    return msgspec.structs.replace(one, **changes) == other


def register(context: Context, worker: str) -> None:
    """The timer that runs the rounds. worker: what people call this one."""
    context.app.timer(REPORT_SECONDS)(Reporting(context, worker).report)
