"""A worker as a process of its own, that tests may kill, pause and restart on the same disk."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import orjson
from prometheus_client.parser import text_string_to_metric_families

from tests.support.dying_worker import VARIABLE
from tests.support.ports import free_ports
from tests.support.reaper import Reaper

REPO = Path(__file__).parents[2]
READY_SECONDS_MAX = 60.0


class WorkerProcess:
    """`hindcast worker` with a configuration, a port and a state directory of its own."""

    def __init__(self, reaper: Reaper, directory: Path, name: str, settings: dict[str, Any]) -> None:
        self.name = name
        self.home = directory / name
        self.state = Path(settings.get("state", {}).get("directory", self.home / "state"))
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = free_ports(1)[0]
        web = settings.get("web", {}) | {"host": "127.0.0.1", "port": self.port}
        own: dict[str, Any] = {"state": {"directory": str(self.state)}, "web": web}
        self.config = self.home / "hindcast.yaml"
        self.config.write_bytes(orjson.dumps(settings | own))  # JSON is YAML
        self.roles = "ingest"
        self.dies = ""
        """Where it kills itself, see tests/support/dying_worker.py."""
        self.module = "runtime.cli"
        """What is run; tests.support.next_version writes state in another format."""
        self._reaper = reaper
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """All that it has said, over all its lives."""
        path = self.home / "worker.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def running(self) -> bool:
        """Whether it runs (a paused one does)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, in its present life."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, on whatever disk it has."""
        assert not self.running, f"{self.name} is running"
        module = "tests.support.dying_worker" if self.dies else self.module
        command = [sys.executable, "-m", module, *self.arguments()]
        env = {**os.environ, "PYTHONUNBUFFERED": "1", VARIABLE: self.dies}
        self._process = self._reaper.start(command, self.home / "worker.log", env=env, cwd=REPO)

    def arguments(self) -> list[str]:
        """The verb and its options."""
        return ["worker", "--config", str(self.config), "--roles", self.roles]

    def kill(self) -> None:
        """SIGKILL; nothing is cleaned up."""
        if self._process is not None:
            self._reaper.kill(self._process)

    def wipe(self) -> None:
        """Lose the disk."""
        assert not self.running
        shutil.rmtree(self.state, ignore_errors=True)

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; returns (exit code, seconds until it was gone)."""
        started = time.monotonic()
        self._signal(signal.SIGTERM)
        return self.wait(60), time.monotonic() - started

    def wait(self, seconds: float) -> int:
        """Wait for its end; returns its exit code."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._reaper.forget(self._process)
        return code

    def get(self, path: str) -> tuple[int, str]:
        """(status, body) of one of its routes; (0, reason) while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError) as error:
            return 0, str(error)

    def await_ready(self, seconds: float = READY_SECONDS_MAX) -> None:
        """Wait until `/readyz` says so."""
        deadline = time.monotonic() + seconds
        while self.get("/readyz")[0] != 200:
            assert self.running, f"{self.name} has ended:\n{self.log[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.get('/readyz')}\n{self.log[-3000:]}"
            time.sleep(0.1)

    def series(self, name: str) -> dict[tuple[str, ...], float]:
        """Label values (in the order of their names) -> value of one series; empty while it does not answer."""
        status, text = self.get("/metrics")
        if status != 200:
            return {}
        return {
            tuple(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
