"""The example service on a real broker: request, prediction topic, label, metric record; rollback; broker restart."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from prometheus_client.parser import text_string_to_metric_families

from hindcast_client import KafkaTransport, PredictionLog
from models.decision import Decision, encode_decision
from runtime.clock import now_ms
from tests.conftest import StartCluster
from tests.support.load import make_load
from tests.support.ports import free_ports
from tests.support.reaper import Reaper
from tests.support.scene import Scene
from tests.support.worker_process import REPO, WorkerProcess

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

BASELINE = REPO / "examples" / "fraud_service" / "baseline.json"
MODEL = {"horizon": "5m", "idle_timeout": "1s", "emit_every": "1s", "baseline": str(BASELINE), "resources": True}


@contextmanager
def service(scene: Scene, directory: Path) -> Iterator[httpx.Client]:
    """The example as it is run, on the scene's topics; a client of it."""
    [port] = free_ports(1)
    settings: dict[str, str] = {"bootstrap": scene.bootstrap, "decisions": f"{scene.prefix}decisions"}
    settings |= {str(kind): name for kind, name in scene.topics.items()}
    settings["heartbeats"] = f"{scene.prefix}heartbeats"
    env = {**os.environ, **{f"FRAUD_{name.upper()}": value for name, value in settings.items()}}
    env["PYTHONPATH"] = os.pathsep.join([str(REPO), str(REPO / "client")])
    command = [sys.executable, "-m", "uvicorn", "--factory", "examples.fraud_service.service:create_app"]
    reaper = Reaper()
    try:
        process = reaper.start([*command, "--port", str(port)], directory / "service.log", env=env, cwd=REPO)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            until(lambda: answers(client), (directory / "service.log").read_text)
            yield client
        process.terminate()
        # uvicorn ends by the signal that it was sent, so nothing of Python's own exit runs
        assert process.wait(20) == -signal.SIGTERM, (directory / "service.log").read_text()
    finally:
        reaper.close()


