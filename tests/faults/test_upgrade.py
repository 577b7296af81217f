"""An upgrade by a rolling restart, under load, with another format of state; and the way back, which is refused."""

from tests.faults.conftest import NewScene
from tests.faults.test_membership import leave
from tests.support.load import Load
from tests.support.receivers import wait_until
from tests.support.worker_process import WorkerProcess

NEXT_VERSION = "tests.support.next_version"
REFUSED = "was written by a newer version of Hindcast"


def upgraded(worker: WorkerProcess) -> None:
    """Start it as the next version, which writes state in another format."""
    worker.module = NEXT_VERSION
    worker.start()
    worker.await_ready()


def test_workers_of_the_next_version_take_over_under_load_and_no_older_one_touches_what_they_wrote(
    new_scene: NewScene, small_load: Load
) -> None:
    scene = new_scene(small_load.without_keys())
    first, second = scene.start(2)
    feeder = scene.feed(150)
    leave(first)
    upgraded(first)
    assert "state format 2 becomes 3" in first.log
    wait_until(lambda: bool(first.series("hindcast_chunk_seconds_count").get(("join",))), 30, scene.describe)

    first.kill()  # in the middle of the upgrade: the old one takes over what it cannot read
    assert second.wait(60) == 1
    assert f"a block in a changelog {REFUSED} (state format 3, this version reads 1 to 2)" in second.log
    second.start()
    assert second.wait(30) == 1
    assert f"the state in the topics {scene.prefix}* {REFUSED}" in second.log.splitlines()[-1]

    upgraded(first)
    upgraded(second)
    assert feeder.is_alive(), "the load ended before the upgrade did"
    feeder.hurry()
    feeder.finish()
    scene.judge(letters_max=1 + 4)
