"""Reads one of our topics up to its end: the edge of the verbs that look at what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from models.errors import WorldError
from runtime.security import confluent_config, kafka_security
from runtime.settings import Settings

TIMEOUT_SECONDS: Final = 10.0
SILENCE_SECONDS_MAX: Final = 30.0
_POLL_SECONDS: Final = 0.2
_CHUNK: Final = 500
_NEW_TOPIC_SECONDS: Final = 15.0
_NO_LEADER_YET: Final = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)


def client_config(settings: Settings) -> dict[str, Any]:
    """What every librdkafka client of the command line needs."""
    kafka = settings.kafka
    return {
        "bootstrap.servers": ",".join(kafka.bootstrap_servers),
        "log_level": 0,
        **confluent_config(kafka_security(kafka.security)),
    }


def reader_config(settings: Settings) -> dict[str, Any]:
    """Of a client that reads places of its own choice: it joins no group and commits nothing."""
    return {
        **client_config(settings),
        "group.id": "hindcast-reader",  # needed by the client, never joined
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }


def concerns_reading(error: KafkaError) -> bool:
    """False for what librdkafka says of the group's coordinator: nobody joins, so nobody needs a right to it."""
    return error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED


def _has_no_leader_yet(error: BaseException) -> bool:
    """Whether it is what a broker answers for a topic that was created a moment ago."""
    return isinstance(error, KafkaException) and error.args[0].code() in _NO_LEADER_YET


class TopicReader:
    """Reads a topic up to where it ended when the reader was made; commits nothing. Raises WorldError.

    stop: once it says so, reading ends with a KeyboardInterrupt.
    """

    def __init__(self, settings: Settings, topic: str, stop: Callable[[], bool] = lambda: False) -> None:
        self.topic = topic
        self._stop = stop
        self._consumer = Consumer(reader_config(settings))
        self._ends = self._read_ends()
        self._starts: dict[int, int] = {}
        self._places: dict[int, int] = {}

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def messages(self, since_ms: int | None = None, until_ms: int | None = None) -> Iterator[Message]:
        """Every record, in the order of its partition; with times, those that were written since then and before."""
        starts = dict.fromkeys(self._ends, 0)
        if since_ms is not None:
            starts = self._offsets(since_ms)
        if until_ms is not None:
            self._ends = self._offsets(until_ms)
        return self._read(starts)

    def later(self) -> Iterator[Message]:
        """What was written since `messages`, or the last call of this, was called."""
        starts = self._ends
        self._ends = self._read_ends()
        return self._read({number: starts.get(number, 0) for number in self._ends})

    @property
    def done(self) -> float:
        """The share that is read, from 0 to 1."""
        total = sum(self._ends[number] - start for number, start in self._starts.items())
        read = sum(self._places[number] - start for number, start in self._starts.items())
        return read / total if total else 1.0

    def _read(self, starts: Mapping[int, int]) -> Iterator[Message]:
        self._starts = {number: start for number, start in starts.items() if start < self._ends[number]}
        self._places = dict(self._starts)
        self._consumer.assign([TopicPartition(self.topic, number, start) for number, start in self._starts.items()])
        open_partitions = set(self._starts)
        silent_seconds = 0.0
        while open_partitions:
            messages = self._consumer.consume(_CHUNK, _POLL_SECONDS)  # waits for a whole chunk, or so long
            if self._stop():
                raise KeyboardInterrupt
            silent_seconds = 0.0 if messages else silent_seconds + _POLL_SECONDS
            if silent_seconds > SILENCE_SECONDS_MAX:
                raise WorldError(f"topic {self.topic}: the broker sent nothing for {SILENCE_SECONDS_MAX:.0f} s")
            for message in messages:
                if self._is_wanted(message, open_partitions):
                    yield message

    def _is_wanted(self, message: Message, open_partitions: set[int]) -> bool:
        error, partition = message.error(), message.partition() or 0
        if error is not None and not concerns_reading(error):
            return False
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
                raise WorldError(f"topic {self.topic}: {error.str()}")
            self._close(partition, open_partitions)
            return False
        offset = message.offset() or 0
        self._places[partition] = offset + 1
        if offset + 1 >= self._ends[partition]:
            self._close(partition, open_partitions)
        return offset < self._ends[partition]

    def _close(self, partition: int, open_partitions: set[int]) -> None:
        self._places[partition] = self._ends[partition]
        open_partitions.discard(partition)

    def _read_ends(self) -> dict[int, int]:
        try:
            return self._ask_ends()
        except KafkaException as error:
            raise WorldError(f"cannot read topic {self.topic}: {error.args[0].str()}") from None

    @retry(
        retry=retry_if_exception(_has_no_leader_yet),
        stop=stop_after_delay(_NEW_TOPIC_SECONDS),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    def _ask_ends(self) -> dict[int, int]:
        found = self._consumer.list_topics(self.topic, timeout=TIMEOUT_SECONDS).topics[self.topic]
        if found.error is not None:
            raise KafkaException(found.error)
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(self.topic, number), timeout=TIMEOUT_SECONDS)[1]
            for number in found.partitions
        }

    def _offsets(self, at_ms: int) -> dict[int, int]:
        """Partition -> its first record that was written since then; its end where there is none."""
        parts = [TopicPartition(self.topic, number, at_ms) for number, end in self._ends.items() if end > 0]
        try:
            found = self._consumer.offsets_for_times(parts, timeout=TIMEOUT_SECONDS) if parts else []
        except KafkaException as error:
            raise WorldError(f"cannot read topic {self.topic}: {error.args[0].str()}") from None
        known = {part.partition: part.offset for part in found if part.offset >= 0}
        return {number: min(known.get(number, end), end) for number, end in self._ends.items()}
