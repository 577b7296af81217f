"""The demo whole, with a stand-in for the worker: what it shows and how it ends."""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from models.errors import WorldError
from runtime import demo, demo_world
from runtime.child_process import ChildProcess
from runtime.settings import parse

FAKE = Path(__file__).with_name("fake_worker.py")


class Started:
    """Remembers what the demo started."""

    def __init__(self) -> None:
        self.children: list[ChildProcess] = []
        self.helpers: list[int] = []

    def gone(self) -> bool:
        pids = [child.pid for child in self.children] + self.helpers
        until = time.monotonic() + 2  # a kill takes a moment to arrive
        while any(_lives(pid) for pid in pids) and time.monotonic() < until:
            time.sleep(0.05)
        return bool(pids) and not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # a killed grandchild may wait for its new parent to notice


def start(monkeypatch: pytest.MonkeyPatch, mode: str) -> Started:
    started = Started()

    class Child(ChildProcess):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            started.children.append(self)

        def stop(self, seconds: float = 1.0) -> int:
            started.helpers += map(int, re.findall(r"helper (\d+)", self.log.read_text(encoding="utf-8")))
            return super().stop(seconds)

    monkeypatch.setattr(demo, "ChildProcess", Child)
    monkeypatch.setattr(demo, "worker_command", lambda path: [sys.executable, str(FAKE), str(path), mode])
    return started


def test_for_a_while_it_shows_metrics_and_ends_by_itself_with_a_summary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = start(monkeypatch, "works")
    assert demo.run(None, 5.0, 1) == 0
    said = capsys.readouterr().out
    assert "rf_v1 10:00 accuracy 0.980" in said
    assert "Hindcast demo: 5 s, 4,321 records consumed" in " ".join(said.split())
    assert "joined 1,234" in said
    assert started.gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_within_five_seconds_and_leaves_no_child(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    started = start(monkeypatch, "stubborn")
    told: list[float] = []

    def tell() -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until and not any("helper" in child.log.read_text() for child in started.children):
            time.sleep(0.1)
        time.sleep(3)  # some of what it says has come
        told.append(time.monotonic())
        os.kill(os.getpid(), number)

    threading.Thread(target=tell, daemon=True).start()
    assert demo.run(None, None, 1) == 0
    assert time.monotonic() - told[0] < 5
    assert "Hindcast demo: " in capsys.readouterr().out
    assert started.gone()


def test_a_worker_that_ends_is_reported_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    started = start(monkeypatch, "breaks")
    with pytest.raises(WorldError, match=r"^the worker ended with exit code 1: the disk is full$"):
        demo.run(None, 30.0, 1)
    assert started.gone()
    assert not [thread.name for thread in threading.enumerate() if thread.name in {"simulator", "scraper"}]


def test_the_configuration_of_the_demo_is_a_valid_one(tmp_path: Path) -> None:
    settings = parse(demo_world.configuration("127.0.0.1:9092", 6066, tmp_path), {})
    model = settings.models["fraud"]
    assert model.emit_every_ms == 1_000
    assert (model.horizon_ms + model.allowed_lateness_ms) / demo_world.SPEED < 10_000  # final on the screen soon
    [rule] = settings.alerts.rules
    assert (Path(demo_world.__file__).parents[1] / rule.runbook).is_file()


@pytest.mark.parametrize(
    ("seconds", "between"), [(None, (18, 32)), (60.0, (18, 32)), (600.0, (18, 32)), (30.0, (9, 16))]
)
def test_the_demos_model_gets_worse_and_recovers_before_a_minute_is_over(
    seconds: float | None, between: tuple[float, float]
) -> None:
    assert demo_world.degraded_between(seconds) == between
    options = demo_world.demo_traffic(1, seconds)
    assert (options.degrade_at_seconds, options.recover_at_seconds) == (between[0] * 60, between[1] * 60)


def test_the_demos_traffic_fits_what_the_embedded_broker_keeps() -> None:
    options = demo_world.demo_traffic(1, 60.0)
    assert options.seconds == 3600
    bytes_per_second = 2 * options.rate * options.speed * 250
    assert bytes_per_second * 5 < 5 << 20 << 1  # five seconds of it in one of the four partitions and to spare
