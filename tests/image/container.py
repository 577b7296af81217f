"""A container of the built image, as the chart runs it: read-only root, numeric user, process 1, mounts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import URLError

import orjson

from tests.image.build import Stage
from tests.image.root import Process
from tests.support.ports import free_ports
from tests.support.reaper import Reaper

CONFIG, STATE = "/etc/hindcast", "/var/lib/hindcast"
"""Where the chart mounts them."""
READY_SECONDS_MAX = 60.0


class Container:
    """One container; its loopback is this machine's."""

    def __init__(self, image: Stage, directory: Path, settings: dict[str, Any] | None = None) -> None:
        """settings: hindcast.yaml without `web` and `state`, which the chart sets itself; None: no file is mounted."""
        self.port = free_ports(1)[0]
        self.state = directory / "state"
        self.state.mkdir(parents=True)
        user, _, group = image.user.partition(":")
        os.chown(self.state, int(user), int(group))  # fsGroup does this for a volume
        mounts = {STATE: self.state}
        if settings is not None:
            own = {"state": {"directory": STATE}, "web": {"host": "127.0.0.1", "port": self.port}}
            mounts[CONFIG] = directory / "config"
            mounts[CONFIG].mkdir()
            (mounts[CONFIG] / "hindcast.yaml").write_bytes(orjson.dumps(settings | own))  # JSON is YAML
        self._image, self._log = image, directory / "log"
        self._process = Process(image.environment, image.directory, image.user, mounts, read_only=True)
        self._reaper = Reaper()
        self._running: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> str:
        """Run to the end; standard output. Raises AssertionError with what was said if it fails."""
        return self._image.root.run([*self._image.entrypoint, *arguments], self._process)

    def start(self, *arguments: str) -> None:
        """Start it with the arguments that the chart names."""
        command = self._image.root.command([*self._image.entrypoint, *arguments], self._process)
        self._running = self._reaper.start(command, self._log)

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def get(self, path: str) -> tuple[int, str]:
        """(status, body) of one of its routes; (0, reason) while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except (URLError, OSError) as error:
            return getattr(error, "code", 0), str(error)

    def await_ready(self) -> None:
        """Wait until `/readyz` says so."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while (answer := self.get("/readyz"))[0] != 200:
            assert self._running is not None
            assert self._running.poll() is None, f"it has ended:\n{self.log[-3000:]}"
            assert time.monotonic() < deadline, f"not ready: {answer}\n{self.log[-3000:]}"
            time.sleep(0.2)

    def stop(self) -> tuple[int, float]:
        """What an engine does first: STOPSIGNAL to process 1; returns (exit code, seconds until it was gone)."""
        running, started = self._running, time.monotonic()
        assert running is not None
        (first,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        os.kill(int(first), getattr(signal, self._image.said["STOPSIGNAL"]))
        code = running.wait(60)
        self._reaper.forget(running)
        return code, time.monotonic() - started

    def close(self) -> None:
        """Kill what is left of it."""
        self._reaper.close()

    def said(self, text: str, seconds: float) -> None:
        """Wait until its log holds the text."""
        deadline = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.log[-3000:]}"
            time.sleep(0.1)
