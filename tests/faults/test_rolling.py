"""F16: a rolling deployment and scaling, under load: exact, quickly back to normal, and nobody is alarmed."""

import time
from collections.abc import Callable
from typing import Any

from models.alert_event import decode_alert
from tests.faults.conftest import NewScene
from tests.faults.test_membership import leave
from tests.support.load import Load
from tests.support.scene import PARTITIONS, Scene
from tests.support.worker_process import WorkerProcess

BACK_TO_NORMAL_SECONDS_MAX = 60
SHARE_SECONDS = 4.0
FEED_SECONDS_MAX = 150.0
"""The load is sent evenly, and what is left of it at once when the deployment is over."""


def rules(load: Load) -> dict[str, Any]:
    """What a deployment could set off: windows that are missing, half empty or wrong. No window of the load is."""
    whole = {key: window for key, window in load.expected.windows.items() if not key[3]}
    inner = sorted({key[0] for key in whole})[1:-1]
    least = min(window.total for key, window in whole.items() if key[0] in inner)
    accuracies = [w.metrics["accuracy"] or 0.0 for w in whole.values() if w.labelled >= 300]
    return {
        "packs": ["baseline"],
        "rules": [
            {"name": "silent", "metric": "total", "absent_for": "30s"},
            {"name": "half-empty", "metric": "total", "below": least / 2, "for": "20s"},
            {"name": "wrong", "metric": "accuracy", "below": min(accuracies) - 0.05, "min_labelled": 100},
        ],
    }


def lag(scene: Scene) -> float:
    """Records of the source and by-id topics that no worker has taken yet."""
    return sum(n for worker in scene.workers for n in worker.series("hindcast_consumer_lag").values())


def seconds_until(condition: Callable[[], bool], scene: Scene, seconds_max: float) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds_max, scene.describe()
        time.sleep(0.25)
    return time.monotonic() - started


def test_f16_a_rolling_restart_under_load_is_exact_and_soon_forgotten_and_sets_off_no_alert(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load.without_keys())
    workers = [scene.worker(f"worker-{number}", alerts=rules(small_load)) for number in range(3)]
    for worker in workers:
        worker.roles = "ingest,alerts"
        worker.start()
    for worker in workers:
        worker.await_ready()
    feeder = scene.feed(FEED_SECONDS_MAX)
    time.sleep(3)
    normal = max(len(small_load.records) / FEED_SECONDS_MAX, *(lag(scene) for _ in range(4)))
    for worker in workers:  # as a StatefulSet does: the next one only when this one is ready
        leave(worker)
        worker.start()
        worker.await_ready()
    seconds = seconds_until(lambda: lag(scene) <= normal, scene, BACK_TO_NORMAL_SECONDS_MAX)
    print(f"lag back to normal after {seconds:.1f} s")  # noqa: T201  # shown when the test fails
    assert feeder.is_alive(), "the load ended before the lag was back to normal"
    feeder.hurry()
    feeder.finish()
    scene.judge(letters_max=1 + 6)
    alerts = [decode_alert(message.value() or b"") for message in scene.read(f"{scene.prefix}alerts")]
    end_ms = max(key[0] for key in small_load.expected.windows)
    assert [alert for alert in alerts if alert.starts_at_ms <= end_ms] == []  # behind it, the load ends: silent


def test_f16_scaling_from_1_to_4_to_2_workers_under_load_is_exact_and_shares_the_work(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load.without_keys())
    workers = [scene.worker(f"worker-{number}") for number in range(4)]
    workers[0].start()
    workers[0].await_ready()
    feeder = scene.feed(FEED_SECONDS_MAX)
    await_shares(scene, workers[:1])
    for worker in workers[1:]:
        worker.start()
    for worker in workers:
        worker.await_ready()
    await_shares(scene, workers)
    for worker in workers[2:]:
        leave(worker)
    await_shares(scene, workers[:2])
    assert feeder.is_alive(), "the load ended before the last share was seen"
    feeder.hurry()
    feeder.finish()
    scene.judge(letters_max=1 + 5)


def await_shares(scene: Scene, workers: list[WorkerProcess]) -> None:
    """Wait until each has its part of the state partitions, and then takes its part of the records.

    Not from the first second on: whoever was given partitions last reads first what lay there meanwhile.
    """
    mine = {worker.name: PARTITIONS // len(workers) for worker in workers}
    seconds_until(lambda: {w.name: state_partitions(scene, w) for w in workers} == mine, scene, 40)
    seconds_until(lambda: all(0.6 < share * len(workers) < 1.4 for share in shares_of(workers)), scene, 40)


def shares_of(workers: list[WorkerProcess]) -> list[float]:
    """Each worker's part of what all of them consume within some seconds."""
    before = [consumed(worker) for worker in workers]
    time.sleep(SHARE_SECONDS)
    taken = [consumed(worker) - then for worker, then in zip(workers, before, strict=True)]
    return [one / max(sum(taken), 1) for one in taken]


def state_partitions(scene: Scene, worker: WorkerProcess) -> int:
    """Partitions of the by-id topic that it reads."""
    return sum(f"{scene.prefix}by-id" in labels for labels in worker.series("hindcast_consumer_lag"))


def consumed(worker: WorkerProcess) -> float:
    return sum(worker.series("hindcast_records_consumed_total").values())
