"""What the demo sets up around the view: topics, a worker's configuration, the simulated traffic."""

from __future__ import annotations

import threading
from pathlib import Path

import yaml

from models.topics import catalogue
from runtime import clock
from runtime.embedded_broker import EmbeddedBroker
from runtime.pace import Pace, pace
from runtime.settings import Settings, parse
from runtime.simulate import play, target_of
from runtime.simulate_options import SimulateOptions
from runtime.traffic import traffic

SPEED = 60.0
PREDICTIONS_PER_SECOND = 25.0  # of event time: 1,500 a second of yours, with their labels about 3,000 events
SOURCE_PARTITIONS = 4
DEGRADED_SECONDS = (18.0, 32.0)
"""Wall seconds after which the model gets worse, and good again: it alerts and recovers before a minute is over."""
SHORT_SECONDS = 60.0


def configuration(bootstrap: str, port: int, directory: Path) -> dict[str, object]:
    """`hindcast.yaml` for the demo: a horizon so short that windows become final on the screen."""
    fraud = {
        "predictions": {"topic": "fraud_predictions"},
        "horizon": "5m",
        "allowed_lateness": "30s",
        "emit_every": "1s",
        "idle_timeout": "5s",
        "spans": ["10m", "1h"],
        "segments": ["country"],
    }
    return {
        "kafka": {"bootstrap_servers": bootstrap, "replication_factor": 1, "partitions": 2},
        "models": {"fraud": fraud},
        "alerts": {"packs": [], "rules": [_rule()]},
        "state": {"directory": str(directory / "state"), "memory_budget": "256MiB"},
        "web": {"host": "127.0.0.1", "port": port, "page": True},
    }


def _rule() -> dict[str, object]:
    """Judged on five minutes of event time, and only when the whole interval is past the threshold."""
    return {
        "name": "ranking-lost",
        "metric": "auc",
        "below": 0.78,
        "over": "5m",
        "certain": True,
        "min_labelled": 500,
        "severity": "critical",
        "priority": "P1",
        "runbook": "docs/runbooks/outcome-metrics-down.md",
    }


def write_configuration(path: Path, content: dict[str, object]) -> Settings:
    """Write the worker's file; returns the settings that it will read from there. Raises ConfigError."""
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return parse(content, {})


def create_topics(broker: EmbeddedBroker, settings: Settings) -> None:
    """Make the input topics and ours; the embedded broker knows no administration. Raises WorldError."""
    for model in settings.models.values():
        broker.create_topic(model.predictions.topic, SOURCE_PARTITIONS)
        broker.create_topic(model.labels.topic, SOURCE_PARTITIONS)
        wait_ms = model.horizon_ms + model.allowed_lateness_ms
        for topic in catalogue(settings.kafka.topic_prefix, settings.kafka.partitions, wait_ms).values():
            broker.create_topic(topic.name, topic.partitions)


def demo_traffic(seed: int, for_seconds: float | None) -> SimulateOptions:
    """Traffic with everything that goes wrong in life, and a model that gets worse in front of your eyes."""
    return SimulateOptions(
        rate=PREDICTIONS_PER_SECOND,
        seconds=None if for_seconds is None else for_seconds * SPEED,
        seed=seed,
        speed=SPEED,
        fraud_rate=0.05,
        label_delay_seconds=60,
        disorder=0.2,
        duplicates=0.05,
        early=0.05,
        corrections=0.02,
        withdrawals=0.002,
        bad=0.01,
        shadow=0.05,
        degrade_at_seconds=degraded_between(for_seconds)[0] * SPEED,
        recover_at_seconds=degraded_between(for_seconds)[1] * SPEED,
    )


def degraded_between(for_seconds: float | None) -> tuple[float, float]:
    """Wall seconds until the model gets worse, and until it has recovered; sooner in a short demo."""
    worse, better = DEGRADED_SECONDS
    share = 1.0 if for_seconds is None else min(1.0, for_seconds / SHORT_SECONDS)
    return worse * share, better * share


class Simulator(threading.Thread):
    """Sends the traffic in a thread of its own; `failure` is what stopped it, if anything did."""

    def __init__(self, settings: Settings, options: SimulateOptions, stop: threading.Event) -> None:
        super().__init__(name="simulator", daemon=True)
        (model,) = settings.models.values()
        self._target = target_of(settings, model)
        self._options = options
        self._stop_event = stop
        self.failure: Exception | None = None

    def run(self) -> None:
        """Play the traffic until its end or until told to stop."""
        plan: Pace = pace(self._options, clock.now_ms())
        records = traffic(self._options, plan.start_ms)
        try:
            for _ in play(self._target, records, plan, stop=self._stop_event.is_set):
                pass
            self._target.close(1.0)
        except Exception as error:  # noqa: BLE001 - told to the main thread, which ends the demo with it
            self.failure = error
