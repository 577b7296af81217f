"""A worker, a broker and the dashboard: what the topics say, it says, at once and again after it was killed."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from models.dead_letter import CODES
from models.metric_record import iso_ms, ms_of_iso
from runtime.traffic import Topic
from tests.conftest import StartCluster
from tests.support.dashboard_process import DashboardProcess, Event
from tests.support.load import RULES, Load
from tests.support.reaper import Reaper
from tests.support.recount import recount
from tests.support.scene import Scene
from tests.unit.dashboard.samples import metric

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
EMIT_SECONDS = 2
WINDOW_MS = 10_000
MODEL = {"emit_every": f"{EMIT_SECONDS}s", "out_of_orderness": "1s", "idle_timeout": "1s", "spans": ["1m"]}


@pytest.fixture
def scene(broker: str, tmp_path: Path) -> Iterator[Scene]:
    with Scene(broker, tmp_path, Load([], recount([], RULES), 0, keyed=False), model=MODEL) as made:
        yield made


@pytest.fixture
def dashboard(scene: Scene) -> Iterator[DashboardProcess]:
    reaper = Reaper()
    yield DashboardProcess(reaper, scene.directory, "dashboard", scene.settings)
    reaper.close()


class Traffic:
    """Predictions of one window that is over, and their labels."""

    def __init__(self, scene: Scene) -> None:
        self._topics = scene.topics
        self._producer = Producer({"bootstrap.servers": scene.bootstrap})
        now_ms = time.time_ns() // 1_000_000
        self.start_ms = (now_ms - 2 * WINDOW_MS) // WINDOW_MS * WINDOW_MS

    def predict(self, ids: range) -> None:
        for i in ids:
            record = {"id": f"i{i}", "score": 0.9, "event_time": iso_ms(self.start_ms + i), "version": "v1"}
            self.send("predictions", record | {"country": "DE", "latency_ms": 20, "status": "success"})

    def label(self, i: int) -> None:
        self.send("labels", {"id": f"i{i}", "actual": 1, "label_time": iso_ms(self.start_ms + 5_000)})

    def send(self, kind: Topic, record: object) -> None:
        self._producer.produce(self._topics[kind], orjson.dumps(record))
        assert self._producer.flush(10) == 0


def of_window(start_ms: int, **wanted: object) -> Callable[[Event], bool]:
    def fits(event: Event) -> bool:
        found = event.data | {"kind": event.kind}
        known = {"kind": "metric", "span": "10s", "segment": "", "window_start": iso_ms(start_ms)} | wanted
        return all(found.get(name) == value for name, value in known.items())

    return fits


def test_a_label_moves_the_stream_within_the_emit_interval_and_two_seconds(
    scene: Scene, dashboard: DashboardProcess
) -> None:
    dashboard.start()
    scene.start(1)
    dashboard.await_ready()
    with dashboard.stream() as events:
        traffic = Traffic(scene)
        traffic.predict(range(20))
        events.wait(of_window(traffic.start_ms, total=20, labelled=0), 30)
        for i in range(3):
            sent_seconds = time.time_ns() / 1e9
            traffic.label(i)
            moved = events.wait(of_window(traffic.start_ms, labelled=i + 1), 30)
            assert moved.at_seconds - sent_seconds <= EMIT_SECONDS + 2
        metrics = [event for event in events.told if event.kind == "metric"]
        late = [event.at_seconds - ms_of_iso(event.data["emitted_at"]) / 1000 for event in metrics]
        assert max(late) < 2
    assert {event.data["segment"] for event in metrics} == {"", "country=DE"}


def test_the_lists_are_what_stands_on_the_topics_also_after_a_kill(scene: Scene, dashboard: DashboardProcess) -> None:
    scene.start(1)
    dashboard.start()
    dashboard.await_ready()
    traffic = Traffic(scene)
    with dashboard.stream() as events:
        traffic.predict(range(20))
        for i in range(5):
            traffic.label(i)
        traffic.send("predictions", {"id": "x"})  # without a time: a dead letter
        events.wait(of_window(traffic.start_ms, total=20, labelled=5), 30)
        events.wait(lambda event: event.kind == "dead_letter", 30)
    _await(lambda: _fates(dashboard) == {"joined": 10, "pending": 15, "dead_lettered": 1})
    groups, lag = _consumers(dashboard)
    assert groups == {scene.prefix.rstrip("-"): ("stable", 1)}
    assert set(scene.topics.values()) <= lag.keys()
    _await(lambda: all(_consumers(dashboard)[1][topic] == 0 for topic in scene.topics.values()))
    for worker in scene.workers:
        worker.terminate()
    wanted = _newest(scene)
    _await(lambda: _held(dashboard) == wanted)
    lists = ("/metrics?segment=*", "/alerts", "/decisions", "/summary?minutes=5", "/dead-letters")
    before = {path: dashboard.items(path) for path in lists}
    [summary] = before["/summary?minutes=5"]
    assert (summary["total"], summary["success_rate"]) == (20, 1.0)
    [letter] = before["/dead-letters"]
    assert letter["meaning"] == CODES[letter["code"]]
    [model] = dashboard.items("/models")
    assert (model["model"], model["model_version"], model["segments"]) == ("fraud", "v1", 1)
    dashboard.kill()
    dashboard.start()
    dashboard.await_ready()
    assert {path: dashboard.items(path) for path in lists} == before
    code, seconds = dashboard.terminate()
    assert (code, seconds < 10) == (0, True)


def _pipeline(dashboard: DashboardProcess) -> Any:  # noqa: ANN401  # JSON
    code, body = dashboard.get("/api/v1/pipeline")
    assert code == 200, body
    return orjson.loads(body)


def _fates(dashboard: DashboardProcess) -> dict[str, int]:
    """Those of predictions and labels together."""
    found = Counter[str]()
    for counts in _pipeline(dashboard)["fates"].values():
        found.update(counts)
    return {fate: count for fate, count in found.items() if count}


def _consumers(dashboard: DashboardProcess) -> tuple[dict[str, tuple[str, int]], dict[str, int]]:
    """(group -> state and members, topic -> records that are not acknowledged)."""
    told = _pipeline(dashboard)["consumers"]
    assert told["problem"] is None
    lag = Counter[str]()
    for one in told["lag"]:
        lag[one["topic"]] += one["records"] or 0
    return {one["group"]: (one["state"], len(one["members"])) for one in told["groups"]}, dict(lag)


def _newest(scene: Scene) -> dict[str, int]:
    """Key -> highest revision on the topic."""
    found: dict[str, int] = {}
    for message in scene.read(f"{scene.prefix}metrics"):
        key, record = (message.key() or b"").decode(), orjson.loads(message.value() or b"")
        found[key] = max(record["revision"], found.get(key, -1))
    return found


def _held(dashboard: DashboardProcess) -> dict[str, int]:
    held = [*dashboard.items("/metrics"), *dashboard.items("/metrics?segment=*")]
    return {_key(record): record["revision"] for record in held}


def _key(record: dict[str, Any]) -> str:
    last = record["window_start"] if record["span"] == "10s" else "latest"
    return "|".join([*(record[name] for name in ("model", "model_version", "segment", "span")), last])


def _await(reached: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.timeout(240)
def test_without_its_broker_it_says_so_answers_on_and_reads_on_later(
    start_cluster: StartCluster, tmp_path: Path
) -> None:
    cluster, reaper = start_cluster(), Reaper()
    with Scene(cluster.bootstrap, tmp_path, Load([], recount([], RULES), 0, keyed=False)) as scene:
        dashboard = DashboardProcess(reaper, tmp_path, "dashboard", scene.settings)
        dashboard.start()
        dashboard.await_ready()
        say = Producer({"bootstrap.servers": cluster.bootstrap})
        say.produce(f"{scene.prefix}metrics", (first := metric()).value, first.key)
        say.flush(10)
        _await(lambda: len(dashboard.items("/metrics")) == 1)
        cluster.stop(0)
        _await(lambda: not dashboard.status()["reading"], 30)
        assert dashboard.status()["problem"].startswith("the broker does not answer")
        assert len(dashboard.items("/metrics")) == 1
        assert dashboard.get("/readyz")[0] == 200
        cluster.start(0)
        _await(lambda: bool(dashboard.status()["reading"]), 30)
        say.produce(f"{scene.prefix}metrics", (second := metric(1)).value, second.key)
        say.flush(10)
        _await(lambda: len(dashboard.items("/metrics")) == 2)
    reaper.close()
