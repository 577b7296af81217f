"""The dead-letter topic and the way back, on the broker: the edge of ``hindcast dead-letters``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from models.errors import WorldError
from runtime.letter import Letter, read_letter
from runtime.security import confluent_config, kafka_security
from runtime.settings import Settings

TIMEOUT_SECONDS: Final = 10.0
_SILENCE_SECONDS_MAX: Final = 30.0
_POLL_SECONDS: Final = 0.2
_CHUNK: Final = 500


def topic_of(settings: Settings) -> str:
    """The dead-letter topic's name."""
    return f"{settings.kafka.topic_prefix}dead-letters"


def client_config(settings: Settings) -> dict[str, Any]:
    """What every librdkafka client of the command line needs."""
    kafka = settings.kafka
    return {
        "bootstrap.servers": ",".join(kafka.bootstrap_servers),
        "log_level": 0,
        **confluent_config(kafka_security(kafka.security)),
    }


class LetterReader:
    """Reads the dead-letter topic up to where it ended when the reader was made; commits nothing."""

    def __init__(self, settings: Settings) -> None:
        self._topic = topic_of(settings)
        self._consumer = Consumer(
            {
                **client_config(settings),
                "group.id": "hindcast-dead-letters",  # needed by the client, never joined
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

    def letters(self, since_ms: int | None = None) -> Iterator[tuple[Letter, Message]]:
        """Every letter in the order of its partition, with the record itself."""
        open_partitions = self._assign(since_ms)
        silent_seconds = 0.0
        while open_partitions:
            messages = self._consumer.consume(_CHUNK, _POLL_SECONDS)  # waits for a whole chunk, or so long
            silent_seconds = 0.0 if messages else silent_seconds + _POLL_SECONDS
            if silent_seconds > _SILENCE_SECONDS_MAX:
                raise WorldError(f"topic {self._topic}: the broker sent nothing for {_SILENCE_SECONDS_MAX:.0f} s")
            for message in messages:
                yield from self._take(message, open_partitions)

    def _take(self, message: Message, open_partitions: set[int]) -> Iterator[tuple[Letter, Message]]:
        error, partition = message.error(), message.partition() or 0
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
                raise WorldError(f"topic {self._topic}: {error.str()}")
            open_partitions.discard(partition)
            return
        offset = message.offset() or 0
        if offset + 1 >= self._ends[partition]:
            open_partitions.discard(partition)
        if offset < self._ends[partition]:
            yield _letter(message), message

    def _read_ends(self) -> dict[int, int]:
        try:
            found = self._consumer.list_topics(self._topic, timeout=TIMEOUT_SECONDS).topics[self._topic]
            if found.error is not None:
                raise WorldError(f"topic {self._topic}: {found.error.str()}")
            return {
                number: self._consumer.get_watermark_offsets(
                    TopicPartition(self._topic, number), timeout=TIMEOUT_SECONDS
                )[1]
                for number in found.partitions
            }
        except KafkaException as error:
            raise WorldError(f"cannot read topic {self._topic}: {error.args[0].str()}") from None

    def _assign(self, since_ms: int | None) -> set[int]:
        """Start all partitions that hold something; with a time, at the first letter since then."""
        parts = [TopicPartition(self._topic, number, since_ms or 0) for number, end in self._ends.items() if end > 0]
        if since_ms is not None and parts:
            found = self._consumer.offsets_for_times(parts, timeout=TIMEOUT_SECONDS)
            parts = [part for part in found if 0 <= part.offset < self._ends[part.partition]]
        self._consumer.assign(parts)
        return {part.partition for part in parts}


def _letter(message: Message) -> Letter:
    found = message.headers() or []
    headers = found.items() if isinstance(found, dict) else found
    return read_letter(
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        [(name, value.encode() if isinstance(value, str) else value) for name, value in headers],
        len(message.value() or b""),
    )


@dataclass(slots=True)
class Sender:
    """Sends records back as they were, and counts what the broker acknowledged."""

    producer: Producer
    on_sent: Callable[[], None]
    sent: int = 0
    faults: list[str] = field(default_factory=list)

    def send(self, letter: Letter, message: Message) -> None:
        """Queue one record for its old topic and partition, with its old time, key, value and headers."""
        arguments: dict[str, Any] = {"partition": letter.source_partition} if letter.source_partition >= 0 else {}
        if letter.source_ms >= 0:
            arguments["timestamp"] = letter.source_ms
        while True:
            try:
                self.producer.produce(
                    letter.source_topic,
                    value=message.value(),
                    key=message.key(),
                    headers=list(letter.headers),
                    on_delivery=self._delivered,
                    **arguments,
                )
            except BufferError:
                self.producer.poll(1)
                continue
            self.producer.poll(0)
            return

    def finish(self) -> None:
        """Wait for the last acknowledgement."""
        left = self.producer.flush(_SILENCE_SECONDS_MAX)
        if left:
            self.faults.append(f"{left} records were not acknowledged within {_SILENCE_SECONDS_MAX:.0f} s")

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.sent += 1
        elif len(self.faults) < 20:
            self.faults.append(f"a record for {message.topic()} was refused: {error.str()}")
        self.on_sent()


def sender(settings: Settings, on_sent: Callable[[], None]) -> Sender:
    """A sender whose records arrive once each, unless it is told otherwise by a fault."""
    config = client_config(settings) | {"enable.idempotence": True, "acks": "all", "compression.type": "lz4"}
    config["message.max.bytes"] = 16 * 1024 * 1024
    return Sender(Producer(config), on_sent)
