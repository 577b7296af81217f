"""Two workers on a real broker, one of them killed under load: the final records equal the recount.

The long proofs, with all the faults that the service has to survive, are in tests/faults.
"""

from pathlib import Path

import pytest

from runtime.clock import now_ms
from tests.support.load import Load, make_load
from tests.support.scene import Scene

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
FEED_SECONDS = 8


@pytest.fixture(scope="module")
def load() -> Load:
    return make_load(8_000, seed=7, now_ms=now_ms())


@pytest.mark.parametrize("keyed", [False, True], ids=["re-keyed", "keyed"])
def test_final_records_equal_the_recount_though_a_worker_was_killed(
    broker: str, tmp_path: Path, load: Load, keyed: bool
) -> None:
    with Scene(broker, tmp_path, load if keyed else load.without_keys()) as scene:
        scene.outlive_a_kill(FEED_SECONDS)
