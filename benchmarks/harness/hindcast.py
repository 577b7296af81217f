"""Hindcast's workers as a measured program: real processes, told apart by their directories and ports."""

import json
import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.baselines import REPOSITORY, Workload
from benchmarks.harness.child import Child, ChildError
from benchmarks.harness.prometheus import Series, get, scrape

SCRAPE_SECONDS = 0.25  # no more often: a scrape is work for the worker too
READY_SECONDS_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Setup:
    """What differs between the runs; `memory_budget` as in the configuration, None for its default.

    training: predictions with their outcomes, of whose `features` the model's baseline is built before the run.
    """

    workers: int = 1
    partitioned_by_id: bool = True
    memory_budget: str | None = None
    training: Path | None = None
    features: tuple[str, ...] = ()


class Hindcast:
    """`setup.workers` workers on the two topics of `load`; `run` names their topics, group and state."""

    def __init__(self, name: str, load: Workload, run: str, setup: Setup | None = None) -> None:
        self.name = name
        self._load, self._run, self._setup = load, run, setup or Setup()
        self.metrics_topic = f"{run}-metrics"
        self._ports = _free_ports(self._setup.workers)
        self._workers = [self._worker(number) for number in range(self._setup.workers)]
        self._scraped_at = 0.0
        self._done = [0] * self._setup.workers

    def start(self) -> None:
        if self._setup.training is not None:
            chosen = ["--features", ",".join(self._setup.features), "--out", str(self._baseline)]
            self._command("baseline", "build", str(self._setup.training), *chosen)
        self._command("topics", "create")
        for worker in self._workers:
            worker.start()

    def _command(self, *words: str) -> None:
        """Run a verb to its end. Raises ChildError if it fails."""
        child = Child([_executable(), *words, "--config", str(self._config_file(0))], self._log(0), REPOSITORY)
        child.start()
        child.process.wait(60)
        child.check()

    def check(self) -> None:
        for worker in self._workers:
            if not worker.running():
                raise ChildError(f"{self.name}: exit {worker.process.returncode}\n{worker.tail()}")

    def progress(self) -> list[int]:
        if time.monotonic() - self._scraped_at >= SCRAPE_SECONDS:
            self._done = [
                self._consumed(scrape(port)) or was for port, was in zip(self._ports, self._done, strict=True)
            ]
            self._scraped_at = time.monotonic()
        return self._done

    def cpu_seconds(self) -> float:
        return sum(worker.cpu_seconds() for worker in self._workers)

    def rss_bytes(self) -> int:
        return sum(worker.rss_bytes() for worker in self._workers)

    def peak_rss_bytes(self) -> int:
        return sum(worker.peak_rss_bytes() for worker in self._workers)

    def stop(self) -> None:
        for worker in self._workers:
            worker.stop()

    def await_ready(self) -> float:
        """Wait until every worker's /readyz says so; answer the seconds that it took."""
        began = time.monotonic()
        while not all(get(port, "/readyz")[0] == 200 for port in self._ports):
            self.check()
            if time.monotonic() - began > READY_SECONDS_MAX:
                raise ChildError(f"{self.name}: not ready\n{self._workers[0].tail()}")
            time.sleep(0.05)
        return time.monotonic() - began

    def value(self, series: str) -> float | None:
        """The greatest value of a series over its labels and over the workers; None if there is none."""
        values = [value for port in self._ports for name, _, value in scrape(port) if name == series]
        return max(values, default=None)

    def forget_state(self) -> None:
        """Delete the stopped workers' state directories: what is left is the changelog."""
        for number in range(self._setup.workers):
            shutil.rmtree(self._state(number), ignore_errors=True)

    def _consumed(self, series: Series) -> int:
        sources = {self._load.predictions, self._load.labels}
        mine = (v for name, of, v in series if name == "hindcast_records_consumed_total" and of.get("topic") in sources)
        return int(sum(mine))

    def _worker(self, number: int) -> Child:
        command = [_executable(), "worker", "--roles", "ingest", "--config", str(self._config_file(number))]
        return Child(command, self._log(number), REPOSITORY)

    def _config_file(self, number: int) -> Path:
        path = self._load.directory / f"{self._run}-{number}.yaml"
        path.write_text(json.dumps(self._config(number), indent=1))  # JSON is YAML
        return path

    def _config(self, number: int) -> dict[str, object]:
        state: dict[str, object] = {"directory": str(self._state(number))}
        if self._setup.memory_budget:
            state["memory_budget"] = self._setup.memory_budget
        fraud: dict[str, object] = {
            "predictions": {"topic": self._load.predictions},
            "labels": {"topic": self._load.labels},
            "partitioned_by_id": self._setup.partitioned_by_id,
        }
        if self._setup.training is not None:
            fraud["baseline"] = str(self._baseline)
        return {
            "kafka": {
                "bootstrap_servers": self._load.bootstrap,
                "topic_prefix": f"{self._run}-",
                "partitions": self._load.partitions,
            },
            "models": {"fraud": fraud},
            "state": state,
            "web": {"host": "127.0.0.1", "port": self._ports[number]},
        }

    @property
    def _baseline(self) -> Path:
        return self._load.directory / f"{self._run}-baseline.json"

    def _state(self, number: int) -> Path:
        return self._load.directory / f"{self._run}-state-{number}"

    def _log(self, number: int) -> Path:
        return self._load.directory / f"{self._run}-{number}.log"


def _executable() -> str:
    """The command of this checkout's environment; HINDCAST names another one."""
    return os.environ.get("HINDCAST", str(REPOSITORY / ".venv/bin/hindcast"))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
