"""Records of the users' topics by their place: what redacted dead letters were, as long as it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from models.errors import WorldError
from models.letter import Letter
from runtime.dead_letter_topic import header_pairs
from runtime.settings import Settings
from runtime.topic_reader import SILENCE_SECONDS_MAX, concerns_reading, reader_config

_POLL_SECONDS: Final = 0.2
_NEAR_RECORDS: Final = 1_000
"""A record so little further on is read up to; to any other one the consumer jumps."""
_NOWHERE: Final = ("", -1, -1)
_GONE: Final = frozenset(
    {KafkaError._PARTITION_EOF, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - librdkafka's own names
     KafkaError.UNKNOWN_TOPIC_OR_PART}
)  # fmt: skip


class SourceRecords:
    """Fetches single records; joins no group, commits nothing."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer(
            {
                **reader_config(settings),
                "queued.max.messages.kbytes": 4096,  # a jump throws away what was read ahead
            }
        )
        self._next: tuple[str, int, int] = _NOWHERE

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def of(self, letters: Iterable[Letter]) -> Iterator[tuple[Letter, Message]]:
        """The records that redacted letters were made of, without those that are gone. Raises WorldError."""
        for letter in sorted(letters, key=lambda one: (one.source_topic, one.source_partition, one.source_offset)):
            found = self._at(letter.source_topic, letter.source_partition, letter.source_offset)
            # After a topic was made anew another record may stand at the same offset.
            if found is not None and found.timestamp()[1] == letter.source_ms:
                yield replace(letter, headers=header_pairs(found)), found

    def _at(self, topic: str, partition: int, offset: int) -> Message | None:
        """The record at an offset; None if it has been deleted."""
        if not (self._next[:2] == (topic, partition) and 0 <= offset - self._next[2] <= _NEAR_RECORDS):
            self._consumer.assign([TopicPartition(topic, partition, offset)])
        self._next = _NOWHERE
        for _ in range(round(SILENCE_SECONDS_MAX / _POLL_SECONDS)):
            for message in self._up_to(offset):
                error = message.error()
                if error is None:
                    self._next = (topic, partition, (message.offset() or 0) + 1)
                    return message if message.offset() == offset else None
                if error.code() in _GONE:
                    return None
                if not concerns_reading(error):
                    continue
                raise WorldError(f"topic {topic}: {error.str()}")
        raise WorldError(f"topic {topic}: the broker sent nothing for {SILENCE_SECONDS_MAX:.0f} s")

    def _up_to(self, offset: int) -> Iterator[Message]:
        """The next message that is no record before the offset; nothing if none comes for a while."""
        while (message := self._consumer.poll(_POLL_SECONDS)) is not None:
            if message.error() is not None or (message.offset() or 0) >= offset:
                yield message
                return
