"""Where the demo's view gets its news: the metrics topic and the worker's /metrics page."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from models.errors import WorldError
from runtime.demo_state import MetricRecord

FATES_SERIES = "hindcast_records_total"
CONSUMED_SERIES = "hindcast_records_consumed_total"


class TopicReader:
    """Reads one of our topics from its beginning, without a group."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "hindcast-demo-view",  # the client wants a name; nothing is committed under it
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "allow.auto.create.topics": True,
                "log_level": 0,
            }
        )
        try:
            found = self._consumer.list_topics(topic, timeout=5).topics[topic].partitions
        except KafkaException as error:
            raise WorldError(f"{bootstrap}: {error.args[0].str()}") from None
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in found])

    def read(self, seconds: float) -> list[bytes]:
        """The values that have come, waiting up to `seconds` for the first; what cannot be read is left out."""
        messages = self._consumer.consume(2000, timeout=seconds)
        values = [message.value() for message in messages if message.error() is None]
        return [value for value in values if value]

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def metric_records(values: Iterable[bytes]) -> list[MetricRecord]:
    """The metric records among these."""
    return [record for value in values if "window_start" in (record := orjson.loads(value))]


@dataclass(frozen=True, slots=True)
class Counts:
    """What the worker has counted so far."""

    consumed: int
    fates: dict[str, int]


def read_counts(page: str) -> Counts:
    """Consumed records and fates of a /metrics page, summed over their other labels."""
    fates: Counter[str] = Counter()
    consumed = 0
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == FATES_SERIES:
                fates[sample.labels.get("fate", "")] += int(sample.value)
            elif sample.name == CONSUMED_SERIES:
                consumed += int(sample.value)
    return Counts(consumed, dict(fates))


class Scraper(threading.Thread):
    """Reads the worker's page once a second in a thread of its own, so that a busy worker never stops the view."""

    def __init__(self, host: str, port: int, stop: threading.Event) -> None:
        super().__init__(name="scraper", daemon=True)
        self._host, self._port, self._stop_event = host, port, stop
        self.latest: Counts | None = None

    def run(self) -> None:
        """Scrape until told to stop."""
        while not self._stop_event.wait(1.0):
            page = fetch(self._host, self._port)
            if page is not None:
                self.latest = read_counts(page)


def fetch(host: str, port: int) -> str | None:
    """The worker's /metrics page; None while it has none."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        return response.read().decode() if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
