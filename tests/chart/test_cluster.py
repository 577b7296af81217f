"""The chart on a real API server: installed, tested, changed, spoiled, rolled back, scaled, taken away."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chart.support.control_plane import ControlPlane
from tests.chart.support.release import FULL_NAME, Release
from tests.chart.support.tools import CHART, ci_values, render, succeeds

pytestmark = [pytest.mark.chart, pytest.mark.timeout(180)]
NOT_SERVED = {"ExternalSecret", "KafkaTopic"}
"""Their operators publish no definitions as a Go module."""


@pytest.fixture(scope="module")
def release(cluster: ControlPlane) -> Iterator[Release]:
    """Installed once; each test leaves it ready."""
    release = Release(cluster, "shared")
    said = release.install()
    assert "arning" not in said, said
    yield release
    succeeds(release.helm("uninstall"))


def test_it_is_ready_under_the_restricted_standard_and_its_test_passes(release: Release) -> None:
    assert len(release.pods()) == 2
    assert release.events("FailedCreate") == []
    assert len(release.pods("dashboard")) == 1
    assert sorted(release.claims()) == [f"state-{FULL_NAME}-0", f"state-{FULL_NAME}-1"]
    assert all(release.claims().values())
    said = succeeds(release.helm("test", "--timeout", "60s"))
    assert "Phase:          Succeeded" in said


def test_a_changed_configuration_replaces_the_pods(release: Release) -> None:
    before = {pod["metadata"]["uid"] for pod in release.pods()}
    release.upgrade("--set", "config.limits.series_max=7")
    config = release.api.get("v1", "ConfigMap", FULL_NAME, release.namespace)
    assert yaml.safe_load(config["data"]["hindcast.yaml"])["limits"] == {"series_max": 7}
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in release.pods())


def test_an_upgrade_that_never_becomes_ready_is_rolled_back_by_itself(release: Release) -> None:
    image = ["--set", "config.kafka.bootstrap_servers=kafka:9092,image.repository=broken"]
    failed = release.helm("upgrade", str(CHART), *image, "--wait", "--rollback-on-failure", "--timeout", "8s")
    assert failed.returncode != 0
    release.await_(lambda: release.stateful_set()["status"].get("readyReplicas") == 2, "two workers are ready")
    assert {pod["spec"]["containers"][0]["image"].split(":")[0] for pod in release.pods()} == {"hindcast/hindcast"}


def test_it_goes_back_to_an_earlier_revision(release: Release) -> None:
    release.upgrade("--set", "config.limits.series_max=8")
    succeeds(release.helm("rollback", "1", "--wait", "--timeout", "60s"))
    config = release.api.get("v1", "ConfigMap", FULL_NAME, release.namespace)
    assert "limits" not in yaml.safe_load(config["data"]["hindcast.yaml"])


def test_the_next_version_of_the_chart_touches_nothing_that_cannot_change(release: Release, tmp_path: Path) -> None:
    following = shutil.copytree(CHART, tmp_path / "hindcast")
    about = yaml.safe_load((following / "Chart.yaml").read_text())
    (following / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": "99.0.0", "appVersion": "99.0.0"}))
    kept = release.stateful_set()["metadata"]["uid"]
    claims = release.claims()
    release.upgrade(chart=following)
    stateful_set = release.stateful_set()
    assert stateful_set["metadata"]["uid"] == kept
    assert stateful_set["metadata"]["labels"]["helm.sh/chart"] == "hindcast-99.0.0"
    assert release.claims() == claims


def test_an_upgrade_leaves_the_autoscalers_number_alone(release: Release) -> None:
    path = f"/apis/apps/v1/namespaces/{release.namespace}/statefulsets/{FULL_NAME}/scale"
    release.api.merge(path, {"spec": {"replicas": 3}})
    release.upgrade("--set", "autoscaling.enabled=true,config.limits.series_max=9")
    assert release.stateful_set()["spec"]["replicas"] == 3
    assert len(release.pods()) == 3


def test_a_pod_that_breaks_the_standard_is_told(release: Release) -> None:
    rights = ["--set", "containerSecurityContext.allowPrivilegeEscalation=true"]
    done = release.helm("upgrade", str(CHART), "--set", "config.kafka.bootstrap_servers=kafka:9092", *rights)
    assert "would violate PodSecurity" in done.stdout + done.stderr
    succeeds(release.helm("rollback", "--wait", "--timeout", "60s"))


def test_a_disruption_takes_one_worker_at_a_time(release: Release) -> None:
    budget = release.api.get("policy/v1", "PodDisruptionBudget", FULL_NAME, release.namespace)
    release.await_(lambda: _allowed(release) == 1, "one may go")
    assert budget["spec"]["maxUnavailable"] == 1


def _allowed(release: Release) -> int:
    budget = release.api.get("policy/v1", "PodDisruptionBudget", FULL_NAME, release.namespace)
    return int(budget["status"]["disruptionsAllowed"])


def test_volumes_outlive_scaling_down_and_uninstalling(cluster: ControlPlane) -> None:
    release = Release(cluster, "short")
    release.install("--set", "dashboard.enabled=false,topics.job.enabled=false")
    claims = release.claims()
    release.upgrade("--set", "dashboard.enabled=false,topics.job.enabled=false,replicaCount=1")
    release.await_(lambda: len(release.pods()) == 1, "one worker is left")
    assert release.claims() == claims
    succeeds(release.helm("uninstall", "--wait", "--timeout", "60s"))
    release.await_(lambda: release.pods() == [], "no worker is left")
    assert release.claims() == claims
    release.install("--set", "dashboard.enabled=false,topics.job.enabled=false")
    assert release.claims() == claims


@pytest.mark.parametrize("values", ci_values(), ids=lambda path: path.stem)
def test_the_api_server_takes_every_object(cluster: ControlPlane, values: Path) -> None:
    cluster.api.warnings.clear()
    for manifest in sorted(render("-f", str(values)), key=lambda one: one["kind"] != "ServiceAccount"):
        if manifest["kind"] not in NOT_SERVED:
            is_needed = manifest["kind"] == "ServiceAccount"  # pods are taken only with an account that is there
            cluster.api.apply(manifest, dry_run=not is_needed)
    assert cluster.api.warnings == []
