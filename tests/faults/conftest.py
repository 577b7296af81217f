"""One broker and two loads for the whole fault suite; every scenario has topics of its own."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime.clock import now_ms
from tests.support.kafka_cluster import KafkaCluster
from tests.support.load import Load, make_load
from tests.support.receivers import Receivers
from tests.support.scene import Scene

SEED = int(os.environ.get("HINDCAST_FAULT_SEED", "20261"))
NewScene = Callable[..., Scene]


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.path.is_relative_to(Path(__file__).parent):
        item.add_marker(pytest.mark.faults)
        item.add_marker(pytest.mark.own_broker)
        item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A broker of the fault suite's own: some scenarios kill it."""
    with KafkaCluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def great_load() -> Load:
    """More than 300,000 records."""
    return make_load(145_000, seed=SEED, now_ms=now_ms())


@pytest.fixture(scope="session")
def small_load() -> Load:
    """Some 85,000 records."""
    return make_load(40_000, seed=SEED + 1, now_ms=now_ms())


@pytest.fixture
def new_scene(cluster: KafkaCluster, tmp_path: Path) -> Iterator[NewScene]:
    """Open scenes: new_scene(load, **options of Scene)."""
    with ExitStack() as stack:
        yield lambda load, **options: stack.enter_context(Scene(cluster.bootstrap, tmp_path, load, **options))


@pytest.fixture
def told() -> Iterator[Receivers]:
    """Who hears of alerts."""
    with Receivers() as receivers:
        yield receivers


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Chance of this test alone; its seed is printed, HINDCAST_FAULT_SEED sets another."""
    print(f"{request.node.name}: HINDCAST_FAULT_SEED={SEED}")  # noqa: T201  # shown when the test fails
    return random.Random(f"{SEED}-{request.node.name}")
