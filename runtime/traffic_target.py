"""Where simulated traffic goes: a producer of our own for the two input topics of a model."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from models.errors import WorldError
from runtime.traffic import TimedRecord, Topic

CONNECT_SECONDS = 10.0
CREATE_SECONDS = 5.0


@dataclass(slots=True)
class Target:
    """A connected producer; `sent` counts by topic, `delivered` what the broker has acknowledged."""

    bootstrap: str
    topics: dict[Topic, str]
    producer: Producer
    sent: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    failure: KafkaError | None = None

    def send(self, record: TimedRecord) -> None:
        """Hand over one record, waiting while the producer is full. Raises WorldError for one that was refused."""
        while True:
            try:
                self.producer.produce(
                    self.topics[record.topic],
                    record.value,
                    record.key,
                    timestamp=record.timestamp_ms,
                    on_delivery=self._delivered,
                )
                break
            except BufferError:
                self.poll(0.1)
        self.sent[record.topic] += 1

    def poll(self, seconds: float) -> None:
        """Learn what became of earlier records. Raises WorldError for one that was refused."""
        self.producer.poll(seconds)
        if self.failure is not None:
            raise WorldError(f"{self.bootstrap}: the broker refused a record: {self.failure.str()}")

    def close(self, seconds: float) -> int:
        """Wait for the acknowledgements; returns how many records are still without one."""
        left: int = self.producer.flush(seconds)
        return left

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self.delivered += 1
        else:
            self.failure = error


def connect(config: dict[str, str], topics: dict[Topic, str], *, partitions: int, keyed: bool) -> Target:
    """Connect and see to it that both topics are there; raises WorldError in one readable line.

    `config` is librdkafka's: bootstrap.servers and the login. Keyed records go to the partitions that Java
    clients would choose (murmur2), so that id, not language, decides where they land.
    """
    settings: dict[str, str | int | bool] = {
        **config,
        "enable.idempotence": True,
        "linger.ms": 20,
        "partitioner": "murmur2_random" if keyed else "random",
        "log_level": 0,
    }
    try:
        producer = Producer(settings)
        _ensure_topics(AdminClient({**config, "log_level": 0}), producer, sorted(topics.values()), partitions)
    except KafkaException as error:
        raise WorldError(f"{config['bootstrap.servers']}: {error.args[0].str()}") from None
    return Target(config["bootstrap.servers"], topics, producer)


def _ensure_topics(admin: AdminClient, producer: Producer, names: list[str], partitions: int) -> None:
    there = producer.list_topics(timeout=CONNECT_SECONDS).topics
    for name in (name for name in names if name not in there):
        with contextlib.suppress(KafkaException, TimeoutError):  # forbidden, or a broker without administration
            made = admin.create_topics([NewTopic(name, partitions)], request_timeout=CREATE_SECONDS)
            made[name].result(CREATE_SECONDS)
            continue
        error = producer.list_topics(name, timeout=CONNECT_SECONDS).topics[name].error  # it may make it now
        if error is not None:
            raise WorldError(f"topic {name}: {error.str()}; make it first, or let the broker make topics")
