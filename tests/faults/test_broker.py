"""F10, F12: the broker dies under load and comes back; no worker exits."""

import time

import pytest

from tests.faults.conftest import NewScene
from tests.support.kafka_cluster import KafkaCluster
from tests.support.load import Load


@pytest.mark.parametrize("keyed", [False, True], ids=["re-keyed", "keyed"])
def test_workers_outlive_a_broker_that_is_killed_under_load(
    cluster: KafkaCluster, new_scene: NewScene, small_load: Load, keyed: bool
) -> None:
    scene = new_scene(small_load if keyed else small_load.without_keys())
    workers = scene.start(2)
    pids = [worker.pid for worker in workers]
    feeder = scene.feed(30)
    for away_seconds in (1, 10):
        time.sleep(4)
        cluster.kill(0)
        time.sleep(away_seconds)
        if away_seconds > 5:
            assert workers[0].get("/readyz") == (503, '{"status": "unavailable", "reason": "no broker can be reached"}')
            assert workers[0].get("/livez")[0] == 200
        cluster.start(0)
    feeder.finish()
    scene.judge(letters_max=3)
    assert [worker.pid for worker in workers if worker.running] == pids
