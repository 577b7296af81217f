"""What the log that admits names keeps beside them: ids of source topics, the key that ids are hashed with, formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec
from confluent_kafka import Producer

from models.errors import WorldError
from runtime.settings import Settings
from runtime.topic_reader import TopicReader, client_config
from tables.dimensions import KEY_ID, STATE_FORMAT, TOPIC_ID, Name

TIMEOUT_SECONDS: Final = 20.0
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Name).decode


@dataclass(slots=True)
class Identities:
    """What the log says. topics: source topic -> every id that it has had, in order.

    key: the newest fingerprint, "" for ids as they are; format: the newest one that state was written in. Both are None
    if nothing has been read under this prefix yet.
    """

    topics: dict[str, list[str]] = field(default_factory=dict)
    key: str | None = None
    format: int | None = None

    def take(self, name: Name) -> None:
        """Take in the next entry of the log."""
        self.key = self.key or ""  # what says nothing of keys comes from a worker that hashes nothing
        self.format = self.format or 1  # versions that wrote the first format did not say so
        if name.dimension == KEY_ID:
            self.key = name.value
        elif name.dimension == STATE_FORMAT:
            self.format = max(self.format, int(name.value))
        elif name.dimension == TOPIC_ID and name.value not in self.topics.setdefault(name.model, []):
            self.topics[name.model].append(name.value)


class IdentityLog:
    """Reads and writes that log; every method blocks. Raises WorldError where the broker refuses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = f"{settings.kafka.topic_prefix}dimensions-changelog"

    def read(self) -> Identities:
        """All that it says now."""
        found = Identities()
        reader = TopicReader(self._settings, self._topic)
        try:
            for message in reader.messages():
                found.take(_decode(message.value() or b""))
        finally:
            reader.close()
        return found

    def append(self, names: Iterable[Name]) -> None:
        """Write down ids of topics, a fingerprint or a format."""
        producer = Producer(client_config(self._settings) | {"enable.idempotence": True, "message.timeout.ms": 10_000})
        faults: list[str] = []
        for name in names:
            producer.produce(
                self._topic,
                _encode(name),
                partition=0,
                on_delivery=lambda error, _: faults.append(error.str()) if error is not None else None,
            )
        left = producer.flush(TIMEOUT_SECONDS)
        if faults or left:
            raise WorldError(f"cannot write to topic {self._topic}: {faults[0] if faults else 'no answer'}")
