"""The ids that source topics have had, kept in the log that admits names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from confluent_kafka import Producer

from models.errors import WorldError
from runtime.settings import Settings
from runtime.topic_reader import TopicReader, client_config
from tables.dimensions import TOPIC_ID, Name

TIMEOUT_SECONDS: Final = 20.0
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Name).decode


class IdentityLog:
    """Reads and writes that log; every method blocks. Raises WorldError where the broker refuses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = f"{settings.kafka.topic_prefix}dimensions-changelog"

    def read(self) -> dict[str, list[str]]:
        """Source topic -> the ids it has had, in order."""
        found: dict[str, list[str]] = {}
        reader = TopicReader(self._settings, self._topic)
        try:
            for message in reader.messages():
                topic, dimension, topic_id = _decode(message.value() or b"")
                if dimension == TOPIC_ID and topic_id not in found.setdefault(topic, []):
                    found[topic].append(topic_id)
        finally:
            reader.close()
        return found

    def append(self, ids: Iterable[tuple[str, str]]) -> None:
        """Write down the ids of topics."""
        producer = Producer(client_config(self._settings) | {"enable.idempotence": True, "message.timeout.ms": 10_000})
        faults: list[str] = []
        for topic, topic_id in ids:
            producer.produce(
                self._topic,
                _encode(Name(topic, TOPIC_ID, topic_id)),
                partition=0,
                on_delivery=lambda error, _: faults.append(error.str()) if error is not None else None,
            )
        left = producer.flush(TIMEOUT_SECONDS)
        if faults or left:
            raise WorldError(f"cannot write to topic {self._topic}: {faults[0] if faults else 'no answer'}")
