"""One scenario of alerting on a real broker: metric records in, three receivers that are told."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Producer

from models.alert_event import AlertEvent, decode_alert, encode_alert
from models.metric_record import encode, key
from models.silence import Silence, encode_silence
from runtime.clock import now_ms
from tests.support.load import RULES, Load
from tests.support.receivers import Receivers, wait_until
from tests.support.recount import recount
from tests.support.scene import Scene
from tests.support.worker_process import REPO, WorkerProcess

WINDOW_MS = 10_000
RULE: dict[str, Any] = {
    "name": "ranking-lost",
    "metric": "auc",
    "below": 0.78,
    "min_labelled": 100,
    "severity": "critical",
    "priority": "P1",
    "runbook": "https://runbooks.example/ranking",
}
ROUTE: dict[str, Any] = {"receivers": ["pager", "chat", "hook"], "group_wait": "500ms", "group_interval": "1s"}


class AlertScene(Scene):
    """A scene whose workers run the alerts role; records of the model ``fraud`` are written by the test."""

    def __init__(
        self,
        bootstrap: str,
        directory: Path,
        receivers: Receivers,
        *,
        rule: dict[str, Any] | None = None,
        route: dict[str, Any] | None = None,
        model: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(bootstrap, directory, Load([], recount([], RULES), 0, keyed=False), model=model)
        self.receivers = receivers
        self.settings["alerts"] = {
            "packs": [],
            "allow_hosts": ["127.0.0.1"],
            "rules": [RULE | (rule or {})],
            "routes": [ROUTE | (route or {})],
            "receivers": receivers.settings(directory / "secrets"),
        }
        self.start_ms = now_ms() // WINDOW_MS * WINDOW_MS - 10 * WINDOW_MS
        self._windows = 0
        self._producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.flush(5)
        super().__exit__(kind, error, trace)

    def alerting(self, name: str = "alerts", *, dies: str = "", roles: str = "alerts") -> WorkerProcess:
        """A worker with these roles, started; ``dies``: where it kills itself (tests/support/dying_worker.py)."""
        worker = next((w for w in self.workers if w.name == name), None) or self.worker(name)
        worker.roles, worker.dies = roles, dies
        worker.start()
        return worker

    # -- in

    def window(self, auc: float, *, version: str = "v1", revision: int = 1) -> None:
        """One more window of the model, with that AUC."""
        start_ms = self.start_ms + self._windows * WINDOW_MS
        self._windows += 1
        value = encode(
            model="fraud", model_version=version, segment="", task="binary", window_start_ms=start_ms,
            window_end_ms=start_ms + WINDOW_MS, span="10s", revision=revision, final=False,
            emitted_at_ms=start_ms + WINDOW_MS,
            parts={
                "total": 1_000, "labelled": 900, "label_coverage": 0.9, "throughput_per_second": 100.0,
                "metrics": {"auc": auc}, "intervals": {"auc": [auc - 0.01, auc + 0.01]},
            },
        )  # fmt: skip
        self._send("metrics", (key("fraud", version, "", "10s", start_ms), value))

    def alert(self, *events: AlertEvent) -> None:
        """Alerts as rules would say them."""
        self._send("alerts", *((event.fingerprint.encode(), encode_alert(event)) for event in events))

    def silence(self, silence: Silence | None, silence_id: str) -> None:
        """A silence, or its end."""
        self._send("silences", (silence_id.encode(), None if silence is None else encode_silence(silence)))

    def _send(self, topic: str, *records: tuple[bytes, bytes | None]) -> None:
        # Partition 0 in any case: copies of one window have to stand on one partition, whichever.
        for record_key, value in records:
            self._producer.produce(f"{self.prefix}{topic}", value, record_key, 0)
        assert self._producer.flush(10) == 0

    def simulate(self, **options: float) -> None:
        """Start `hindcast simulate` of one version; options as on its command line, all times in seconds."""
        given = {
            "rate": f"{options['rate']}",
            "for": f"{options['seconds']:.0f}s",
            "speed": f"{options['speed']}",
            "fraud-rate": f"{options['fraud_rate']}",
            "label-delay": f"{options['label_delay']:.0f}s",
            "degrade-at": f"{options['degrade_at']:.0f}s",
            "recover-at": f"{options['recover_at']:.0f}s",
            "versions": "rf_v2_2025_11",
        }
        arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
        config = self.directory / "topics.yaml"  # as the workers' but for what is their own
        command = [sys.executable, "-m", "runtime.cli", "simulate", "--config", str(config), *arguments]
        self._reaper.start(command, self.directory / "simulate.log", cwd=REPO)

    def simulated_from_ms(self) -> int:
        """When the event time of what was simulated begins."""
        return min(message.timestamp()[1] for message in self.read(self.topics["predictions"]))

    # -- out

    def alerts(self) -> list[AlertEvent]:
        """All that stands on the alerts topic."""
        return [decode_alert(message.value() or b"") for message in self.read(f"{self.prefix}alerts")]

    def await_fired(self, seconds: float = 30.0) -> float:
        """Wait until every receiver has heard that it fires."""
        told = self.receivers
        return wait_until(
            lambda: bool(told.pages()) and "firing" in told.hooked() and bool(told.chatted()), seconds, self.describe
        )

    def await_resolved(self, seconds: float = 30.0) -> float:
        """Wait until every receiver has heard that it is over."""
        told = self.receivers
        return wait_until(
            lambda: (
                bool(told.pages("resolve"))
                and "resolved" in told.hooked()
                and any("RESOLVED" in c for c in told.chatted())
            ),
            seconds,
            self.describe,
        )

    def describe(self) -> str:
        """The workers' last words and what the receivers were told, for a failure's message."""
        told = self.receivers
        said = f"pages {told.pages()} resolved {told.pages('resolve')} hook {told.hooked()} chat {len(told.chatted())}"
        return f"{said}\n{super().describe()}"
