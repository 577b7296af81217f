"""The image, built step by step as the Dockerfile says: what is in it, and that the chart's containers work in it."""

import json
import re
import subprocess
import time
from typing import Any

import pytest
import yaml
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.image.build import Stage, Step
from tests.image.conftest import ROOT, TOOLS, NewContainer
from tests.image.root import PYTHON
from tests.support.ports import free_ports
from tests.test_tidy import MAY_IMPORT

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]

CHART = ROOT / "helm" / "hindcast"
SITE_PACKAGES = f"opt/hindcast/lib/{PYTHON}/site-packages"
BASE_LIBRARIES = (
    "libc.", "libdl.", "libgcc_s.", "libm.", "libpthread.", "librt.", "libstdc++.", "libutil.", "libz.", "ld-linux",
)  # fmt: skip
"""Shared libraries of Debian's slim image that a wheel may rely on."""


def listed(*folders: str) -> set[str]:
    command = ["git", "ls-files", "--", *folders]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())


def distributions(names: str) -> set[str]:
    """`Name==version` lines as pip compares names."""
    return {
        re.sub(r"[-_.]+", "-", name).lower() + "==" + v for name, v in re.findall(r"(?m)^([\w.-]+)==([\w.]+)", names)
    }


def verbs_of_the_chart() -> list[str]:
    templates = "".join(path.read_text() for path in sorted((CHART / "templates").rglob("*.yaml")))
    return sorted(set(re.findall(r"args: \[(\w+(?:, [a-z]+)*)", templates)))


def test_the_dockerfile_passes_the_linter() -> None:
    command = [str(TOOLS / "hadolint"), "--no-color", "--failure-threshold", "style", "Dockerfile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_file_of_ours_is_in_it_and_nothing_else_of_the_checkout(
    described: tuple[list[Step], list[str]], image: Stage
) -> None:
    ours = listed(*MAY_IMPORT)
    assert {name for name in ours if not (image.root.path / SITE_PACKAGES / name).is_file()} == set()
    needed = {"LICENSE", "README.md", "pyproject.toml", "requirements.lock", "requirements-build.lock"}
    # what is not yet committed is in the context, too
    assert {name for name in described[1] if name.partition("/")[0] not in MAY_IMPORT} == needed


def test_what_is_installed_is_what_the_lock_names(image: Stage) -> None:
    script = (
        "from importlib.metadata import distributions as d; print(*(f'{i.name}=={i.version}' for i in d()), sep='\\n')"
    )
    found = distributions(image.root.run(["/opt/hindcast/bin/python", "-c", script]))
    own = {name for name in found if name.startswith("hindcast-monitor==")}
    assert len(own) == 1
    assert found - own - distributions((ROOT / "requirements.lock").read_text()) == set()


def test_it_says_what_an_engine_and_the_chart_need_to_know(image: Stage) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    security = values["podSecurityContext"]
    assert image.user == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert image.entrypoint == ["hindcast"]
    assert json.loads(image.said["CMD"]) == ["worker"]
    assert image.said["STOPSIGNAL"] == "SIGTERM"
    assert image.said["EXPOSE"] == str(values["port"])
    version = image.labels["org.opencontainers.image.version"]
    assert version == yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert image.root.run(["/opt/hindcast/bin/hindcast", "--version"]).split() == ["hindcast", version]


def test_its_libraries_need_nothing_of_the_system_that_a_slim_base_lacks(image: Stage) -> None:
    own = {path.name for path in (image.root.path / SITE_PACKAGES).rglob("*.so*")}
    script = f"find /{SITE_PACKAGES} -name '*.so*' -type f -exec ldd {{}} + 2>/dev/null || true"
    needed = set(re.findall(r"(?m)^\s+(\S+) => ", image.root.run(["/bin/sh", "-c", script])))
    assert {"libc.so.6", "libm.so.6"} < needed
    assert {name for name in needed - own if not name.startswith(BASE_LIBRARIES)} == set()


def test_no_installer_and_no_compiler_came_with_it(image: Stage) -> None:
    script = (
        "import importlib.util as u; print([n for n in ('pip', 'setuptools', 'wheel', 'pytest') if u.find_spec(n)])"
    )
    assert image.root.run(["/opt/hindcast/bin/python", "-c", script]).strip() == "[]"
    assert image.root.run(["python", "-c", script]).strip() == "[]"


@pytest.mark.parametrize("verb", verbs_of_the_chart())
def test_every_verb_that_the_chart_runs_is_there(verb: str, new_container: NewContainer) -> None:
    assert "--log-format" in new_container().run(*verb.split(", "), "--help")


def test_without_any_configuration_the_schema_is_told_and_the_demo_works(new_container: NewContainer) -> None:
    container = new_container()
    assert "properties" in json.loads(container.run("check", "--schema"))
    container.start("demo")
    container.said("events/s", 60)  # a window is there
    assert container.stop()[0] == 0, container.log
    assert list(container.state.iterdir()) == []


def settings_of(bootstrap: str, prefix: str) -> dict[str, Any]:
    topics = {kind: {"topic": f"{prefix}in-{kind}"} for kind in ("predictions", "labels")}
    kafka = {"bootstrap_servers": bootstrap, "topic_prefix": prefix, "partitions": 2, "replication_factor": 1}
    return {"kafka": kafka, "models": {"fraud": topics}}


@pytest.mark.broker
def test_job_worker_and_dashboard_work_as_the_chart_runs_them(
    broker: str, image: Stage, new_container: NewContainer
) -> None:
    settings = settings_of(broker, "image-")
    admin = AdminClient({"bootstrap.servers": broker})  # its futures live no longer than it does
    names = [topics["topic"] for topics in settings["models"]["fraud"].values()]
    for done in admin.create_topics([NewTopic(name, 2, 1) for name in names]).values():
        done.result(30)
    job, worker, dashboard = (new_container(settings) for _ in range(3))
    job.run("topics", "create", "--log-format", "json")
    worker.start("worker", "--roles", "ingest,alerts,sinks", "--log-format", "json")
    dashboard.start("dashboard", "--log-format", "json")
    worker.await_ready()
    dashboard.await_ready()
    assert dashboard.get("/api/v1/models") == (200, '{"items":[],"next":null}')
    for container in (worker, dashboard):
        code, seconds = container.stop()
        assert (code, seconds < 20) == (0, True), container.log[-3000:]
    assert {str(path.stat().st_uid) for path in worker.state.rglob("*")} == {image.user.partition(":")[0]}


def test_a_worker_that_still_starts_heeds_sigterm_as_process_1(new_container: NewContainer) -> None:
    container = new_container(settings_of(f"127.0.0.1:{free_ports(1)[0]}", "nowhere-"))
    container.start("worker", "--log-format", "json")
    container.said("starting", 30)
    time.sleep(0.5)
    code, seconds = container.stop()
    assert (code, seconds < 20) == (143, True), container.log  # what it waits for in librdkafka comes to its end
