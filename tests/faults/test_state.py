"""F9, F22, F23, F25, F26: disks and changelogs that are lost, shared or made anew."""

import time
from pathlib import Path

from confluent_kafka.admin import AdminClient

from tests.faults.conftest import NewScene
from tests.support.load import Load
from tests.support.scene import Scene


def test_all_disks_are_lost_and_the_changelog_brings_everything_back(new_scene: NewScene, small_load: Load) -> None:
    scene = new_scene(small_load.without_keys())
    workers = scene.start(2)
    feeder = scene.feed(15)
    time.sleep(10)
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.wipe()
        worker.start()
    feeder.finish()
    scene.judge(letters_max=1 + 3)  # the kills move the partitions, and so does the second one's return


def test_a_changelog_made_anew_is_noticed_and_the_state_is_built_anew(new_scene: NewScene, small_load: Load) -> None:
    scene = new_scene(small_load)
    (worker,) = scene.start(1)
    scene.feed(5).finish()
    scene.judge()
    worker.terminate()
    _make_anew(scene, f"{scene.prefix}join-changelog")
    worker.start()
    before = scene.consumed()
    scene.feed(5).finish()
    code = worker.wait(60)
    assert code == 1
    assert "made anew" in worker.log
    worker.start()
    while not worker.running or scene.fates() < scene.consumed() - before:
        if not worker.running:  # once for each partition at most
            assert worker.log.count("made anew") <= 4
            worker.start()
        time.sleep(1)


def _make_anew(scene: Scene, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": scene.bootstrap})
    admin.delete_topics([topic])[topic].result(30)
    time.sleep(1)
    scene.create_topics()


def test_f22_damaged_checkpoints_are_rebuilt_by_restarts_alone_and_every_window_stays_exact(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load)
    (worker,) = scene.start(1)
    feeder = scene.feed(12)
    time.sleep(6)
    worker.terminate()
    assert _damage(worker.state, every=20_000) > 4
    worker.start()
    deadline = time.monotonic() + 120
    while feeder.is_alive() or not worker.running or scene.fates() != scene.consumed():
        assert time.monotonic() < deadline, scene.describe()
        if not worker.running:
            worker.start()
        time.sleep(0.5)
    feeder.finish()
    assert "was set aside as" in worker.log
    assert "twice within the hour" not in worker.log
    assert worker.series("hindcast_checkpoints_set_aside")[()] == len(list(worker.state.glob("*.damaged-*"))) > 0
    scene.judge(letters_max=2)


def _damage(state: Path, *, every: int) -> int:
    """Flip a byte in each so many of the join's files; how many."""
    flipped = 0
    for file in state.glob("join-*/*.sst"):
        content = bytearray(file.read_bytes())
        for at in range(len(content) // 3, len(content), every):
            content[at] ^= 0x55
            flipped += 1
        file.write_bytes(content)
    return flipped


def test_a_second_worker_on_the_same_data_directory_stops_and_names_it(new_scene: NewScene, small_load: Load) -> None:
    scene = new_scene(small_load)
    (first,) = scene.start(1)
    second = scene.worker("second", state={"directory": str(first.state)})
    second.start()
    assert second.wait(30) == 1
    assert str(first.state) in second.log.splitlines()[-1]
    assert first.get("/readyz")[0] == 200
