"""Sending simulated traffic: when, where to, and how it ends. The broker is librdkafka's mock cluster."""

import itertools
import os
import signal
import threading
from collections.abc import Iterator

import orjson
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from models.errors import ConfigError, WorldError
from models.partitioner import partitions_of
from runtime import simulate
from runtime.pace import ENDLESS_START_SECONDS, Pace, pace
from runtime.settings import Settings
from runtime.simulate_options import SimulateOptions
from runtime.traffic import traffic
from tests.support.ports import free_ports

NOW_MS = 1_800_000_000_000


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    owner = Producer({"bootstrap.servers": "embedded", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = owner.list_topics(timeout=5).brokers.values()
    for name in ("fraud", "keyed", "stamped", "endless"):
        for kind in ("predictions", "labels"):
            owner.list_topics(f"{name}_{kind}", timeout=5)  # made by asking: it knows no administration
    yield f"{broker.host}:{broker.port}"
    del owner


def settings(bootstrap: str, name: str, **model: object) -> Settings:
    found = {"predictions": {"topic": f"{name}_predictions"}, **model}
    return Settings.model_validate({"kafka": {"bootstrap_servers": bootstrap}, "models": {name: found}})


def read(bootstrap: str, topic: str, count: int) -> list[tuple[int, bytes | None, bytes, int]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "log_level": 0})
    partitions = consumer.list_topics(topic, timeout=5).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found = consumer.consume(count, timeout=20)
    consumer.close()
    return [(m.partition() or 0, m.key(), m.value() or b"", m.timestamp()[1]) for m in found]


def test_a_record_is_due_at_its_share_of_the_run_and_never_before_its_own_time() -> None:
    plan = Pace(wall_ms=1_000_000, start_ms=400_000, speed=60)
    assert plan.due_ms(400_000) == 1_000_000
    assert plan.due_ms(460_000) == 1_001_000
    assert plan.due_ms(5_000_000) == 5_000_000


@pytest.mark.parametrize("wait", [False, True])
def test_a_fast_run_starts_so_far_back_that_it_never_waits_for_the_wall_clock(wait: bool) -> None:
    options = SimulateOptions(rate=50, seconds=600, speed=60, disorder=0.3, wait_for_labels=wait)
    plan = pace(options, NOW_MS)
    for record in traffic(options, plan.start_ms):
        due_ms = plan.due_ms(record.publish_ms)
        assert due_ms == NOW_MS + (record.publish_ms - plan.start_ms) / 60
        assert record.publish_ms <= due_ms


def test_without_an_end_a_fast_run_catches_up_from_a_day_ago() -> None:
    plan = pace(SimulateOptions(speed=60), NOW_MS)
    assert plan.start_ms == NOW_MS - round(ENDLESS_START_SECONDS * 59 / 60 * 1000)
    assert pace(SimulateOptions(), NOW_MS).start_ms == NOW_MS


def test_a_run_sends_everything_unkeyed_to_the_models_topics(
    bootstrap: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = SimulateOptions(rate=50, seconds=40, speed=100, label_delay_seconds=2, wait_for_labels=True)
    assert simulate.run(settings(bootstrap, "fraud"), options) == 0
    predictions = read(bootstrap, "fraud_predictions", 2_000)
    assert len(predictions) == 2_000
    assert {key for _, key, _, _ in predictions} == {None}
    assert len({partition for partition, _, _, _ in predictions}) > 1
    truths = read(bootstrap, "fraud_labels", 1_850)
    assert {"transaction_id", "actual_fraud", "label_time"} == set(orjson.loads(truths[0][2]))
    said = capsys.readouterr().err
    assert "finished: 2,000 predictions to fraud_predictions" in " ".join(said.split())


def test_a_model_partitioned_by_id_gets_keys_and_one_partition_an_id(bootstrap: str) -> None:
    options = SimulateOptions(rate=50, seconds=20, speed=100, label_delay_seconds=2, wait_for_labels=True)
    assert simulate.run(settings(bootstrap, "keyed", partitioned_by_id=True), options) == 0
    records = read(bootstrap, "keyed_predictions", 1_000) + read(bootstrap, "keyed_labels", 900)
    places: dict[bytes | None, set[int]] = {}
    for partition, key, value, _ in records:
        assert key == orjson.loads(value)["transaction_id"].encode()
        places.setdefault(key, set()).add(partition)
    assert all(len(partitions) == 1 for partitions in places.values())
    assert len(set(itertools.chain(*places.values()))) > 1
    keys = [key for key in places if key is not None]
    assert [places[key] for key in keys] == [{partition} for partition in partitions_of(keys, 4).tolist()]


def test_kafkas_timestamp_is_the_publish_time_of_event_time(bootstrap: str) -> None:
    options = SimulateOptions(rate=50, seconds=10, speed=100)
    assert simulate.run(settings(bootstrap, "stamped"), options) == 0
    for _, _, value, timestamp_ms in read(bootstrap, "stamped_predictions", 500):
        event_ms = orjson.loads(value)["timestamp"]
        assert event_ms[:19] <= _iso(timestamp_ms)


def _iso(time_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()[:19]


def test_ctrl_c_ends_an_endless_run_cleanly(bootstrap: str, capsys: pytest.CaptureFixture[str]) -> None:
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert simulate.run(settings(bootstrap, "endless"), SimulateOptions(rate=100)) == 0
    assert "stopped: " in capsys.readouterr().err


def test_an_absent_broker_is_one_readable_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.traffic_target.CONNECT_SECONDS", 1.0)
    (port,) = free_ports(1)
    with pytest.raises(WorldError, match=f"^127.0.0.1:{port}: [^\n]+$"):
        simulate.run(settings(f"127.0.0.1:{port}", "fraud"), SimulateOptions())


def test_without_a_binary_model_there_is_nothing_to_simulate(bootstrap: str) -> None:
    with pytest.raises(ConfigError, match="binary"):
        simulate.run(settings(bootstrap, "price", task="regression"), SimulateOptions())
