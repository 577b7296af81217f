"""A container of a rendered pod as a process of this machine: its arguments, environment, files and probes.

Where a container has its volumes, the process has folders: their paths are put in place of the mount paths wherever
these stand. What the image adds is the command `hindcast` before the arguments.
"""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import HTTPError

from tests.chart.support.tools import REPO, Manifest, of_kind
from tests.support.reaper import Reaper

ENTRYPOINT = (sys.executable, "-m", "runtime.cli")
HTTP_OK_FROM, HTTP_OK_TO = 200, 400
"""What a kubelet takes for a yes."""


class PodProcess:
    """The only container of a pod. secrets: name of a Secret -> its keys and values; hosts: name -> address."""

    def __init__(
        self,
        reaper: Reaper,
        directory: Path,
        pod: Manifest,
        objects: Sequence[Manifest],
        *,
        secrets: Mapping[str, Mapping[str, str]],
        hosts: Mapping[str, str],
    ) -> None:
        self.spec = pod["spec"]
        (self.container,) = self.spec["containers"]
        self.log = directory / "log"
        self._reaper, self._directory, self._objects = reaper, directory, objects
        self._secrets, self._replaced = secrets, dict(hosts)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on fresh volumes."""
        mounts = self.container["volumeMounts"]
        for mount in mounts:
            folder = self._directory / mount["name"]
            folder.mkdir(parents=True)
            self._replaced[mount["mountPath"]] = str(folder)
        for mount in mounts:
            for name, content in self._content(mount["name"]).items():
                (self._directory / mount["name"] / name).write_text(self._here(content))
        command = [*ENTRYPOINT, *(self._here(argument) for argument in self.container["args"])]
        empty = self._directory / "workdir"
        empty.mkdir()
        self._process = self._reaper.start(command, self.log, env=self._environment(), cwd=empty)

    def _environment(self) -> dict[str, str]:
        """Nothing of ours, but what finds the interpreter and the sources."""
        found = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPO)}
        for source in self.container.get("envFrom", []):
            found |= self._secrets[source["secretRef"]["name"]]
        return found | {one["name"]: self._here(one["value"]) for one in self.container["env"]}

    def _content(self, volume: str) -> Mapping[str, str]:
        """File name -> what stands in it; empty for volumes that begin empty."""
        (source,) = [one for one in self._volumes() if one["name"] == volume]
        if "configMap" in source:
            data: dict[str, str] = of_kind(self._objects, "ConfigMap", source["configMap"]["name"])["data"]
            return data
        return self._secrets[source["secret"]["secretName"]] if "secret" in source else {}

    def _volumes(self) -> list[Manifest]:
        claims = [
            template["metadata"]
            for one in self._objects
            if one["kind"] == "StatefulSet"
            for template in one["spec"].get("volumeClaimTemplates", [])
        ]
        found: list[Manifest] = [*self.spec["volumes"], *claims]
        return found

    def _here(self, text: str) -> str:
        there = "|".join(map(re.escape, sorted(self._replaced, key=len, reverse=True)))
        return re.sub(rf"(?<![\w./-])({there})(?![\w-])", lambda found: self._replaced[found[0]], text)

    def probe(self, name: str) -> str | None:
        """Ask once, as `startupProbe`, `livenessProbe` or `readinessProbe` says; None for a yes, else the answer."""
        probe = self.container[name]
        (port,) = [one["containerPort"] for one in self.container["ports"] if one["name"] == probe["httpGet"]["port"]]
        url = f"http://127.0.0.1:{port}{probe['httpGet']['path']}"
        try:
            with urllib.request.urlopen(url, timeout=probe.get("timeoutSeconds", 1)) as answer:
                return None if HTTP_OK_FROM <= answer.status < HTTP_OK_TO else str(answer.status)
        except HTTPError as error:
            return f"{error.code} {error.read().decode()}"
        except OSError as error:
            return str(error)

    def await_probe(self, name: str, seconds: float) -> None:
        """Wait until the probe says yes."""
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while (said := self.probe(name)) is not None:
            assert self._process.poll() is None, f"it has ended\n{self.said}"
            assert time.monotonic() < deadline, f"{name}: {said}\n{self.said}"
            time.sleep(0.2)

    @property
    def said(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace")[-5000:]

    def ends(self, seconds: float) -> int:
        """Wait for its end; its exit code."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._reaper.forget(self._process)
        return code

    def terminate(self) -> int:
        """SIGTERM, and a kill after the grace period, which fails the test; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.ends(self.spec["terminationGracePeriodSeconds"])
