"""The real broker and Alertmanager for the tests that need them, and a closing line about those left out."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.alertmanager import Alertmanager, AlertmanagerUnavailableError, binary
from tests.support.kafka_cluster import KafkaCluster
from tests.support.kafka_jars import KafkaUnavailableError, classpath, java
from tests.support.prometheus import PrometheusUnavailableError, program
from tests.support.topics import ScratchTopics, scratch_topics

# How fast a machine is is no property of the code: slow examples fail no test, timeouts catch what hangs.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

BOOTSTRAP = os.environ.get("HINDCAST_TEST_BOOTSTRAP", "")
CI = os.environ.get("CI", "").lower() in {"1", "true"}
LEFT_OUT = pytest.StashKey[str]()
StartCluster = Callable[..., KafkaCluster]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "own_broker: starts brokers of its own (set by the fixture start_cluster)")


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run; in CI nothing may be left out."""
    lines = []
    for what, is_needed, why_not in (
        ("a real Kafka broker", _needs_java, _why_no_broker),
        ("the real Alertmanager", _needs_alertmanager, _why_no_alertmanager),
        ("the real Prometheus", _needs_prometheus, _why_no_prometheus),
    ):
        needs = [item for item in items if is_needed(item)]
        if not needs or (reason := why_not()) is None:
            continue
        lines.append(f"{len(needs)} tests on {what}, because {reason}")
        config.hook.pytest_deselected(items=needs)
        items[:] = [item for item in items if item not in needs]
    config.stash[LEFT_OUT] = "; ".join(lines) or "nothing"
    if lines and CI:
        if not hasattr(config, "workerinput"):
            raise pytest.UsageError(f"CI may leave nothing out, but would leave out {'; '.join(lines)}")
        items.clear()  # one of several processes: what it raised would not be told, and no test at all is an error


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where tests run in several processes, each tells the first one what it has left out."""
    told: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["left_out"] = session.config.stash.get(LEFT_OUT, "nothing")


@pytest.hookimpl(optionalhook=True)  # of xdist, which is not always in use
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401  # xdist's own
    """All processes leave out the same."""
    told: dict[str, object] = getattr(node, "workeroutput", {})
    node.config.stash[LEFT_OUT] = str(told.get("left_out", "nothing"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Close with what was left out and why."""
    terminalreporter.write_line(f"Left out: {config.stash.get(LEFT_OUT, 'nothing')}")


def _needs_java(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    if "start_cluster" in fixtures or item.get_closest_marker("own_broker"):
        return True
    return not BOOTSTRAP and ("broker" in fixtures or item.get_closest_marker("broker") is not None)


def _why_no_broker() -> str | None:
    try:
        java()
        classpath()
    except KafkaUnavailableError as error:
        return str(error)
    return None


def _needs_alertmanager(item: pytest.Item) -> bool:
    return not {"start_alertmanager", "amtool"}.isdisjoint(getattr(item, "fixturenames", ()))


def _why_no_alertmanager() -> str | None:
    try:
        binary()
    except AlertmanagerUnavailableError as error:
        return str(error)
    return None


def _needs_prometheus(item: pytest.Item) -> bool:
    return "prometheus_programs" in getattr(item, "fixturenames", ())


def _why_no_prometheus() -> str | None:
    try:
        program("prometheus")
        program("promtool")
    except PrometheusUnavailableError as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real broker that all tests share: use topics of your own (fixture `topics`)."""
    if BOOTSTRAP:
        yield BOOTSTRAP
        return
    with KafkaCluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster.bootstrap


@pytest.fixture
async def topics(broker: str) -> AsyncIterator[ScratchTopics]:
    """Topics of this test alone, under `topics.prefix`."""
    async with scratch_topics(broker) as scratch:
        yield scratch


@pytest.fixture
def start_cluster(tmp_path: Path) -> Iterator[StartCluster]:
    """Start brokers of the test's own, which it may kill: start_cluster(brokers=3), arguments of KafkaCluster."""
    with ExitStack() as stack:

        def start(directory: Path = tmp_path / "kafka", **options: object) -> KafkaCluster:
            return stack.enter_context(KafkaCluster(directory, **options))  # type: ignore[arg-type]

        yield start


@pytest.fixture(scope="session")
def amtool() -> str:
    """Path of Alertmanager's tool, which comes with it."""
    return str(Path(binary()).parent / "amtool")


@pytest.fixture(scope="session")
def prometheus_programs() -> None:
    """Asked for by tests that run `prometheus` or `promtool`; without them they are left out."""


@pytest.fixture
def start_alertmanager(tmp_path: Path) -> Iterator[Callable[[], Alertmanager]]:
    """Start replicas of Alertmanager, each for itself, which the test may kill and start again."""
    with ExitStack() as stack:
        numbers = count()
        yield lambda: stack.enter_context(Alertmanager(tmp_path / f"alertmanager-{next(numbers)}"))