def make_topic(bootstrap: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its futures live no longer than it does
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(30)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/metrics").status_code == 200
    except httpx.TransportError:
        return False


def until(condition: Callable[[], object], describe: Callable[[], object] = str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to that: {describe()}"
        time.sleep(0.2)


def newest(scene: Scene) -> list[dict[str, Any]]:
    """The newest revision of each window of the whole model."""
    found: dict[str, dict[str, Any]] = {}
    for message in scene.read(f"{scene.prefix}metrics"):
        record = orjson.loads(message.value() or b"")
        if record["span"] == "10s" and record["segment"] == "" and record["total"] + record.get("failed", 0):
            found[(message.key() or b"").decode()] = record
    return list(found.values())


def confusion(records: list[dict[str, Any]]) -> Counter[str]:
    return sum((Counter(record["confusion"]) for record in records), Counter())


def test_a_request_and_its_label_come_to_a_metric_record(broker: str, tmp_path: Path) -> None:
    with Scene(broker, tmp_path, make_load(50, seed=1, now_ms=now_ms()), model=MODEL) as scene:
        scene.settings["web"] = {"page": True}
        [worker] = scene.start(1)
        with service(scene, tmp_path) as client:
            expected: Counter[str] = Counter()
            for number in range(200):
                transaction = {"transaction_id": f"t-{number}", "amount": 3.0 * number, "night": False, "country": "US"}
                answer = client.post("/predict", json=transaction).json()
                assert answer["model_version"] == "lr_v1"
                actual = number % 3 == 0
                if number < 150:
                    client.post("/feedback", json={"transaction_id": f"t-{number}", "fraud": actual})
                    expected[("t" if answer["fraud"] == actual else "f") + ("p" if answer["fraud"] else "n")] += 1
            unfit = {"transaction_id": "t-200", "amount": None, "night": False, "country": "US"}
            assert client.post("/predict", json=unfit).json()["model_version"] == "rule"
            assert client.post("/predict", json={}).status_code == 422

            until(lambda: confusion(newest(scene)) == expected, lambda: (newest(scene), scene.describe()))
            records = newest(scene)
            assert Counter({r["model_version"]: 0 for r in records}).keys() == {"lr_v1", "rule"}
            assert sum(record["total"] for record in records) == 201
            assert all(0 < r["prediction_latency_seconds"]["max"] < 5 for r in records)
            features = [r["quality"]["features"] for r in records if r["model_version"] == "rule"]
            assert [one["amount"]["missing_ratio"] for one in features] == [1.0]
            assert len(expected) == 4
            # the worker was told that the topics are keyed by id, looked for itself, and is content
            assert worker.get("/readyz")[0] == 200
            assert worker.series("hindcast_misplaced_records_total") == {}
            judge_page(worker, records)
            judge_series(client)
            judge_heartbeats(scene, worker)
            judge_rollback(scene, client)
            late = {"transaction_id": "last words", "amount": 5.0, "night": False, "country": "DE"}
            assert client.post("/predict", json=late).status_code == 200
        assert b"last words" in [message.key() for message in scene.read(scene.topics["predictions"])]


def judge_page(worker: WorkerProcess, records: list[dict[str, Any]]) -> None:
    """The page is served, and shows from its API what the records say."""
    status, page = worker.get(f"/models/{records[0]['model']}")
    assert (status, "<title>" in page) == (200, True)

    def shown() -> dict[str, int]:
        items = orjson.loads(worker.get("/api/v1/metrics?span=10s")[1])["items"]
        return {one["model_version"] + one["window_start"]: one["total"] for one in items if not one["segment"]}

    wanted = {one["model_version"] + one["window_start"]: one["total"] for one in records}
    until(lambda: wanted.items() <= shown().items(), lambda: (wanted, shown()))


def judge_series(client: httpx.Client) -> None:
    families = text_string_to_metric_families(client.get("/metrics").text)
    found = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
    assert found["predictions_total", "lr_v1", "success"] == 200
    assert found["predictions_total", "rule", "success"] == 1
    assert found["predictions_total", "lr_v1", "rejected"] == 1
    assert found["predictor_answers_total", "fallback", "bad_data"] == 1
    assert found["hindcast_client_records_total", "fraud", "sent"] >= 351


def judge_heartbeats(scene: Scene, worker: WorkerProcess) -> None:
    """They stand in the records of their windows: the service attaches no resources to its predictions."""

    def beats() -> list[dict[str, Any]]:
        return [orjson.loads(message.value() or b"") for message in scene.read(f"{scene.prefix}heartbeats")]

    until(lambda: worker.series("hindcast_records_total")["heartbeat",] == len(beats()) > 0, scene.describe)
    records = [orjson.loads(message.value() or b"") for message in scene.read(f"{scene.prefix}metrics")]
    told = [r for r in records if r.get("resources") and r["span"] == "10s" and r["model_version"] == "lr_v1"]
    known = {"cpu_ratio", "memory_bytes", "disk_ratio", "active_requests", "model_load_seconds"}
    assert known <= set(told[-1]["resources"])
    bytes_used = [beat["resources"]["memory_bytes"] for beat in beats()]
    assert min(bytes_used) - 1024 <= told[-1]["resources"]["memory_bytes"]["mean"] <= max(bytes_used) + 1024


def judge_rollback(scene: Scene, client: httpx.Client) -> None:
    """Somebody decides; the service follows without a restart."""
    decision = Decision(
        decision_id="d-1",
        state="approved",
        kind="rollback",
        cause="by hand",
        model="fraud",
        model_version="lr_v1",
        decided_at_ms=now_ms(),
    )
    producer = Producer({"bootstrap.servers": scene.bootstrap})
    producer.produce(f"{scene.prefix}decisions", encode_decision(decision), decision.key())
    producer.flush(10)
    transaction = {"transaction_id": "later", "amount": 5.0, "night": False, "country": "DE"}
    until(lambda: client.post("/predict", json=transaction).json()["model_version"] == "rule")


@pytest.mark.own_broker
def test_nothing_is_lost_and_nobody_waits_while_the_broker_is_away(start_cluster: StartCluster) -> None:
    cluster = start_cluster()
    make_topic(cluster.bootstrap, "fraud_labels")
    log = PredictionLog("fraud", "v1", transport=KafkaTransport(cluster.bootstrap, delivery_seconds=120))
    for number in range(6):
        if number == 2:
            cluster.stop(0)
        if number == 4:
            cluster.start(0)
        began = time.monotonic()
        for one in range(500):
            log.label(f"{number}-{one}", 1)
        assert time.monotonic() - began < 1
        time.sleep(0.5)
    counts = log.close(flush_seconds=60)
    assert (counts.offered, counts.sent, counts.dropped) == (3000, 3000, {})
