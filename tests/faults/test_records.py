"""F30, F54: what is wrong with the records themselves, at full load."""

import time

from confluent_kafka import Producer

from tests.faults.conftest import NewScene
from tests.support.load import Load

POISON = 10_000


def test_ten_thousand_poison_records_in_a_row_hold_nothing_up(new_scene: NewScene, small_load: Load) -> None:
    scene = new_scene(small_load.without_keys(), limits={"dead_letter_ratio_max": 0.9})
    scene.start(1)
    feeder = scene.feed(10)
    producer = Producer({"bootstrap.servers": scene.bootstrap})
    for number in range(POISON):
        producer.produce(scene.topics["predictions"], b"poison %d" % number, partition=0)
    producer.flush(30)
    sent = time.monotonic()
    feeder.finish()
    scene.judge()
    assert sum((letter.value or b"").startswith(b"poison") for letter in scene.letters()) == POISON
    assert time.monotonic() - sent < 60


def test_a_producer_with_another_partitioner_is_named_within_a_thousand_records(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load.without_keys(), model={"partitioned_by_id": True})
    (worker,) = scene.start(1)
    scene.feed(5).finish()
    status, reason = worker.get("/readyz")
    assert status == 503
    assert "is not partitioned by id" in reason
    misplaced = worker.series("hindcast_misplaced_records_total")
    assert {topic for (topic,), records in misplaced.items() if records} == set(scene.topics.values())
    assert worker.log.count(f"{scene.topics['predictions']} is not partitioned by id") == 1
