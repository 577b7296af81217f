"""Kafka as others run it: the oldest and the newest version of the broker."""

from pathlib import Path

import pytest

from runtime.clock import now_ms
from tests.support.kafka_cluster import KafkaCluster
from tests.support.load import make_load
from tests.support.scene import Scene

VERSIONS = ("3.3.2", "4.3.1")
"""The oldest line that production ran without ZooKeeper, and the newest that Maven has whole."""


@pytest.mark.parametrize("version", VERSIONS)
def test_the_whole_path_is_exact_on_the_oldest_and_the_newest_broker(tmp_path: Path, version: str) -> None:
    load = make_load(2_000, seed=13, now_ms=now_ms()).without_keys()
    with (
        KafkaCluster(tmp_path / "kafka", version=version) as kafka,
        Scene(kafka.bootstrap, tmp_path, load) as scene,
    ):
        worker = scene.worker("worker")
        worker.roles = "ingest,alerts"
        worker.start()
        worker.await_ready()
        scene.feed(2).finish()
        scene.judge()
