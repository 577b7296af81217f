"""Kafka as others run it: other versions of the broker, and quotas."""

import time
from pathlib import Path

import pytest

from runtime.clock import now_ms
from tests.faults.conftest import NewScene
from tests.support.kafka_cluster import KafkaCluster
from tests.support.load import Load, make_load
from tests.support.scene import Scene
from tests.support.zookeeper_cluster import ZooKeeperCluster

BEFORE_KRAFT = "2.4.1"
"""The oldest line of which Maven has a broker for the Scala of today."""
VERSIONS = (BEFORE_KRAFT, "3.3.2", "4.3.1")
"""Besides, the oldest line that production ran without ZooKeeper, and the newest that Maven has whole."""
QUOTA_BYTES_PER_SECOND = 150_000
CLIENT_ID = "faust-0.15.3"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_whole_path_is_exact_on_the_oldest_and_the_newest_broker(tmp_path: Path, version: str) -> None:
    load = make_load(2_000, seed=13, now_ms=now_ms()).without_keys()
    with (
        _cluster(tmp_path / "kafka", version) as kafka,
        Scene(kafka.bootstrap, tmp_path, load) as scene,
    ):
        worker = scene.worker("worker")
        worker.roles = "ingest,alerts"
        worker.start()
        worker.await_ready()
        scene.feed(2).finish()
        scene.judge()


def _cluster(directory: Path, version: str) -> KafkaCluster:
    return (ZooKeeperCluster if version == BEFORE_KRAFT else KafkaCluster)(directory, version=version)


def test_a_quota_of_the_broker_slows_the_workers_down_and_nothing_fails(
    cluster: KafkaCluster, new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load.without_keys())
    [worker] = scene.start(1)
    pid = worker.pid
    limits = ("consumer_byte_rate", "producer_byte_rate")
    cluster.set_quota(CLIENT_ID, dict.fromkeys(limits, QUOTA_BYTES_PER_SECOND))
    try:
        scene.feed(5).finish()
        time.sleep(2)
        taken = sum(worker.series("hindcast_records_consumed_total").values())
        assert 0 < taken < scene.consumed() / 2, "the quota slowed nothing down"
        assert (worker.get("/readyz")[0], worker.get("/livez")[0]) == (200, 200)
    finally:
        cluster.set_quota(CLIENT_ID, dict.fromkeys(limits))
    scene.judge()
    assert worker.running
    assert worker.pid == pid
