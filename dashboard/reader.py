"""Reads our output topics into the store, from a day ago until now and on; commits nothing, joins no group.

The broker may be away at the start and later: it is tried again for ever, and the reading goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from dashboard.message import DAY_MS, Kind, Message
from dashboard.reading import Reading
from dashboard.ring import Ring
from dashboard.store import Store

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 5.0
"""How often the broker is asked where the topics end: whether it is there, and how far behind we are."""
CATCH_UP_SECONDS: Final = 0.5
"""The same, while the first day is read."""
TOPICS_SECONDS: Final = 600.0
MISSING_TOPICS_SECONDS: Final = 15.0
"""How often it is looked for new partitions; sooner, where a topic is missing. The connection is made anew for it."""
EXPIRE_SECONDS: Final = 60.0
RECORDS_AT_ONCE: Final = 200
"""Few, so that requests are answered between them while a day is read."""
FETCH_BYTES_MAX: Final = 4 << 20
_TIMEOUT_MS: Final = 10_000
WHOLE: Final[frozenset[Kind]] = frozenset({"alert", "decision", "silence", "pipeline"})
"""Read from their beginning: what was said long ago may still hold, and compaction keeps them small."""


class Reader:
    """topics: kind -> topic. now_ms: wall clock; seconds: a clock that never jumps; client: options of aiokafka."""

    def __init__(
        self,
        topics: Mapping[Kind, str],
        store: Store,
        ring: Ring,
        reading: Reading,
        *,
        now_ms: Callable[[], int],
        seconds: Callable[[], float],
        **client: Any,  # noqa: ANN401  # aiokafka's own
    ) -> None:
        self._kinds: dict[str, Kind] = {topic: kind for kind, topic in topics.items()}
        self._store, self._ring, self._reading = store, ring, reading
        self._now_ms, self._seconds = now_ms, seconds
        self._client = client | {"request_timeout_ms": _TIMEOUT_MS}
        self._positions: dict[TopicPartition, int] = {}
        self._expired_seconds = self._topics_seconds = seconds()

    async def run(self) -> None:
        """Read for ever; ends when it is cancelled. What is wrong stands in `reading`."""
        while True:
            try:
                await self._read()
            except (KafkaError, OSError, TimeoutError) as error:
                self._say(f"the broker does not answer: {' '.join(str(error).split()) or type(error).__name__}")
            if not self._reading.connected:
                await asyncio.sleep(RETRY_SECONDS)

    def _say(self, problem: str) -> None:
        if self._reading.problem != problem:
            log.warning("%s; trying again", problem)
        self._reading.connected, self._reading.problem = False, problem

    async def _read(self) -> None:
        """Read until something is wrong, or there are other partitions than before."""
        partitions = await self._partitions()
        if not partitions:
            self._say("none of Hindcast's topics exists yet")
            return
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # where retention has passed our place
            isolation_level="read_committed",
            fetch_max_wait_ms=200,
            fetch_max_bytes=FETCH_BYTES_MAX,
            **self._client,
        )
        try:
            await consumer.start()
            consumer.assign(partitions)
            await self._seek(consumer, partitions)
            while await self._look(consumer, partitions) and not self._is_time_for_topics():
                await self._take_for(consumer, LOOK_SECONDS if self._reading.caught_up else CATCH_UP_SECONDS)
        finally:
            # Without a broker it ends with the CancelledError of a task of its own, which would end ours.
            await asyncio.gather(consumer.stop(), return_exceptions=True)

    async def _partitions(self) -> list[TopicPartition]:
        admin = AIOKafkaAdminClient(**self._client)
        try:
            await admin.start()
            found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        finally:
            await asyncio.gather(admin.close(), return_exceptions=True)
        self._topics_seconds = self._seconds()
        self._reading.missing_topics = sorted(self._kinds.keys() - found.keys())
        return [
            TopicPartition(topic, one["partition"]) for topic in sorted(self._kinds) for one in found.get(topic, ())
        ]

    async def _seek(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        since_ms = self._now_ms() - DAY_MS
        new = [one for one in partitions if one not in self._positions]
        recent = [one for one in new if self._kinds[one.topic] not in WHOLE]
        first = await consumer.beginning_offsets(new)
        last = await consumer.end_offsets(recent)
        of_day = await consumer.offsets_for_times(dict.fromkeys(recent, since_ms)) if recent else {}
        for one in new:
            found = of_day.get(one)
            # Without a record since then there is nothing to read before the end.
            self._positions[one] = found.offset if found is not None else last.get(one, first[one])
        for one in partitions:
            consumer.seek(one, self._positions[one])

    async def _look(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> bool:
        """How far behind we are; whether to read on."""
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), _TIMEOUT_MS / 1000)
        if any(ends[one] < self._positions[one] for one in partitions):
            self._forget()
            return False
        self._reading.look(ends, self._positions)
        return True

    def _is_time_for_topics(self) -> bool:
        every_seconds = MISSING_TOPICS_SECONDS if self._reading.missing_topics else TOPICS_SECONDS
        return self._seconds() - self._topics_seconds >= every_seconds

    async def _take_for(self, consumer: AIOKafkaConsumer, seconds: float) -> None:
        until_seconds = self._seconds() + seconds
        while self._seconds() < until_seconds:
            fetched = await consumer.getmany(timeout_ms=200, max_records=RECORDS_AT_ONCE)
            for partition, records in fetched.items():
                self._take(self._kinds[partition.topic], records)
                self._positions[partition] = await consumer.position(partition)
            self._expire()
            await asyncio.sleep(0)

    def _take(self, kind: Kind, records: Iterable[ConsumerRecord]) -> None:
        for record in records:
            self._reading.read += 1
            news = self._store.add(
                Message(
                    kind, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
                )
            )
            if news is not None and self._reading.caught_up:  # what is older stands in the lists
                self._ring.add(news)

    def _expire(self) -> None:
        if self._seconds() - self._expired_seconds >= EXPIRE_SECONDS:
            self._expired_seconds = self._seconds()
            self._store.expire(self._now_ms())

    def _forget(self) -> None:
        """Begin anew: our topics were deleted and made anew."""
        log.warning("a topic was deleted and made anew: reading all of them again")
        self._positions.clear()
        self._store.clear()
        self._ring.forget()
        self._reading.begin_anew()
