"""Every pod of the chart runs, as it is rendered, against a real broker: job, worker, helm test, dashboard."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.chart.support.pod_process import PodProcess
from tests.chart.support.tools import Manifest, of_kind, render
from tests.support.ports import free_ports
from tests.support.reaper import Reaper

pytestmark = [pytest.mark.chart, pytest.mark.broker, pytest.mark.timeout(180)]
TOKEN = "a-token-of-the-web"
SECRETS = {"hindcast-secrets": {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x", "web-token": TOKEN}}
Start = Callable[[Manifest], PodProcess]


@pytest.fixture
def objects(broker: str, tmp_path: Path) -> Iterator[list[Manifest]]:
    """The chart's objects for the broker, with source topics there and a port of their own."""
    prefix = f"chart{random.SystemRandom().randrange(16**6):06x}-"
    admin = AdminClient({"bootstrap.servers": broker})
    sources = [NewTopic(f"{prefix}x_{kind}", 2, 1) for kind in ("predictions", "labels")]
    for made in admin.create_topics(sources).values():
        made.result(30)
    values = {
        "port": free_ports(1)[0],
        "existingSecret": "hindcast-secrets",
        "config": {
            "kafka": {"bootstrap_servers": broker, "topic_prefix": prefix, "partitions": 2, "replication_factor": 1},
            "models": {"fraud": {"predictions": {"topic": f"{prefix}x_predictions"}}},
            "alerts": {"receivers": {"oncall": {"slack": {"webhook_url": "${SLACK_WEBHOOK_URL}"}}}},
            "web": {"auth": {"bearer_file": "/secrets/web-token"}},
        },
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    yield render("-f", str(tmp_path / "values.yaml"))
    mine = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for gone in admin.delete_topics(mine).values():
        gone.result(30)


@pytest.fixture
def start(objects: list[Manifest], tmp_path: Path) -> Iterator[Start]:
    reaper = Reaper()
    hosts = {"rel-hindcast-headless": "127.0.0.1"}

    def started(workload: Manifest) -> PodProcess:
        pod = workload if workload["kind"] == "Pod" else workload["spec"]["template"]
        directory = tmp_path / workload["kind"]
        process = PodProcess(reaper, directory, pod, objects, secrets=SECRETS, hosts=hosts)
        process.start()
        return process

    yield started
    reaper.close()


def test_topics_are_made_workers_become_ready_and_the_helm_test_passes(objects: list[Manifest], start: Start) -> None:
    job = start(of_kind(objects, "Job"))
    assert job.ends(60) == 0, job.said
    worker = start(of_kind(objects, "StatefulSet"))
    worker.await_probe("startupProbe", 60)
    worker.await_probe("readinessProbe", 60)
    assert worker.probe("livenessProbe") is None
    test = start(of_kind(objects, "Pod"))
    assert test.ends(90) == 0, f"{test.said}\n{worker.said}"
    assert "its record stood on" in test.said
    assert worker.terminate() == 0, worker.said
    dashboard = start(of_kind(objects, "Deployment"))
    dashboard.await_probe("readinessProbe", 60)
    assert dashboard.probe("livenessProbe") is None
    port = dashboard.container["ports"][0]["containerPort"]
    asked = Request(f"http://127.0.0.1:{port}/api/v1/status", headers={"Authorization": f"Bearer {TOKEN}"})
    with urlopen(asked, timeout=10) as answer:
        assert answer.status == 200
