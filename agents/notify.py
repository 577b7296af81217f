"""Notifying: alerts and silences become blocks of the notifier's rows; what is due goes to the channels."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress

from faust.types import TP

from agents.backlog import Backlog
from agents.context import AlertContext
from agents.deliveries import Deliveries
from agents.in_order import InOrder
from agents.keyed import Keyed, acknowledge, covered, state_of
from agents.stream import ChunkEvent, ChunkStream, take_each
from alerting.notification import Channel
from alerting.notifier import Notifier
from models.alert_event import AlertEvent, decode_alert
from models.silence import decode_silence
from tables.partition import BlockPartition
from transport.chunk import Chunk, ChunkSchema

CHUNK_RECORDS_MAX = 100
TICK_SECONDS = 0.25

log = logging.getLogger(__name__)


class Notifying:
    """Feeds the one notifier and carries out what it says; it is on the worker that owns the alerts topic."""

    def __init__(self, context: AlertContext, rows: Keyed[Notifier], channels: Mapping[str, Channel]) -> None:
        self.context = context
        self.rows = rows
        self.in_order = InOrder(context)
        self.deliveries = Deliveries(context, rows, channels)
        self._beginning: tuple[BlockPartition, Backlog | None] | None = None

    # -- in

    async def run(self, stream: ChunkStream) -> None:
        """The agent: a chunk of alerts or silences is acknowledged when its block is on the broker."""
        await self.context.guard("taking alerts", take_each(stream, self._take))

    async def _take(self, event: ChunkEvent) -> None:
        chunk = event.value
        partition = await self.rows.partition_of(chunk, self.in_order)
        if partition is None:
            return
        self.context.progress.chunks += 1
        notifier = self.rows.part(partition)
        if chunk.topic == self.context.names.silences:
            self._take_silences(notifier, chunk, covered(self.context, partition, chunk))
        elif self._is_new(partition) and (backlog := self._backlog(partition)) is not None:
            for offset, alert in _alerts(chunk, -1):
                backlog.add(offset, alert)
            backlog.hold(event)
            return
        else:
            for _, alert in _alerts(chunk, covered(self.context, partition, chunk)):
                notifier.take_alert(alert, self.context.now_ms())
        acknowledge(event, await self.rows.append(partition, notifier, {chunk.topic: chunk.last}))

    def _take_silences(self, notifier: Notifier, chunk: Chunk, applied: int) -> None:
        for record in chunk.records:
            if record.offset > applied:
                with suppress(ValueError):  # what is no silence silences nothing
                    silence = None if record.value is None else decode_silence(record.value)
                    notifier.take_silence((record.key or b"").decode(), silence, self.context.now_ms())

    # -- the beginning

    def _is_new(self, partition: BlockPartition) -> bool:
        """Whether the notifier has no past."""
        return self.context.names.alerts not in state_of(partition).applied

    def _backlog(self, partition: BlockPartition) -> Backlog | None:
        """What is collected until the end of the topics is reached once; None from then on."""
        if self._beginning is None or self._beginning[0] is not partition:
            self._beginning = partition, Backlog(self.context.now_ms())
        return self._beginning[1]

    async def _begin(self, partition: BlockPartition, notifier: Notifier, backlog: Backlog) -> bool:
        """Whether the end of the topics is reached; a notifier without a past then takes what it has missed."""
        names, applied = self.context.names, state_of(partition).applied
        is_new, last = self._is_new(partition), max(backlog.last(), applied.get(names.alerts, -1))
        taken = {names.alerts: last, names.silences: applied.get(names.silences, -1)}
        if not backlog.is_complete(self.context, {TP(t, partition.number): at for t, at in taken.items()}):
            return False
        self._beginning = partition, None
        if is_new:
            for alert in backlog.firing():
                notifier.take_alert(alert, self.context.now_ms())
            settled = await self.rows.append(partition, notifier, {names.alerts: last})
            for event in backlog.held:
                acknowledge(event, settled)
        return True

    # -- out

    async def tick(self) -> None:
        """The timer: whatever is due goes out once the log knows of it."""
        await self.context.guard("notifying", self._tick())

    async def _tick(self) -> None:
        self.deliveries.forget_closed()
        for partition, notifier in self.rows.ready():
            backlog = self._backlog(partition)
            if backlog is None or await self._begin(partition, notifier, backlog):
                await self.deliveries.round(partition, notifier)

    # -- what is shown

    def firing(self) -> list[AlertEvent]:
        """The alerts that fire now, if the notifier is this worker's."""
        return [alert for _, notifier in self.rows.ready() for alert in notifier.firing()]


def _alerts(chunk: Chunk, applied: int) -> list[tuple[int, AlertEvent]]:
    """(offset, alert) of the chunk's records behind the applied offset."""
    found = []
    for record in chunk.records:
        if record.offset <= applied or record.value is None:
            continue
        try:
            found.append((record.offset, decode_alert(record.value)))
        except (ValueError, TypeError):
            log.warning("%s at %d is no alert record: passed over", chunk.topic, record.offset)
    return found


def register(context: AlertContext, rows: Keyed[Notifier], channels: Mapping[str, Channel]) -> Notifying:
    """The agent on the alerts and silences topics and its timer."""
    notifying = Notifying(context, rows, channels)
    topics = [context.names.alerts, context.names.silences]
    context.agent("notify", topics, ChunkSchema(CHUNK_RECORDS_MAX), notifying.run)
    context.app.timer(TICK_SECONDS)(notifying.tick)
    return notifying
