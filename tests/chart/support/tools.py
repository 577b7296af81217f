"""The programs of the chart's tests, as `make helm-test` builds them, and how Helm is called."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).parents[3]
CHART = REPO / "helm" / "hindcast"
BIN = Path(os.environ.get("HINDCAST_CHART_TOOLS", REPO / ".cache" / "chart-tools"))
MODULE = REPO / "tests" / "chart" / "tools"
KUBERNETES = "1.36.3"
"""As in tests/chart/tools/go.mod."""
SECONDS_MAX = 110
Manifest = dict[str, Any]


def tool(name: str) -> str:
    """Path of a program of ours; etcd is the system's."""
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}" if name == "etcd" else str(BIN))
    assert found is not None, f"{name} is missing: run make helm-test, which builds it"
    return found


def run(
    name: str, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path = REPO, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of them to its end; whatever it says is in the result."""
    return subprocess.run(
        [tool(name), *arguments],
        input=stdin,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    """What it said, if it ended well."""
    assert done.returncode == 0, f"{' '.join(done.args)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def ci_values() -> list[Path]:
    """The values files that the chart has to take."""
    return sorted((CHART / "ci").glob("*-values.yaml"))


def render(*arguments: str, chart: Path = CHART, namespace: str = "default") -> list[Manifest]:
    """Every object of the chart as a client of the API would send it, hooks too."""
    options = ["--namespace", namespace, "--kube-version", KUBERNETES]
    text = succeeds(run("helm", "template", "rel", str(chart), *options, *arguments))
    return [found for found in yaml.safe_load_all(text) if found]


def module_directory(module: str) -> Path:
    """Where the Go module cache has the files of a module@version."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", module], cwd=MODULE, capture_output=True, text=True, check=True, timeout=300
    )
    return Path(json.loads(done.stdout)["Dir"])


def of_kind(manifests: Sequence[Manifest], kind: str, part: str = "") -> Manifest:
    """The one object of a kind whose name holds `part`."""
    (found,) = [one for one in manifests if one["kind"] == kind and part in one["metadata"]["name"]]
    return found
