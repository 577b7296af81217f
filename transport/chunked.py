"""Faust transport ``chunked://``: one stream message per chunk of a (topic, partition) fetch.

Faust hands out records one at a time at some 10,000 a second; in chunks the same Faust does
hundreds of thousands. Everything else of it stays: groups, rebalance, recovery, commit, flow
control. What is overridden here is checked by a test against the Faust that is installed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import (
    TRANSPORTS,
    by_url,  # noqa: F401  # importing it fills TRANSPORTS
)
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, ConsumerT

from transport.chunk import Chunk, ChunkSchema
from transport.in_flight import Delivery, InFlight

SCHEME = "chunked"
FETCH_WAIT_MS = 50
ROOM_SECONDS = 0.01


class ChunkMessage(ConsumerMessage):
    """A chunk on its way through an agent.

    Nothing but the agent holds it: Faust waits at a rebalance for every message that is alive and
    not acknowledged, and those that it clears from its queues must not be among them.
    """

    delivery: Delivery

    def on_final_ack(self, consumer: ConsumerT) -> bool:
        """All of the chunk is safe."""
        self.delivery.acknowledged = True
        return super().on_final_ack(consumer)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Asks the broker more often than Faust does.

    A request that finds nothing waits on the broker, and until it is answered no partition whose records were used up
    meanwhile can be asked for: Faust's 1.5 seconds would be a pause of that length.
    """

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        return consumer

    async def deleted_before(self, wanted: dict[TP, int]) -> dict[TP, int]:
        """How many records from the wanted offset on each partition has lost to retention; none where none are.

        Nothing is known while no broker answers, and nothing is asked where `wanted` is empty, as it nearly always is.
        """
        if not wanted:
            return {}
        try:
            earliest = await self.earliest_offsets(*wanted)
        except KafkaError:
            return {}
        return {tp: earliest[tp] - offset for tp, offset in wanted.items() if earliest.get(tp, 0) > offset}

    async def give_back(self, first: dict[TP, int], following: dict[TP, int]) -> None:
        """Have records fetched again that were taken from the fetcher and not handed out.

        first and following: their first offset and the one behind the last. A partition that was
        sought or taken away meanwhile is left alone.
        """
        await self.call_thread(self._give_back, first, following)

    async def _give_back(self, first: dict[TP, int], following: dict[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for tp in first.keys() & self.assignment():
            if await consumer.position(tp) == following[tp]:
                consumer.seek(tp, first[tp])


class Consumer(driver.Consumer):
    """Yields chunks for topics that some agent declared with a `ChunkSchema`."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._in_flight = InFlight()
        self._schemas: dict[str, ChunkSchema | None] = {}
        self._seeks = 0
        self.positions: dict[TP, int] = {}
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _schema(self, topic: str) -> ChunkSchema | None:
        if topic not in self._schemas:
            schemas = (ch.schema for ch in self.app.topics if topic in ch.topics)
            self._schemas[topic] = next((s for s in schemas if isinstance(s, ChunkSchema)), None)
        return self._schemas[topic]

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yield (partition, message); a message's value is a chunk, its offset the chunk's last."""
        began = self._seeks
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        left = {tp: fetched[0].offset for tp, fetched in records.items() if fetched}
        following = {tp: records[tp][-1].offset + 1 for tp in left}
        if not self.flow_active:
            await self._seek_quietly()
        lost = await self._thread.deleted_before(self._wanted_before(left))
        for tp in list(left):
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            messages = iter(self._messages(tp, records[tp], generation, lost.get(tp, 0)))
            while not self._has_moved_on(generation, began):
                message = next(messages, None)
                if message is None:
                    del left[tp]
                    break
                left[tp] = message.offset + 1
                yield tp, message
        if left:
            await self._thread.give_back(left, following)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # as Faust's
        """Fetch where there is room, and look again soon where there is none.

        Faust would have a partition pause when four thousand messages wait; ours are chunks of megabytes.
        """
        with_room = self._in_flight.with_room(active_partitions or set())
        if active_partitions is None or len(with_room) == len(active_partitions):
            return await super()._getmany(active_partitions, timeout)
        if not with_room:
            await asyncio.sleep(ROOM_SECONDS)
            return {}
        return await super()._getmany(with_room, ROOM_SECONDS)

    def _has_moved_on(self, generation: int, seeks: int) -> bool:
        """Whether what was fetched is not to be handed out any more: while we waited, anything may have happened."""
        return not self.flow_active or self.app.consumer_generation_id != generation or self._seeks != seeks

    async def _seek_quietly(self) -> None:
        try:
            await self.perform_seek()
        except Exception as error:  # noqa: BLE001  # Faust retries at the next call
            self.log.warning("seek while flow is inactive: %r", error)

    def _wanted_before(self, first: dict[TP, int]) -> dict[TP, int]:
        """The offsets that should have come before these, where others came."""
        expected = {tp: self.positions.get(tp, self._read_offset.get(tp)) for tp in first if self._schema(tp.topic)}
        return {tp: offset for tp, offset in expected.items() if offset is not None and offset < first[tp]}

    def _messages(self, tp: TP, fetched: list[Any], generation: int, lost: int) -> Iterable[ConsumerMessage]:
        schema = self._schema(tp.topic)
        if schema is None:
            for record in fetched:
                yield self._to_message(tp, record)
            return
        for records in schema.cut(fetched):
            chunk = Chunk(tp.topic, tp.partition, records, self.positions.get(tp, 0) - 1, lost)
            lost = 0
            self.positions[tp] = chunk.last + 1
            message = ChunkMessage(
                tp.topic,
                tp.partition,
                chunk.last,
                chunk.records[-1].timestamp / 1000.0,
                0,
                [],
                None,
                chunk,  # type: ignore[arg-type]  # what our schema hands on as it is
                None,
                0,
                0,
                tp,
                generation_id=generation,
            )
            message.delivery = self._in_flight.add(tp, chunk.last, len(chunk))
            yield message

    def lag(self) -> dict[TP, int]:
        """Records on each assigned partition that have not been acknowledged; unknown ones are absent."""
        found = {}
        for tp in self._assigned():
            end, done = self._end(tp), self._committed_offset.get(tp) or self._read_from(tp)
            if end is not None and done is not None:
                found[tp] = max(end - done, 0)
        return found

    def caught_up(self, tp: TP) -> bool:
        """Whether all that the broker has of the partition has been delivered to an agent."""
        end = self._end(tp)
        position = self.positions.get(tp, self._read_from(tp))
        return end is not None and (end == 0 or (position is not None and position >= end))

    def polled_ms(self, tp: TP) -> int | None:
        """When the broker last said where the partition ends, wall clock; None if it has not yet."""
        try:
            polled: int | None = self._thread._ensure_consumer().last_poll_timestamp(tp)  # noqa: SLF001
        except (AssertionError, ConsumerNotStarted, IllegalStateError):  # not assigned at the moment
            return None
        return polled

    def _assigned(self) -> set[TP]:
        try:
            assigned: set[TP] = self.assignment()
        except ConsumerNotStarted:
            return set()
        return assigned

    def _end(self, tp: TP) -> int | None:
        try:
            end: int | None = self.highwater(tp)
        except AssertionError:  # aiokafka's word for "not assigned at the moment"
            return None
        return end

    def _read_from(self, tp: TP) -> int | None:
        offset: int | None = self._read_offset.get(tp)
        return None if offset is None else offset + 1

    def reachable(self) -> bool:
        """Whether there is a connection to any broker; before the first one is tried, there may be."""
        try:
            client = self._thread._ensure_consumer()._client  # noqa: SLF001
        except ConsumerNotStarted:
            return True
        return any(connection.connected() for connection in list(client._conns.values()))  # noqa: SLF001

    # -- offsets: commit the end of the longest acknowledged prefix of delivered chunks

    def _new_offset(self, tp: TP) -> int | None:
        if self._schema(tp.topic) is None:
            offset: int | None = super()._new_offset(tp)
            return offset
        # By delivery, not by Faust's index of offsets: that takes acknowledgements from before a seek, too.
        done = self._in_flight.take_safe(tp)
        self._acked_index[tp].clear()
        self._acked[tp].clear()
        return None if done is None else done + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if self._schema(tp.topic) is None:  # chunks cover their own gaps
            await super()._add_gap(tp, offset_from, offset_to)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what is in flight of partitions that are gone."""
        await super().on_partitions_revoked(revoked)
        self._in_flight.forget(revoked)
        for tp in revoked:
            self.positions.pop(tp, None)

    async def perform_seek(self) -> None:
        """Everything that is not acknowledged is fetched again.

        Faust empties its queues after the seek and before it resumes the flow: what is handed out
        in between would be lost, so nothing is.
        """
        self.stop_flow()
        self._seeks += 1
        self._in_flight.clear()
        self.positions.clear()
        for tp in list(self._acked_index):
            self._acked_index[tp].clear()
            self._acked[tp].clear()
        await super().perform_seek()
        await self._seek_uncommitted()

    async def _seek_uncommitted(self) -> None:
        """Where nothing is committed yet, Faust's seek leaves the position behind what was handed out and forgotten."""
        logs = self.app.tables.changelog_topics
        uncommitted = [tp for tp in self._assigned() if self._read_offset.get(tp) is None and tp.topic not in logs]
        if uncommitted:
            await self._thread.seek_to_beginning(*(TopicPartition(tp.topic, tp.partition) for tp in uncommitted))


class Producer(driver.Producer):
    """Idempotent outside transactions as well, with acknowledgement by all replicas."""

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """What the URL scheme ``chunked`` names."""

    Consumer = Consumer
    Producer = Producer


def register() -> str:
    """Make Faust know the transport; returns its URL scheme."""
    TRANSPORTS.aliases[SCHEME] = "transport.chunked:Transport"
    return SCHEME
