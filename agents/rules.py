"""Judging: a chunk of metric records becomes a block of the rules' rows; then what it made happen is said."""

from __future__ import annotations

import asyncio
import logging
import time

import orjson

from agents.context import AlertContext
from agents.in_order import InOrder
from agents.keyed import Keyed, acknowledge, covered
from agents.sending import all_arrived, send
from agents.stream import ChunkEvent, ChunkStream, take_each
from alerting.evaluator import Evaluator
from alerting.unsent import key_of
from models.alert_event import AlertEvent, encode_alert
from models.decision import Decision, encode_decision
from models.metric_record import unescape
from models.smoke import SMOKE_MODEL
from tables.partition import BlockPartition
from transport.chunk import Chunk, ChunkSchema

CHUNK_RECORDS_MAX = 100
"""So few that the event loop is free again within some milliseconds."""
_KEY_PARTS = 5
SAY_SECONDS = 0.25
LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Judging:
    """Feeds the evaluators of the partitions owned, and sends what they have to say."""

    def __init__(self, context: AlertContext, rows: Keyed[Evaluator]) -> None:
        self.context = context
        self.rows = rows
        self.in_order = InOrder(context)

    async def run(self, stream: ChunkStream) -> None:
        """The agent: a chunk is acknowledged when its block is on the broker."""
        await self.context.guard("judging metric records", take_each(stream, self._take))

    async def _take(self, event: ChunkEvent) -> None:
        chunk = event.value
        partition = await self.rows.partition_of(chunk, self.in_order)
        if partition is None:
            return
        started = time.perf_counter()
        evaluator = self.rows.part(partition)
        self._judge(evaluator, chunk, covered(self.context, partition, chunk))
        acknowledge(event, await self.rows.append(partition, evaluator, {chunk.topic: chunk.last}))
        self.context.progress.chunks += 1
        await asyncio.sleep((time.perf_counter() - started) * self.context.rest)

    def _judge(self, evaluator: Evaluator, chunk: Chunk, applied: int) -> None:
        now_ms = self.context.now_ms()
        for taken in chunk.records:
            if taken.offset <= applied or taken.value is None:
                continue
            if taken.key is not None and not _wanted(evaluator, taken.key):
                continue
            try:
                evaluator.take(_decoded(taken.value), now_ms)
            except (KeyError, ValueError, TypeError):
                log.warning("%s-%d at %d is no metric record: passed over", chunk.topic, chunk.partition, taken.offset)

    async def look(self) -> None:
        """The timer over what did not come."""
        await self.context.guard("judging what did not come", self._look())

    async def _look(self) -> None:
        for partition, evaluator in self.rows.ready():
            evaluator.tick(self.context.now_ms())
            await self.rows.append(partition, evaluator)

    async def say(self) -> None:
        """The timer over what is to be said."""
        await self.context.guard("sending alerts", self._say())

    async def _say(self) -> None:
        for partition, evaluator in self.rows.ready():
            await self._send(partition, evaluator)

    async def _send(self, partition: BlockPartition, evaluator: Evaluator) -> None:
        """Send what is durable; a crash before it is marked as sent sends it again, under the same names."""
        alerts, decisions = evaluator.outbox(), evaluator.decisions()
        if not alerts and not decisions:
            return
        await partition.settle()
        if partition.closed:
            return  # whoever owns it now says it
        names = self.context.names
        sent = [
            await send(self.context, names.alerts, encode_alert(alert), key=alert.fingerprint.encode(), partition=0)
            for alert in alerts
        ]
        sent += [await send(self.context, names.decisions, encode_decision(d), key=d.key()) for d in decisions]
        await all_arrived(self.context, sent)
        # A newer word under the same name may have come meanwhile: that one is still to be sent.
        left = _by_key(evaluator.outbox(), evaluator.decisions())
        evaluator.sent(key for key, item in _by_key(alerts, decisions).items() if left.get(key) == item)
        if partition.ready and not partition.closed:
            await self.rows.append(partition, evaluator)


def _by_key(alerts: list[AlertEvent], decisions: list[Decision]) -> dict[str, AlertEvent | Decision]:
    items: list[AlertEvent | Decision] = [*alerts, *decisions]
    return {key_of(item): item for item in items}


def _wanted(evaluator: Evaluator, key: bytes) -> bool:
    """Whether any rule is for the record of that key; what is no such key is looked at."""
    parts = key.decode("utf-8", "replace").split("|")
    if len(parts) != _KEY_PARTS:
        return True
    model, _, segment, span, _ = map(unescape, parts)
    return model != SMOKE_MODEL and evaluator.wants(model, segment, span)


def _decoded(value: bytes) -> dict[str, object]:
    """The record; raises ValueError."""
    record = orjson.loads(value)
    if not isinstance(record, dict):
        raise ValueError("not an object")  # noqa: TRY004  # as for what is no JSON
    return record


def register(context: AlertContext, rows: Keyed[Evaluator]) -> Judging:
    """The agent on the metrics topic and its timers."""
    judging = Judging(context, rows)
    context.agent("rules", [context.names.metrics], ChunkSchema(CHUNK_RECORDS_MAX), judging.run)
    context.app.timer(SAY_SECONDS)(judging.say)
    context.app.timer(LOOK_SECONDS)(judging.look)
    return judging
