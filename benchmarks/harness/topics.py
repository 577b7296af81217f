"""Makes topics and fills them."""

from collections.abc import Iterable
from zlib import crc32

from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as Delivered
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.harness.events import Message

_PRODUCER = {
    "linger.ms": 50,
    "batch.size": 1 << 20,
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 256 << 10,
    "acks": "all",
}


class LoadError(RuntimeError):
    """A record that was to be measured did not reach its topic."""


def create(bootstrap: str, names: Iterable[str], partitions: int) -> None:
    """Create the topics, one replica each; raises what the broker answers if it refuses one."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    futures = admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1) for name in names])
    for future in futures.values():
        future.result(timeout=30)


def producer(bootstrap: str, **settings: str | int) -> Producer:
    return Producer({"bootstrap.servers": bootstrap, **_PRODUCER, **settings})


class Loader:
    """Sends messages to partitions chosen by the CRC-32 of the key, as librdkafka does; counts refusals."""

    def __init__(self, bootstrap: str, partitions: int, linger_ms: int = 50) -> None:
        self._producer = producer(bootstrap, **{"linger.ms": linger_ms})
        self._partitions = partitions
        self._failed = 0

    def send(self, topic: str, message: Message) -> None:
        """Queue one message, waiting while the queue is full."""
        while True:
            try:
                self._producer.produce(
                    topic,
                    key=message.key,
                    value=message.value,
                    partition=crc32(message.key) % self._partitions,
                    timestamp=message.time_ms,
                    on_delivery=self._delivered,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def send_all(self, topic: str, messages: Iterable[Message]) -> int:
        """Send all messages; answer how many they were."""
        count = 0
        for message in messages:
            self.send(topic, message)
            count += 1
            if count % 1000 == 0:
                self._producer.poll(0)
        return count

    def poll(self) -> None:
        self._producer.poll(0)

    def finish(self) -> None:
        """Wait until everything is on the broker; raises LoadError if something is not."""
        left = self._producer.flush(120)
        if left or self._failed:
            raise LoadError(f"{left + self._failed} records did not reach the broker")

    def _delivered(self, error: KafkaError | None, _message: Delivered) -> None:
        if error is not None:
            self._failed += 1
