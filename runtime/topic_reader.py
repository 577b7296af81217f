"""Reads one of our topics up to its end: the edge of the verbs that look at what is stored."""

from __future__ import annotations

from collections.abc import Iterator
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


def _has_no_leader_yet(error: BaseException) -> bool:
    """Whether it is what a broker answers for a topic that was created a moment ago."""
    return isinstance(error, KafkaException) and error.args[0].code() in _NO_LEADER_YET


class TopicReader:
    """Reads a topic up to where it ended when the reader was made; commits nothing. Raises WorldError."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self.topic = topic
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": "hindcast-reader",  # needed by the client, never joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        self._ends = self._read_ends()

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def messages(self, since_ms: int | None = None) -> Iterator[Message]:
        """Every record, in the order of its partition; with a time, those that were written since then."""
        open_partitions = self._assign(since_ms)
        silent_seconds = 0.0
        while open_partitions:
            messages = self._consumer.consume(_CHUNK, _POLL_SECONDS)  # waits for a whole chunk, or so long
            silent_seconds = 0.0 if messages else silent_seconds + _POLL_SECONDS
            if silent_seconds > SILENCE_SECONDS_MAX:
                raise WorldError(f"topic {self.topic}: the broker sent nothing for {SILENCE_SECONDS_MAX:.0f} s")
            for message in messages:
                if self._is_wanted(message, open_partitions):
                    yield message

    def _is_wanted(self, message: Message, open_partitions: set[int]) -> bool:
        error, partition = message.error(), message.partition() or 0
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
                raise WorldError(f"topic {self.topic}: {error.str()}")
            open_partitions.discard(partition)
            return False
        offset = message.offset() or 0
        if offset + 1 >= self._ends[partition]:
            open_partitions.discard(partition)
        return offset < self._ends[partition]

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

    def _assign(self, since_ms: int | None) -> set[int]:
        """Start all partitions that hold something; with a time, at the first record since then."""
        parts = [TopicPartition(self.topic, number, since_ms or 0) for number, end in self._ends.items() if end > 0]
        if since_ms is not None and parts:
            found = self._consumer.offsets_for_times(parts, timeout=TIMEOUT_SECONDS)
            parts = [part for part in found if 0 <= part.offset < self._ends[part.partition]]
        self._consumer.assign(parts)
        return {part.partition for part in parts}
