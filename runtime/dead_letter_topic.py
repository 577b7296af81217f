"""The dead-letter topic and the way back, on the broker: the edge of ``hindcast dead-letters``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from models.letter import Letter, read_letter
from runtime.settings import Settings
from runtime.topic_reader import SILENCE_SECONDS_MAX, TopicReader, client_config


def topic_of(settings: Settings) -> str:
    """The dead-letter topic's name."""
    return f"{settings.kafka.topic_prefix}dead-letters"


class LetterReader:
    """Reads the dead-letter topic up to where it ended when the reader was made; commits nothing."""

    def __init__(self, settings: Settings) -> None:
        self._reader = TopicReader(settings, topic_of(settings))

    def close(self) -> None:
        """Leave the broker."""
        self._reader.close()

    def letters(self, since_ms: int | None = None) -> Iterator[tuple[Letter, Message]]:
        """Every letter in the order of its partition, with the record itself."""
        return ((_letter(message), message) for message in self._reader.messages(since_ms))


def _letter(message: Message) -> Letter:
    return read_letter(
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        header_pairs(message),
        len(message.value() or b""),
    )


def header_pairs(message: Message) -> tuple[tuple[str, bytes | None], ...]:
    """A record's headers, in their order."""
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)


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
                    value=None if letter.code == "tombstone" else message.value(),
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
        left = self.producer.flush(SILENCE_SECONDS_MAX)
        if left:
            self.faults.append(f"{left} records were not acknowledged within {SILENCE_SECONDS_MAX:.0f} s")

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
