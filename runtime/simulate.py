"""`hindcast simulate`: fraud traffic, sent to a broker as fast as its time allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rich.console import Console

from models.errors import ConfigError
from runtime import clock
from runtime.interrupts import stop_event
from runtime.pace import Pace, pace
from runtime.security import confluent_config, kafka_security
from runtime.settings import ModelSettings, Settings
from runtime.simulate_options import SimulateOptions
from runtime.simulate_progress import progress
from runtime.traffic import TimedRecord, traffic
from runtime.traffic_target import Target, connect

__all__ = ["Progress", "SimulateOptions", "play", "run", "target_of"]

WAIT_SECONDS_MIN = 0.005  # sleeping for less than this costs more than the records that come due meanwhile
WAIT_SECONDS_MAX = 0.1  # so that a stop is heard
FLUSH_SECONDS = 10.0
SENT_FIELDS = {
    *("transaction_id", "timestamp", "amount", "merchant", "country"),
    *("predicted_fraud_score", "predicted_fraud", "model_version", "actual_fraud", "label_time"),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    predictions: int
    labels: int
    event_ms: int


def run(settings: Settings, options: SimulateOptions) -> int:
    """Send traffic to the first binary model's topics until its end or Ctrl-C; returns the exit code.

    Raises ConfigError if no model can take it, WorldError if the broker cannot be reached or refuses a record.
    """
    console = Console(stderr=True)
    model = _first_binary(settings)
    for path in sorted(_unsent_fields(model)):
        console.print(f"warning: the model reads the field {path}, which simulated records do not have", soft_wrap=True)
    try:
        target = target_of(settings, model)
    except KeyboardInterrupt:
        console.print("stopped before anything was sent")
        return 0
    ended = _play(console, target, replace(options, keyed=model.partitioned_by_id))
    left = target.close(FLUSH_SECONDS)
    sent = target.sent
    console.print(
        f"{ended}: {sent['predictions']:,} predictions to {target.topics['predictions']}, "
        f"{sent['labels']:,} labels to {target.topics['labels']}, {left:,} not acknowledged",
        highlight=False,
        soft_wrap=True,
    )
    target.poll(0)
    return 1 if left else 0


def _play(console: Console, target: Target, options: SimulateOptions) -> str:
    """How it ended, in one word."""
    plan = pace(options, clock.now_ms())
    with stop_event() as stop, progress(console, options.seconds) as show:
        for state in play(target, traffic(options, plan.start_ms), plan, stop=stop.is_set):
            show(state.predictions, state.labels, (state.event_ms - plan.start_ms) / 1000)
        return "stopped" if stop.is_set() else "finished"


def target_of(settings: Settings, model: ModelSettings) -> Target:
    """Connect to the broker for the model's two topics; raises WorldError."""
    config = {
        "bootstrap.servers": ",".join(settings.kafka.bootstrap_servers),
        **confluent_config(kafka_security(settings.kafka.security)),
    }
    return connect(
        config,
        {"predictions": model.predictions.topic, "labels": model.labels.topic},
        partitions=settings.kafka.partitions,
        keyed=model.partitioned_by_id,
    )


def play(target: Target, records: Iterator[TimedRecord], plan: Pace, *, stop: Callable[[], bool]) -> Iterator[Progress]:
    """Send every record when it is due; yields the progress about ten times a second. Raises WorldError."""
    told_ms = 0
    for record in records:
        now_ms = clock.now_ms()
        due_ms = plan.due_ms(record.publish_ms)
        while due_ms > now_ms and not stop():
            target.poll(min(max((due_ms - now_ms) / 1000, WAIT_SECONDS_MIN), WAIT_SECONDS_MAX))
            now_ms = clock.now_ms()
        if stop():
            return
        if now_ms - told_ms > WAIT_SECONDS_MAX * 1000:
            target.poll(0)
            yield Progress(target.sent["predictions"], target.sent["labels"], record.publish_ms)
            told_ms = now_ms
        target.send(record)


def _first_binary(settings: Settings) -> ModelSettings:
    for model in settings.models.values():
        if model.task == "binary" and {model.predictions.format, model.labels.format} == {"json"}:
            return model
    raise ConfigError(["models: simulated fraud traffic needs a binary model that reads JSON"])


def _unsent_fields(model: ModelSettings) -> set[str]:
    return {*model.predictions.fields.values(), *model.labels.fields.values()} - SENT_FIELDS
