"""A worker with something to show in every series: two models, drift, errors, bad records, an alert that fires.

Every number that it must show can be said beforehand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from runtime import baseline_build
from runtime.clock import now_ms
from runtime.settings import load as load_settings
from tests.support.load import RULES, Load
from tests.support.receivers import Receivers
from tests.support.recount import recount
from tests.support.scene import PARTITIONS, Scene
from tests.support.worker_process import WorkerProcess

WINDOW_MS: Final = 10_000
STEP_MS: Final = 200
PER_WINDOW: Final = WINDOW_MS // STEP_MS
LATENCIES_MS: Final = (8, 30, 80, 300, 700)
"""Of five predictions in a row."""
ERRORS_PER_WINDOW: Final = 2
MADE_PER_WINDOW: Final = PER_WINDOW - ERRORS_PER_WINDOW
WRONG_PER_WINDOW: Final = PER_WINDOW // 10
ACCURACY: Final = 1 - WRONG_PER_WINDOW / MADE_PER_WINDOW
VERSION: Final = "v1"
SPAN: Final = "2m"
MODEL: Final[dict[str, Any]] = {
    "window": "10s", "horizon": "5m", "allowed_lateness": "1s", "out_of_orderness": "1s", "idle_timeout": "1s",
    "emit_every": "1s", "spans": [SPAN], "segments": ["country"], "resources": True,
}  # fmt: skip
RULE: Final = {"name": "accuracy-low", "metric": "accuracy", "below": 0.95, "min_labelled": 30, "severity": "warning"}


class ObservedScene(Scene):
    """Use as a context; ``send`` writes traffic, window after window of event time."""

    def __init__(self, bootstrap: str, directory: Path, receivers: Receivers) -> None:
        model = MODEL | {"baseline": str(directory / "fraud.json"), "drift": {"over": SPAN, "min_records": 100}}
        super().__init__(bootstrap, directory, Load([], recount([], RULES), 0, keyed=False), model=model)
        self._values = {kind: f"{self.prefix}in_price_{kind}" for kind in ("predictions", "labels")}
        topics = {kind: {"topic": topic} for kind, topic in self._values.items()}
        self.settings["models"]["price"] = MODEL | {"task": "regression", "partitioned_by_id": False} | topics
        self.settings["models"]["fraud"]["labels"] = {"topic": self.topics["labels"]}
        self.settings["alerts"] = {
            "packs": [],
            "allow_hosts": ["127.0.0.1"],
            "rules": [RULE],
            "routes": [{"receivers": ["hook"], "group_wait": "100ms"}],
            "receivers": {"hook": receivers.settings(directory / "secrets")["hook"]},
        }
        self._start_ms = now_ms() // WINDOW_MS * WINDOW_MS - 300 * WINDOW_MS
        self._windows = 0
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "log_level": 0})

    @property
    def end_seconds(self) -> float:
        """Where the last window that was sent ends, in Unix time."""
        return (self._start_ms + self._windows * WINDOW_MS) / 1000

    def __enter__(self) -> Self:
        """With a baseline in which ``amount`` is small and ``visits`` as it will be."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})  # its futures live no longer than it does
        for done in admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in self._values.values()]).values():
            done.result(30)
        self._build_baseline()
        super().__enter__()
        return self

    def worker_with_all_roles(self) -> WorkerProcess:
        """A worker, ready."""
        worker = self.worker("worker-0")
        worker.roles = "ingest,alerts"
        worker.start()
        worker.await_ready()
        return worker

    def _build_baseline(self) -> None:
        rows = [features(number) | {"amount": number % 100, "score": 0.5} for number in range(2_000)]
        training = self.directory / "training.jsonl"
        training.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
        config = self.directory / "baseline.yaml"
        config.write_bytes(orjson.dumps({"models": {"fraud": {"predictions": {"topic": "p"}}}}))
        baseline_build.run(load_settings(config, {}), training, "fraud", self.directory / "fraud.json", None, "")

    def send(self, windows: int) -> int:
        """So many windows of traffic for both models; returns how many predictions of ``fraud`` count as made."""
        for number in range(self._windows * PER_WINDOW, (self._windows + windows) * PER_WINDOW):
            self._send_one(number)
        self._windows += windows
        for number in range(windows):
            self._producer.produce(self.topics["predictions"], f"{{no JSON {number}")
        assert self._producer.flush(30) == 0
        return windows * MADE_PER_WINDOW

    def rest(self, windows: int) -> None:
        """So many windows of event time without traffic: beyond the horizon, what was before is final and teaches."""
        self._windows += windows

    def _send_one(self, number: int) -> None:
        at_ms = self._start_ms + number * STEP_MS
        common = {"prediction_id": f"p{number}", "model_version": VERSION, "event_time": at_ms}
        resources = {"cpu_ratio": 0.25, "memory_bytes": 1e9}
        served = {"latency_ms": LATENCIES_MS[number % len(LATENCIES_MS)], "status": "success", "resources": resources}
        score = 0.9 if number % 2 else 0.1
        said: dict[str, Any] = {"score": score, "prediction": number % 2}
        if number % PER_WINDOW < ERRORS_PER_WINDOW:
            said = {"status": "error", "error_type": "timeout"}
        told = common | served | {"features": features(number)} | said
        # of ten in a row one is wrong, none of them among those that failed
        actual = number % 2 ^ (number % 10 == 9)
        label = {"prediction_id": f"p{number}", "actual": actual, "label_time": at_ms + 1_000 + number % 7 * 500}
        self._produce(self.topics["predictions"], told)
        self._produce(self.topics["labels"], label)
        value = {"prediction": float(number % 10), "features": {"country": "DE"}}
        self._produce(self._values["predictions"], common | served | value)
        self._produce(self._values["labels"], label | {"actual": number % 10 + 0.5})

    def _produce(self, topic: str, record: dict[str, Any]) -> None:
        self._producer.produce(topic, orjson.dumps(record), timestamp=now_ms())
        self._producer.poll(0)


def features(number: int) -> dict[str, Any]:
    """``amount`` has moved away from the baseline, ``visits`` has not, ``night`` is missing now and then."""
    country = "DE" if number // 2 % 2 else "AT"
    return {
        "amount": 200.0 + number % 100,
        "visits": number * 7 % 50,
        "night": None if number % 5 == 0 else number % 3 == 0,
        "country": country,
    }
