"""Records on Kafka topics, by confluent-kafka (librdkafka)."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from hindcast_client.errors import UsageError
from hindcast_client.records import Record
from hindcast_client.transports.base import Outcomes

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

Setting = str | int | float | bool
PARTITIONER: Final = "murmur2_random"
"""What Java clients do with a key, and what the service verifies for topics that are `partitioned_by_id`."""
OURS: Final = frozenset({"bootstrap.servers", "partitioner", "message.timeout.ms", "queue.buffering.max.messages"})


class KafkaTransport:
    """Sends with a producer of librdkafka: idempotent, in batches, in threads of its own.

    delivery_seconds: how long a record may be on its way, broker down or not, before it counts as lost.
    in_flight_max: how many may be on their way at once; more wait in the log's queue.
    config: librdkafka's properties, for security and tuning. Raises UsageError for what librdkafka does not accept,
    and without confluent-kafka. A broker that is down is no error, now or later.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        delivery_seconds: float = 30.0,
        in_flight_max: int = 10_000,
        config: Mapping[str, Setting] | None = None,
    ) -> None:
        ours = OURS.intersection(config or {})
        if ours:
            raise UsageError(f"kafka: config may not set {', '.join(sorted(ours))}; the log sets it")
        if not bootstrap_servers or delivery_seconds <= 0 or in_flight_max < 1:
            raise UsageError("kafka: bootstrap_servers, delivery_seconds and in_flight_max must not be empty or 0")
        self._config: dict[str, Setting] = {
            "enable.idempotence": True,
            "linger.ms": 20,
            "log_level": 0,  # that a broker is down is told by our own log line
            **(config or {}),
            "bootstrap.servers": bootstrap_servers,
            "partitioner": PARTITIONER,
            "message.timeout.ms": max(round(delivery_seconds * 1000), 1),
            "queue.buffering.max.messages": in_flight_max,
        }
        self._in_flight_max = in_flight_max
        self._in_flight = self._arrived = 0
        self._producer: Producer | None = None
        _make(self._config)  # only to learn whether it can be made; it must not outlive a fork

    def open(self, outcomes: Outcomes) -> None:
        """See Transport."""
        if self._producer is not None:
            _leak(self._producer)
        self._outcomes = outcomes
        self._in_flight = self._arrived = 0
        self._producer = _make(self._config)

    def room(self) -> int:
        """See Transport."""
        return self._in_flight_max - self._in_flight

    def send(self, records: Sequence[Record]) -> None:
        """See Transport."""
        assert self._producer is not None, "open comes first"
        produce, delivered = self._producer.produce, self._delivered
        for record in records:
            try:
                produce(record.topic, record.value, record.key, on_delivery=delivered)
            except Exception as error:  # noqa: BLE001  # BufferError, KafkaException; the others still have to go
                self._outcomes.lost(record, "refused", str(error))
            else:
                self._in_flight += 1

    def settle(self, seconds: float) -> int:
        """See Transport."""
        assert self._producer is not None, "open comes first"
        left = self._producer.flush(seconds) if seconds > 0 else self._producer.poll(0)
        self._report()
        return left if seconds > 0 else self._in_flight

    def close(self) -> None:
        """See Transport."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(1)  # of what was purged, so nothing is waited for
            self._report()
            self._producer = None

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        self._in_flight -= 1
        if error is None:
            self._arrived += 1
        else:
            record = Record(message.topic() or "", message.key() or b"", message.value() or b"")
            self._outcomes.lost(record, "undelivered", error.str())

    def _report(self) -> None:
        """Arrivals together: one by one they would cost a lock each."""
        arrived, self._arrived = self._arrived, 0
        if arrived:
            self._outcomes.sent(arrived)


def _make(config: Mapping[str, Setting]) -> Producer:
    try:
        from confluent_kafka import KafkaException, Producer
    except ImportError:
        raise UsageError("kafka needs confluent-kafka: pip install 'hindcast-client[kafka]'") from None
    try:
        return Producer(dict(config))
    except (KafkaException, TypeError, ValueError) as error:
        detail = error.args[0] if error.args else error
        raise UsageError(f"kafka: {detail.str() if hasattr(detail, 'str') else detail}") from None


def _leak(producer: Producer) -> None:
    """Keep a parent's producer for ever: to end it, librdkafka waits for threads that the child does not have."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(producer))
