"""`hindcast smoke` against a real worker: a synthetic prediction and label come out, and nobody else notices."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.smoke import SMOKE_MODEL
from runtime.cli import main
from tests.support.dashboard_process import DashboardProcess
from tests.support.load import RULES, Load
from tests.support.reaper import Reaper
from tests.support.recount import recount
from tests.support.scene import Scene

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
RULE = {"name": "any-traffic", "metric": "total", "above": 0, "severity": "critical"}


@pytest.fixture
def scene(broker: str, tmp_path: Path) -> Iterator[Scene]:
    with Scene(broker, tmp_path, Load([], recount([], RULES), 0, keyed=False)) as made:
        made.settings |= {"smoke_test": True, "alerts": {"rules": [RULE]}}
        made.create_topics()
        yield made


@pytest.fixture
def smoke(scene: Scene) -> Callable[..., int]:
    worker = scene.worker("worker-0")
    worker.roles = "ingest,alerts"
    return lambda *options: main(["smoke", "--config", str(worker.config), *options])


def test_what_goes_in_comes_out_and_spoils_no_metric_of_a_real_model(
    scene: Scene, smoke: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (worker,) = scene.workers
    worker.start()
    assert smoke("--workers", f"127.0.0.1:{worker.port}", "--within", "90s") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "worker 127.0.0.1 is ready"
    assert said[1] == f"prediction and label written to {scene.prefix}smoke-predictions and {scene.prefix}smoke-labels"
    assert said[2].startswith(f"its record stood on {scene.prefix}metrics after ")
    assert smoke("--within", "30s") == 0  # as often as one likes
    reaper = Reaper()
    dashboard = DashboardProcess(reaper, scene.directory, "dashboard", scene.settings)
    dashboard.start()
    dashboard.await_ready()
    shown = dashboard.items("/models")
    reaper.close()
    time.sleep(2)  # as long as an alert takes that must not come
    assert shown == []
    assert {m.topic() for m in scene.read(f"{scene.prefix}alerts")} == set()
    assert [m for topic in scene.topics.values() for m in scene.read(topic)] == []
    keys = [(m.key() or b"").decode().split("|")[0] for m in scene.read(f"{scene.prefix}metrics")]
    assert set(keys) == {SMOKE_MODEL}


def test_without_a_worker_it_fails_in_time_with_a_reason(
    scene: Scene, smoke: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (worker,) = scene.workers
    assert smoke("--within", "1s") == 1
    assert "no metric record of the prediction and its label came in time, but none" in capsys.readouterr().err
    assert smoke("--within", "1s", "--workers", f"127.0.0.1:{worker.port}") == 1
    assert "worker 127.0.0.1: does not answer: " in capsys.readouterr().err
