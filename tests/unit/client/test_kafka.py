"""Kafka by librdkafka: partitions that the service verifies, and a broker that may be away at any time."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from hindcast_client import JsonLinesTransport, KafkaTransport, PredictionLog, UsageError
from models.partitioner import partitions_of
from runtime.embedded_broker import EmbeddedBroker
from tests.support.ports import free_ports
from tests.unit.client.support import until

CALLS = 20_000
CALLS_SECONDS_MAX = 5.0
"""A call that waited for a broker would take seconds by itself; those that do not take some microseconds each."""


def test_ids_stand_on_the_partitions_that_the_service_verifies() -> None:
    ids = [f"t-{number}" for number in range(200)] + ["ü" * 9, "7", "x" * 256]
    with EmbeddedBroker() as broker:
        for topic in ("fraud_predictions", "fraud_labels"):
            broker.create_topic(topic, 7)
        with PredictionLog("fraud", "v1", transport=KafkaTransport(broker.bootstrap)) as log:
            for one in ids:
                log.prediction(one, score=0.5)
                log.label(one, 1)
        assert log.counts.sent == 2 * len(ids)
        reader = Consumer(
            {"bootstrap.servers": broker.bootstrap, "group.id": "g", "auto.offset.reset": "earliest", "log_level": 0}
        )
        reader.subscribe(["fraud_predictions", "fraud_labels"])
        found = {(m.topic(), m.key() or b""): m.partition() for m in reader.consume(2 * len(ids), 10)}
        reader.close()
    keys = [one.encode() for one in ids]
    expected = dict(zip(keys, partitions_of(keys, 7).tolist(), strict=True))
    for topic in ("fraud_predictions", "fraud_labels"):
        assert {key: place for (of, key), place in found.items() if of == topic} == expected


def test_without_a_broker_no_call_waits_and_what_is_lost_is_counted() -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    log = PredictionLog("fraud", "v1", transport=KafkaTransport(nobody, in_flight_max=500), queue_max=1000)
    began = time.monotonic()
    for number in range(CALLS):
        log.prediction(number, score=0.5, features={"amount": 1.0})
    assert time.monotonic() - began < CALLS_SECONDS_MAX
    counts = log.close(flush_seconds=0.1)
    assert (counts.offered, counts.sent, counts.waiting) == (CALLS, 0, 0)
    assert sum(counts.dropped.values()) == CALLS
    assert counts.dropped["queue_full"] >= CALLS - 1500
    assert set(counts.dropped) == {"queue_full", "undelivered", "unsent"}


def test_a_broker_that_goes_away_costs_what_was_on_its_way_and_no_call_waits(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        transport = KafkaTransport(broker.bootstrap, delivery_seconds=0.5)
        log = PredictionLog("fraud", "v1", transport=transport, fallback=JsonLinesTransport(tmp_path))
        log.label("there", 1)
        until(lambda: log.counts.sent == 1)
    began = time.monotonic()
    for number in range(1000):
        log.label(number, 1)
    assert time.monotonic() - began < 1
    until(lambda: log.counts.fallback == 1000)
    assert log.close(0).dropped == {}
    assert len((tmp_path / "fraud_labels.jsonl").read_bytes().splitlines()) == 1000


@pytest.mark.parametrize(
    ("bootstrap", "settings", "message"),
    [
        ("b:9092", {"config": {"lingerr": 1}}, 'kafka: No such configuration property: "lingerr"'),
        ("b:9092", {"config": {"partitioner": "random"}}, "kafka: config may not set partitioner; the log sets it"),
        ("", {}, "kafka: bootstrap_servers, delivery_seconds and in_flight_max must not be empty or 0"),
    ],
)
def test_wrong_settings_are_one_line(bootstrap: str, settings: dict[str, dict[str, str]], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        KafkaTransport(bootstrap, config=settings.get("config"))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "confluent_kafka", None)
    with pytest.raises(UsageError, match=r"^kafka needs confluent-kafka: pip install 'hindcast-client\[kafka\]'$"):
        KafkaTransport("b:9092")
