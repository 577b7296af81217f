"""The log that admits names: every worker reads all of it, and proposes what is new to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition
from numpy.typing import NDArray

from models.combo import Combo
from tables.dimensions import KEY_ID, STATE_FORMAT, TOPIC_ID, Admissions, Name

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Name).decode
Produce = Callable[[str, bytes], Any]


class DimensionLog:
    """Admissions by the order of a topic with one partition."""

    def __init__(
        self,
        admissions: Admissions,
        topic: str,
        produce: Produce,
        check_key: Callable[[str], None] = lambda _: None,
        **client: Any,  # noqa: ANN401  # aiokafka's own
    ) -> None:
        """produce: sends (topic, value) to partition 0; awaited twice, for room and for arrival.

        check_key: told the newest fingerprint of the key that ids are hashed with, "" for none, after each reading.
        """
        self.admissions = admissions
        self._check_key = check_key
        self._key = ""
        self._partition = TopicPartition(topic, 0)
        self._produce = produce
        self._client = client
        self._consumer: AIOKafkaConsumer | None = None
        self._position = 0
        self._moved = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._failure: Exception | None = None

    async def cap(self, combos: list[Combo]) -> dict[Combo, Combo]:
        """Each combo as it is counted; waits for the log where a name is new."""
        await self._settle(name for combo in combos for name in self.admissions.names(combo))
        return {combo: self.admissions.cap(combo) for combo in combos}

    async def class_codes(self, labels_topic: str, classes: list[str]) -> NDArray[np.int64]:
        """The code that all workers have for each class, i8[n]; waits for the log where one is new."""
        await self._settle(self.admissions.classes(labels_topic, classes))
        return self.admissions.class_codes(labels_topic, classes)

    def class_names(self, labels_topic: str) -> list[str]:
        """The classes that stand for themselves, by their codes, as far as the log has been read."""
        return self.admissions.class_names(labels_topic)

    async def caught_up(self) -> None:
        """Wait until all has been read that is in the log now: the names of all codes that were ever used."""
        await self._start()
        assert self._consumer is not None
        end = (await self._consumer.end_offsets([self._partition]))[self._partition]
        await self._has_read(end - 1)

    async def _settle(self, names: Iterable[Name]) -> None:
        await self._start()
        unsettled = self.admissions.unsettled(names)
        if unsettled:
            sent = [await self._produce(self._partition.topic, _encode(name)) for name in unsettled]
            await self._has_read(max(result.offset for result in await asyncio.gather(*sent)))

    async def _has_read(self, offset: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self._failure is not None or self._position > offset)
        if self._failure is not None:
            raise self._failure

    async def _start(self) -> None:
        """Read what there is before the first answer."""
        async with self._starting:
            if self._reading is not None:
                return
            self._consumer = consumer = AIOKafkaConsumer(
                enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=100, **self._client
            )
            await consumer.start()
            consumer.assign([self._partition])
            end = (await consumer.end_offsets([self._partition]))[self._partition]
            while self._position < end:
                await self._read(consumer)
            self._check_key(self._key)
            self._reading = asyncio.create_task(self._read_on(consumer))

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        try:
            while True:
                await self._read(consumer)
                self._check_key(self._key)
        except Exception as error:  # noqa: BLE001  # nobody awaits this task: whoever waits for the log is told
            self._failure = error
            async with self._moved:
                self._moved.notify_all()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        fetched = await consumer.getmany(timeout_ms=1_000)
        for record in (r for records in fetched.values() for r in records):
            name = _decode(record.value)
            if name.dimension == KEY_ID:
                self._key = name.value
            elif name.dimension not in {TOPIC_ID, STATE_FORMAT}:
                self.admissions.admit(name)
            self._position = record.offset + 1
        if fetched:
            async with self._moved:
                self._moved.notify_all()

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
        if self._consumer is not None:
            await self._consumer.stop()
