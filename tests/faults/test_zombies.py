"""F11-F15: a worker that was silent for longer than its session comes back and finds that others have taken over."""

import time

import pytest

from tests.faults.conftest import NewScene
from tests.support.load import Load
from tests.support.scene import SESSION_SECONDS


@pytest.mark.parametrize("keyed", [False, True], ids=["re-keyed", "keyed"])
def test_a_worker_stopped_for_longer_than_its_session_changes_nothing_when_it_returns(
    new_scene: NewScene, small_load: Load, keyed: bool
) -> None:
    scene = new_scene(small_load if keyed else small_load.without_keys())
    workers = scene.start(2)
    feeder = scene.feed(30)
    for zombie in workers:
        time.sleep(2)
        zombie.pause()
        time.sleep(SESSION_SECONDS + 4)
        zombie.resume()
        time.sleep(2)
        if not zombie.running:  # fenced: it stopped at once
            assert "another worker" in zombie.log
            zombie.start()
        zombie.await_ready()
    feeder.finish()
    scene.judge(letters_max=3)
