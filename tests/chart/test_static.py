"""What can be said of the chart without a cluster: by Helm, its unit tests, schemas, kube-score and helm-docs."""

import shutil
from pathlib import Path

import pytest

from tests.chart.support.schemas import write_schemas
from tests.chart.support.tools import CHART, KUBERNETES, ci_values, run, succeeds

pytestmark = pytest.mark.chart
WITHOUT_SCHEMA = "ExternalSecret,KafkaTopic"
"""Their operators publish no definitions as a Go module."""
WANTED_SCORES = [
    "--kubernetes-version=v1.36",
    "--exit-one-on-warning",
    "--ignore-container-cpu-limit",  # throttling delays checkpoints; what is requested shares the CPU
    "--ignore-test=container-image-pull-policy",  # IfNotPresent: images are named by version or digest
    "--ignore-test=pod-networkpolicy",  # off by default: not every network enforces one
    "--ignore-test=container-ephemeral-storage-request-and-limit",  # of no use: only /tmp is written to
    "--ignore-test=deployment-replicas",  # the API keeps nothing and may be away for a moment
    "--ignore-test=statefulset-has-host-podantiaffinity",  # topology spread says it, and more
]


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_schemas(tmp_path_factory.mktemp("schemas"))


@pytest.mark.parametrize("values", ci_values(), ids=lambda path: path.stem)
def test_helm_has_nothing_to_say_against_it(values: Path) -> None:
    said = succeeds(run("helm", "lint", "--strict", str(CHART), "-f", str(values), "--kube-version", KUBERNETES))
    assert "1 chart(s) linted, 0 chart(s) failed" in said


def test_its_unit_tests_pass() -> None:
    said = succeeds(run("helm-unittest", "--strict", str(CHART)))
    assert "0 errored" not in said  # said only where something failed


@pytest.mark.parametrize("values", ci_values(), ids=lambda path: path.stem)
def test_every_object_fits_the_schema_of_its_kind(values: Path, schemas: list[str]) -> None:
    manifests = succeeds(run("helm", "template", "rel", str(CHART), "-f", str(values), "--kube-version", KUBERNETES))
    options = ["-strict", "-summary", "-kubernetes-version", KUBERNETES, "-skip", WITHOUT_SCHEMA, *schemas]
    said = succeeds(run("kubeconform", *options, stdin=manifests))
    assert "Invalid: 0, Errors: 0" in said


def test_the_schemas_would_see_a_slip(schemas: list[str]) -> None:
    monitor = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\nspec: {selektor: {}}\n"
    policy = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {maxUnavailible: 1}\n"
    done = run("kubeconform", "-strict", "-kubernetes-version", KUBERNETES, *schemas, stdin=f"{monitor}---\n{policy}")
    assert done.returncode == 1
    assert "selektor" in done.stdout
    assert "maxUnavailible" in done.stdout


# The ephemeral values switch off what is asked for.
@pytest.mark.parametrize(
    "values", [path for path in ci_values() if "ephemeral" not in path.stem], ids=lambda path: path.stem
)
def test_kube_score_finds_nothing_to_criticise(values: Path) -> None:
    manifests = succeeds(run("helm", "template", "rel", str(CHART), "-f", str(values), "--kube-version", KUBERNETES))
    succeeds(run("kube-score", "score", "--output-format=ci", *WANTED_SCORES, "-", stdin=manifests))


def test_the_readme_is_what_helm_docs_writes(tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "hindcast")
    succeeds(run("helm-docs", "--chart-search-root", str(tmp_path)))
    written = (tmp_path / "hindcast" / "README.md").read_text()
    assert (CHART / "README.md").read_text() == written, "run make helm-docs"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ("replicaCont: 3", "additional properties 'replicaCont' not allowed"),
        ("config: {kafka: {}}", "at '/config/kafka': missing property 'bootstrap_servers'"),
        ("replicaCount: many", "at '/replicaCount': got string, want integer"),
        ("config: {models: {fraud: {predictions: {topik: a}}}}", "additional properties 'topik' not allowed"),
        ("roles: [cook]", "at '/roles/0': value must be one of 'ingest', 'alerts', 'sinks'"),
        (
            "autoscaling: {enabled: true, maxReplicas: 9}",
            "autoscaling.maxReplicas: 9 workers cannot share 8 partitions (config.kafka.partitions)",
        ),
        ("ingress: {enabled: true}", "ingress.host is needed"),
        ("terminationGracePeriodSeconds: 10", "at '/terminationGracePeriodSeconds': minimum: got 10, want 25"),
    ],
)
def test_bad_values_are_refused_with_a_readable_line(values: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(values)
    brokers = [] if "kafka: {}" in values else ["--set", "config.kafka.bootstrap_servers=kafka:9092"]
    done = run("helm", "template", "rel", str(CHART), "-f", str(tmp_path / "bad.yaml"), *brokers)
    assert done.returncode != 0
    assert line in done.stderr
