"""A release of the chart in a namespace of its own, where Pod Security `restricted` is enforced."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chart.support.api import Json
from tests.chart.support.control_plane import ControlPlane
from tests.chart.support.tools import CHART, run, succeeds

NAME = "rel"
FULL_NAME = "rel-hindcast"
SET = ("--set", "config.kafka.bootstrap_servers=kafka:9092,serviceMonitor.enabled=true,prometheusRule.enabled=true")
WAIT = ("--wait", "--timeout", "60s")
LEVEL_LABEL = "pod-security.kubernetes.io"


class Release:
    """Helm's verbs on it, and what the API server says of its objects."""

    def __init__(self, cluster: ControlPlane, namespace: str) -> None:
        self.api, self.namespace = cluster.api, namespace
        self._home = cluster.directory
        self._environment = {"KUBECONFIG": str(cluster.kubeconfig), "HELM_CACHE_HOME": str(self._home / "helm")}
        levels = {f"{LEVEL_LABEL}/{mode}": "restricted" for mode in ("enforce", "warn")}
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": levels}})

    def helm(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any verb on the release; whatever it says is in the result."""
        return run("helm", "--namespace", self.namespace, verb, NAME, *arguments, env=self._environment)

    def install(self, *options: str) -> str:
        """Install it and wait until it is ready; all that Helm said."""
        done = self.helm("install", str(CHART), *SET, *options, *WAIT)
        succeeds(done)
        return done.stdout + done.stderr

    def upgrade(self, *options: str, chart: Path = CHART) -> None:
        """Upgrade it and wait until it is ready."""
        succeeds(self.helm("upgrade", str(chart), *SET, *options, *WAIT))

    def stateful_set(self) -> Json:
        """The workers'."""
        return self.api.get("apps/v1", "StatefulSet", FULL_NAME, self.namespace)

    def pods(self, component: str = "worker") -> list[Json]:
        """Its pods of one component."""
        found = self.api.items("v1", "Pod", self.namespace)
        return [pod for pod in found if pod["metadata"]["labels"]["app.kubernetes.io/component"] == component]

    def claims(self) -> dict[str, str]:
        """Name of a volume claim -> the volume that it is bound to."""
        found = self.api.items("v1", "PersistentVolumeClaim", self.namespace)
        return {one["metadata"]["name"]: one["spec"].get("volumeName", "") for one in found}

    def events(self, reason: str) -> Sequence[str]:
        """What was said in the namespace for a reason."""
        return [one["message"] for one in self.api.items("v1", "Event", self.namespace) if one["reason"] == reason]

    def await_(self, holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, what
            time.sleep(0.2)
