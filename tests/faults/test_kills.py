"""F1-F5, F9: workers killed at random moments under load, with and without their disks."""

import random
import time

import pytest

from tests.faults.conftest import NewScene
from tests.support.load import Feeder, Load
from tests.support.scene import Scene
from tests.support.worker_process import WorkerProcess

FEED_SECONDS = 45.0
KILLS = 8


def kill_at_random(scene: Scene, feeder: Feeder, rng: random.Random, kills: int) -> None:
    """Kill a random worker at random moments of the feeding and start it again; every other time without its disk."""
    started = time.monotonic()
    for number, moment in enumerate(sorted(rng.uniform(1, FEED_SECONDS) for _ in range(kills))):
        time.sleep(max(0.0, started + moment - time.monotonic()))
        victim = rng.choice(scene.workers)
        victim.kill()
        if number % 2:
            victim.wipe()
        victim.start()
        print(f"kill at {moment:.2f} s: {victim.name}{' and its disk' if number % 2 else ''}")  # noqa: T201
    feeder.finish()


@pytest.mark.parametrize("keyed", [False, True], ids=["re-keyed", "keyed"])
def test_workers_killed_under_load_count_every_record_once(
    new_scene: NewScene, great_load: Load, rng: random.Random, keyed: bool
) -> None:
    scene = new_scene(great_load if keyed else great_load.without_keys())
    scene.start(2)
    kill_at_random(scene, scene.feed(FEED_SECONDS), rng, KILLS)
    scene.judge(letters_max=1 + KILLS)


def test_a_worker_killed_five_times_while_it_recovers_gets_there(
    new_scene: NewScene, small_load: Load, rng: random.Random
) -> None:
    scene = new_scene(small_load.without_keys())
    workers = scene.start(2)
    feeder = scene.feed(20)
    time.sleep(10)
    for worker in workers:  # nobody else may take over while one recovers
        worker.kill()
    workers[1].wipe()
    for _ in range(4):
        for worker in workers:
            worker.start()
        _kill_while_recovering(workers, rng)
    for worker in workers:
        worker.start()
    feeder.finish()
    scene.judge(letters_max=1 + 5)


def _kill_while_recovering(workers: list[WorkerProcess], rng: random.Random) -> None:
    deadline = time.monotonic() + 12
    while not any("recovering" in worker.get("/readyz")[1] for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 0.5))
    for worker in workers:
        worker.kill()
