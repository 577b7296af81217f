"""F32 and every login: a broker with TLS, logins and exactly the rights that docs/operations.md asks for."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from runtime.clock import now_ms
from runtime.expected_topics import ALL_ROLES
from runtime.faust_app import group_ids
from runtime.settings import load as load_settings
from runtime.world import inspect
from tests.support.load import Load, make_load
from tests.support.receivers import wait_until
from tests.support.scene import Scene
from tests.support.secured import Right, Secured, secured


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("secured")) as found:
        yield found


def small_load() -> Load:
    return make_load(4_000, seed=11, now_ms=now_ms())


def rights(scene: Scene) -> list[Right]:
    """What docs/operations.md says: source topics, outputs, inputs, what is both, and groups."""
    prefix = scene.prefix
    group = prefix.rstrip("-")
    wanted = {
        **dict.fromkeys(scene.topics.values(), ("Read",)),
        **dict.fromkeys((f"{prefix}{name}" for name in ("dead-letters", "decisions", "pipeline")), ("Write",)),
        **dict.fromkeys((f"{prefix}{name}" for name in ("silences", "heartbeats")), ("Read",)),
        **dict.fromkeys((f"{prefix}{name}" for name in BOTH), ("Read", "Write")),
    }
    of_topics = [Right("topic", topic, operation) for topic, operations in wanted.items() for operation in operations]
    return of_topics + [Right("group", name, "Read") for name in (group, f"{group}-alerts")]


WATCHED = {"resources": True}
"""Then heartbeats are read, too."""
BOTH = (
    "metrics", "alerts", "by-id", "partials", "join-changelog", "merge-changelog", "dimensions-changelog",
    "rules-changelog", "notify-changelog",
)  # fmt: skip


@pytest.mark.parametrize("listener", ["SCRAM", "PLAIN", "OAUTH", "MTLS"])
def test_the_whole_path_works_with_every_login_and_no_more_rights_than_documented(
    safe: Secured, tmp_path: Path, listener: str
) -> None:
    with Scene(safe.kafka.bootstrap, tmp_path, small_load(), kafka=safe.settings(listener), model=WATCHED) as scene:
        safe.grant(rights(scene))
        workers = [scene.worker("worker-0")]
        workers[0].roles = "ingest,alerts"
        workers[0].start()
        workers[0].await_ready()
        scene.feed(3).join()
        scene.judge()


def test_f32_each_right_that_is_missing_is_named_before_the_first_record(safe: Secured, tmp_path: Path) -> None:
    with Scene(safe.kafka.bootstrap, tmp_path, small_load(), kafka=safe.settings("SCRAM"), model=WATCHED) as scene:
        wanted = rights(scene)
        safe.grant(wanted)
        await_faults(scene, [])
        for one in wanted:
            safe.revoke(one)
            await_faults(scene, [f"not allowed: {one.operation} on {one.kind} {one.name}"])
            safe.grant([one])


def await_faults(scene: Scene, wanted: list[str]) -> None:
    """A broker learns of rights a moment after they were changed, the one that follows as well."""
    wait_until(lambda: faults(scene) == wanted, 20, lambda: f"{faults(scene)} instead of {wanted}")


def faults(scene: Scene) -> list[str]:
    """What keeps a worker of these settings from starting."""
    path = scene.directory / "hindcast.yaml"
    path.write_bytes(orjson.dumps(scene.settings))
    settings = load_settings(path, {})
    return [str(problem) for problem in inspect(settings, group_ids(settings, ALL_ROLES)).errors]
