"""F27, F28: source topics that are made anew or widened; keyed partitions that nobody ever wrote to."""

import time
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from models.metric_record import iso_ms
from models.partitioner import partitions_of
from runtime.clock import now_ms
from runtime.traffic import Topic
from tests.faults.conftest import NewScene
from tests.faults.test_membership import leave
from tests.support.load import Load
from tests.support.scene import PARTITIONS, Scene
from tests.support.worker_process import WorkerProcess

NOTICED_SECONDS_MAX = 40


def make_anew(scene: Scene, *kinds: Topic) -> None:
    """Delete source topics and create them under their old names."""
    admin = AdminClient({"bootstrap.servers": scene.bootstrap})
    names = [scene.topics[kind] for kind in kinds]
    for done in admin.delete_topics(names).values():
        done.result(30)
    time.sleep(1)
    for done in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
        done.result(30)


def said(scene: Scene) -> list[dict[str, Any]]:
    """Every metric record, in order."""
    return [orjson.loads(m.value() or b"") for m in scene.read(f"{scene.prefix}metrics")]


def own_id(number: int, partition: int, partitions: int) -> str:
    """An id that Kafka's default partitioner puts on that of so many partitions."""
    ids = (f"own-{number}-{attempt}" for attempt in range(100 * partitions))
    return next(one for one in ids if partitions_of([one.encode()], partitions)[0] == partition)


def send(
    scene: Scene, kind: Topic, number: int, event_ms: int, partition: int = 0, partitions: int = PARTITIONS
) -> None:
    """One record of an id of its own."""
    producer = Producer({"bootstrap.servers": scene.bootstrap, "log_level": 0})
    at: dict[str, Any] = {"timestamp": event_ms} if kind == "predictions" else {"label_time": event_ms}
    value: dict[str, Any] = {"predicted_fraud_score": 0.5, "model_version": "v1"} if kind == "predictions" else {}
    value |= at | {"transaction_id": own_id(number, partition, partitions), "actual_fraud": False}
    producer.produce(scene.topics[kind], orjson.dumps(value), partition=partition, timestamp=event_ms)
    assert producer.flush(30) == 0


def await_fates(worker: WorkerProcess, wanted: int) -> None:
    deadline = time.monotonic() + NOTICED_SECONDS_MAX
    while (found := sum(worker.series("hindcast_records_total").values())) != wanted:
        assert time.monotonic() < deadline, f"{found} of {wanted}\n{worker.log[-3000:]}"
        time.sleep(0.5)


@pytest.mark.parametrize("keyed", [True, False])
def test_f27_a_source_topic_made_anew_ends_the_worker_and_is_read_as_new_where_that_is_wanted(
    new_scene: NewScene, small_load: Load, keyed: bool
) -> None:
    scene = new_scene(small_load if keyed else small_load.without_keys())
    (worker,) = scene.start(1)
    old_ms = now_ms() - 60_000
    for number in range(20):
        send(scene, "predictions", number, old_ms + number, partition=0)
    await_fates(worker, 20)
    make_anew(scene, "predictions")
    for number in range(100, 110):
        send(scene, "predictions", number, old_ms + number, partition=0)
    assert worker.wait(NOTICED_SECONDS_MAX) == 1
    assert "made anew" in worker.log

    worker.start()
    assert worker.wait(30) == 1
    assert f"topic {scene.topics['predictions']} was deleted and made anew" in worker.log.splitlines()[-1]
    assert "kafka.on_topic_recreated: reset" in worker.log.splitlines()[-1]

    settings = scene.settings["kafka"] | {"on_topic_recreated": "reset"}
    allowed = scene.worker("allowed", kafka=settings)
    allowed.start()
    allowed.await_ready()
    await_fates(allowed, 30)
    allowed.kill()
    worker.start()  # nothing is new any more, and an empty disk says the same
    worker.await_ready()
    send(scene, "predictions", 110, old_ms, partition=0)
    await_fates(worker, 31)


def test_f28_a_source_topic_that_is_widened_ends_the_worker_and_is_read_in_full_by_the_next(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load.without_keys())
    (worker,) = scene.start(1)
    name = scene.topics["predictions"]
    partitions = PARTITIONS + 2
    admin = AdminClient({"bootstrap.servers": scene.bootstrap})
    admin.create_partitions([NewPartitions(name, partitions)])[name].result(30)
    assert worker.wait(NOTICED_SECONDS_MAX) == 1
    assert f"topic {name} has {partitions} partitions and had {PARTITIONS}" in worker.log
    worker.start()
    worker.await_ready()
    send(scene, "predictions", 1, now_ms() - 60_000, partition=partitions - 1, partitions=partitions)
    await_fates(worker, 1)


def test_f28_a_predictions_topic_that_gets_another_name_goes_on_with_what_waits_for_labels(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load.without_keys())
    (worker,) = scene.start(1)
    old_ms = now_ms() - 60_000
    for number in range(10):
        send(scene, "predictions", number, old_ms)
    await_fates(worker, 10)
    leave(worker)  # all that stood under the old name was read

    scene.topics["predictions"] = name = f"{scene.prefix}in_another_name"
    admin = AdminClient({"bootstrap.servers": scene.bootstrap})  # its futures live no longer than it does
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(30)
    scene.settings["models"]["fraud"] |= {"predictions": {"topic": name}, "labels": {"topic": scene.topics["labels"]}}
    renamed = scene.worker("renamed")
    renamed.start()
    renamed.await_ready()
    for number in range(10, 15):
        send(scene, "predictions", number, old_ms)
    for number in range(15):
        send(scene, "labels", number, old_ms + 1)
    await_fates(renamed, 30)
    assert renamed.series("hindcast_records_total")["joined",] == 30


def test_f62_keyed_partitions_without_any_record_hold_nothing_back_and_empty_windows_are_told(
    new_scene: NewScene, small_load: Load
) -> None:
    model = {"out_of_orderness": "1s", "idle_timeout": "2s", "horizon": "10s", "allowed_lateness": "0s"}
    scene = new_scene(small_load, model=model)
    scene.start(2)
    old_ms = now_ms() // 10_000 * 10_000 - 600_000
    for number, event_ms in enumerate((old_ms, old_ms + 60_000)):
        send(scene, "predictions", number, event_ms)
    deadline = time.monotonic() + 60
    wanted = {iso_ms(old_ms + 10_000), iso_ms(old_ms + 70_000)}  # a horizon behind each
    while (
        not any(r["final"] for r in said(scene)) or {r["window_start"] for r in said(scene) if not r["total"]} != wanted
    ):
        assert time.monotonic() < deadline, scene.describe()
        time.sleep(1)
    assert {(r["revision"], r["final"], r["segment"]) for r in said(scene) if not r["total"]} == {(0, False, "")}


def test_f31_records_that_retention_deletes_while_no_worker_runs_are_counted_and_told(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load)
    (worker,) = scene.start(1)
    name, event_ms = scene.topics["predictions"], now_ms() - 60_000
    for number in range(10):
        send(scene, "predictions", number, event_ms + number)
    await_fates(worker, 10)
    leave(worker)
    for number in range(10, 40):
        send(scene, "predictions", number, event_ms + number)
    admin = AdminClient({"bootstrap.servers": scene.bootstrap})
    admin.delete_records([TopicPartition(name, 0, 35)])[TopicPartition(name, 0)].result(30)
    worker.start()
    worker.await_ready()
    await_fates(worker, 15)
    assert worker.series("hindcast_records_lost_total") == {("0", name): 25.0}
    assert f"{name}-0: 25 records were deleted by retention before they were read" in worker.log
