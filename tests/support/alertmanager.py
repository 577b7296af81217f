"""The real Prometheus Alertmanager on loopback, that tests may stop and start again."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.ports import free_ports
from tests.support.reaper import Reaper

PACKAGE = "prometheus-alertmanager"  # of Debian and Ubuntu; the program has the same name
CACHE = Path(__file__).parents[2] / ".cache" / "alertmanager"
READY_SECONDS_MAX = 30.0  # by itself it is ready in well under a second
# Debian's build looks for its templates where the package puts them. Not installing it, we let it look below its
# working directory instead: same length, for Go keeps its texts without gaps.
INSTALLED, UNPACKED = b"/usr/share/prometheus/alertmanager", b".//./share/prometheus/alertmanager"
CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


class AlertmanagerUnavailableError(Exception):
    """This machine cannot run the real Alertmanager; the message says what is missing."""


def binary() -> str:
    """Path of the program: the installed one, else out of Debian's package, which is unpacked here the first time."""
    found = shutil.which(PACKAGE) or shutil.which("alertmanager")
    if found is not None:
        return found
    unpacked = CACHE / "usr" / "bin" / PACKAGE
    if not unpacked.is_file():
        _fetch()
    return str(unpacked)


def _fetch() -> None:
    """Unpacked, not installed: needs no root, and no service of the machine is started."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise AlertmanagerUnavailableError(f"{PACKAGE} is not installed, nor is apt to fetch it")
    unfinished = CACHE.with_suffix(f".{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        _download(unfinished)
        [package] = unfinished.glob("*.deb")
        _run(["dpkg", "-x", package.name, "."], unfinished)
        package.unlink()
        program = unfinished / "usr" / "bin" / PACKAGE
        program.write_bytes(program.read_bytes().replace(INSTALLED, UNPACKED))
        unfinished.rename(CACHE)
    except OSError:  # another run was quicker
        pass
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _download(directory: Path) -> None:
    try:
        _run(["apt-get", "download", PACKAGE], directory)
    except AlertmanagerUnavailableError:
        if os.geteuid() != 0:
            raise
        _run(["apt-get", "update"], directory)  # a fresh image knows of no package yet
        _run(["apt-get", "download", PACKAGE], directory)


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise AlertmanagerUnavailableError(f"`{' '.join(command)}` failed: {lines[-1][:200]}")


class Alertmanager:
    """One replica, alone: it has no cluster. The port stays the same over all its lives."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._binary = binary()
        [self._port] = free_ports(1)
        self._reaper = Reaper()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._reaper.close()

    def start(self) -> None:
        """Start it and wait till it serves."""
        self._directory.mkdir(parents=True, exist_ok=True)
        config = self._directory / "alertmanager.yml"
        config.write_text(CONFIG)
        command = [self._binary, f"--config.file={config}", f"--storage.path={self._directory / 'data'}"]
        command += [f"--web.listen-address=127.0.0.1:{self._port}", "--cluster.listen-address="]
        self._process = self._reaper.start(command, self._directory / "log", cwd=Path(self._binary).parents[1])
        self._await_ready(self._process)

    def kill(self) -> None:
        """SIGKILL it; may be called twice."""
        if self._process is not None:
            self._reaper.kill(self._process)
            self._process = None

    def alerts(self) -> list[dict[str, Any]]:
        """What fires, as its API tells it."""
        found = json.loads(self._get("/api/v2/alerts"))
        assert isinstance(found, list)
        return found

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._is_ready():
            ended = process.poll()
            if ended is not None or time.monotonic() > deadline:
                log = (self._directory / "log").read_text(errors="replace")
                raise RuntimeError(f"Alertmanager is not ready (exit {ended}):\n{log[-4000:]}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            self._get("/-/ready")
        except (OSError, urllib.error.URLError):
            return False
        return True

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            content = answer.read()
            assert isinstance(content, bytes)
            return content
