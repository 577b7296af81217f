"""F7, F15-F17, F19: workers join, leave in good order and are spare, all under load."""

import time

from tests.faults.conftest import NewScene
from tests.support.load import Load
from tests.support.scene import PARTITIONS, Scene
from tests.support.worker_process import WorkerProcess

EXIT_SECONDS_MAX = 20


def leave(worker: WorkerProcess) -> None:
    """SIGTERM, which must end it in good order."""
    code, seconds = worker.terminate()
    assert code == 0, f"exit {code}\n{worker.log[-3000:]}"
    assert seconds <= EXIT_SECONDS_MAX, f"{worker.name} took {seconds:.1f} s to stop"


def test_workers_join_and_leave_under_load_and_every_record_counts_once(new_scene: NewScene, small_load: Load) -> None:
    scene = new_scene(small_load.without_keys())
    first, second = scene.worker("first"), scene.worker("second")
    first.start()
    first.await_ready()
    feeder = scene.feed(30)
    for joining, leaving in ((second, first), (first, second), (second, first)):
        time.sleep(2)
        joining.start()
        joining.await_ready()
        time.sleep(2)
        leave(leaving)
    feeder.finish()
    scene.judge(letters_max=1 + 6)
    leave(second)


def test_every_worker_at_once_is_stopped_under_load_and_goes_on_where_it_was(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load)
    workers = scene.start(2)
    feeder = scene.feed(15)
    time.sleep(6)
    for worker in workers:
        leave(worker)
    for worker in workers:
        worker.start()
    feeder.finish()
    # What is under way at a move is read again: as the first leaves, as the second does, as the second is back.
    scene.judge(letters_max=1 + 3)


def test_a_spare_worker_is_ready_and_takes_over(new_scene: NewScene, small_load: Load) -> None:
    scene = new_scene(small_load)
    workers = scene.start(PARTITIONS + 1)
    feeder = scene.feed(20)
    time.sleep(5)
    spare = next(worker for worker in workers if not worker.series("hindcast_consumer_lag"))
    next(worker for worker in workers if worker is not spare).kill()
    feeder.finish()
    scene.judge(letters_max=2)
    assert _partitions(scene, spare) > 0


def _partitions(scene: Scene, worker: WorkerProcess) -> int:
    lag = worker.series("hindcast_consumer_lag")
    return sum(topic in labels for labels in lag for topic in scene.topics.values())
