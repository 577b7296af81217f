"""A real Prometheus on loopback that scrapes what a test gives it, and its tool that checks files."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.support.ports import free_ports
from tests.support.reaper import Reaper

RULES = sorted((Path(__file__).parents[2] / "helm" / "hindcast" / "files").glob("*rules.yaml"))
READY_SECONDS_MAX = 30.0
SCRAPE_SECONDS = 0.5


class PrometheusUnavailableError(Exception):
    """This machine cannot run Prometheus; the message says what is missing."""


def program(name: str) -> str:
    """Path of `prometheus` or `promtool`, which the Debian package prometheus brings."""
    found = shutil.which(name)
    if found is None:
        raise PrometheusUnavailableError(f"{name} is not installed (package prometheus)")
    return found


def promtool(*arguments: str | Path, said: str = "", cwd: Path | None = None) -> tuple[int, str]:
    """(exit code, all that it says) of promtool; ``said``: its standard input."""
    command = [program("promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False, cwd=cwd, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Prometheus:
    """Use as a context. It scrapes these ports of this machine twice a second and judges these rules once."""

    def __init__(self, directory: Path, ports: Sequence[int], rules: Sequence[Path] = ()) -> None:
        self._directory = directory
        [self._port] = free_ports(1)
        self._config = {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS * 1000:.0f}ms", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [
                {"job_name": "hindcast", "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
            ],
        }
        self._reaper = Reaper()

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        config = self._directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config))
        command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={self._directory / 'data'}"]
        command.append(f"--web.listen-address=127.0.0.1:{self._port}")
        process = self._reaper.start(command, self._directory / "log", cwd=self._directory)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self._directory / "log").read_text(errors="replace")
                self._reaper.close()
                raise RuntimeError(f"Prometheus is not ready (exit {process.poll()}):\n{log[-4000:]}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reaper.close()

    def query(self, expression: str, at_seconds: float | None = None) -> list[tuple[dict[str, str], float]]:
        """(labels, value) of an instant query. Raises ValueError with Prometheus' reason if it is none."""
        found = self._query(expression, at_seconds)
        return [(one["metric"], float(one["value"][1])) for one in found]

    def value(self, expression: str, at_seconds: float | None = None) -> float | None:
        """The one value of a query, None if there is none."""
        found = self.query(expression, at_seconds)
        assert len(found) <= 1, f"{expression}: {found}"
        return found[0][1] if found else None

    def samples(self, selector: str, at_seconds: float) -> list[tuple[float, float]]:
        """(Unix time, value) of one series as it was scraped; the selector has a range."""
        [one] = self._query(selector, at_seconds)
        return [(float(at), float(value)) for at, value in one["values"]]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health."""
        groups = self._get("/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _query(self, expression: str, at_seconds: float | None) -> list[dict[str, Any]]:
        at = {} if at_seconds is None else {"time": f"{at_seconds:.3f}"}
        found: list[dict[str, Any]] = self._get("/api/v1/query", query=expression, **at)["data"]["result"]
        return found

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=5):
                return True
        except (OSError, urllib.error.URLError):
            return False

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._port}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters}: {error.read().decode()[:300]}") from error
        return found
