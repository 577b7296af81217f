"""The verb ``hindcast smoke``: one prediction and its label go in, a metric record has to come out."""

from __future__ import annotations

from uuid import uuid4

import orjson
import typer
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from models.errors import ConfigError, WorldError
from models.metric_record import iso_ms
from models.smoke import SMOKE_MODEL
from runtime import clock
from runtime.ready_workers import await_ready
from runtime.settings import ModelSettings, Settings
from runtime.smoke_model import with_smoke_model
from runtime.topic_reader import TIMEOUT_SECONDS, client_config, concerns_reading, reader_config
from runtime.world import inspect

_SECOND_MS = 1000
_POLL_SECONDS = 0.5
_NEW_TOPIC_SECONDS = 5.0


def run(settings: Settings, workers: str | None, within_seconds: float) -> int:
    """Say what went in and what came out; 0 if all is well.

    workers: HOST:PORT, a name behind which every worker is asked whether it is ready; None: nobody is asked.
    Raises ConfigError if the configuration has no smoke test, WorldError for whatever else keeps it from passing.
    """
    if not settings.smoke_test:
        raise ConfigError(["smoke_test: must be true, for the workers, too"])
    settings = with_smoke_model(settings)
    deadline_seconds = clock.monotonic_seconds() + within_seconds
    if workers is not None:
        for address in await_ready(workers, deadline_seconds):
            typer.echo(f"worker {address} is ready")
    _check_world(settings)
    topic = f"{settings.kafka.topic_prefix}metrics"
    consumer = Consumer(reader_config(settings))
    try:
        _follow(consumer, topic)
        started_seconds = clock.monotonic_seconds()
        at_ms = _send(settings)
        _await_record(consumer, iso_ms(at_ms // _SECOND_MS * _SECOND_MS), deadline_seconds)
        typer.echo(f"its record stood on {topic} after {clock.monotonic_seconds() - started_seconds:.1f} s")
    except KafkaException as error:
        raise WorldError(f"topic {topic}: {error.args[0].str()}") from None
    finally:
        consumer.close()
    return 0


@retry(
    retry=retry_if_exception_type(WorldError),
    wait=wait_fixed(_POLL_SECONDS),
    stop=stop_after_delay(_NEW_TOPIC_SECONDS),
    reraise=True,
)
def _check_world(settings: Settings) -> None:
    """Raises WorldError with all that is wrong; topics that were made just now may take a moment to be told."""
    errors = inspect(settings).errors
    if errors:
        raise WorldError("\n".join(str(problem) for problem in errors))


def _follow(consumer: Consumer, topic: str) -> None:
    """Read what comes from now on. Raises KafkaException."""
    partitions = consumer.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic].partitions
    ends = [
        TopicPartition(topic, p, consumer.get_watermark_offsets(TopicPartition(topic, p), TIMEOUT_SECONDS)[1])
        for p in partitions
    ]
    consumer.assign(ends)


def _send(settings: Settings) -> int:
    """Write a prediction and its label; the time of both. Raises WorldError."""
    model: ModelSettings = settings.models[SMOKE_MODEL]
    at_ms, name = clock.now_ms(), f"smoke-{uuid4()}"
    prediction = {"id": name, "version": "smoke", "event_time": iso_ms(at_ms), "score": 0.9, "prediction": 1}
    label = {"id": name, "actual": 1, "label_time": iso_ms(at_ms)}
    faults: list[str] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        faults.extend([] if error is None else [f"topic {message.topic()}: {error.str()}"])

    producer = Producer(client_config(settings) | {"acks": "all", "allow.auto.create.topics": False})
    for topic, record in ((model.predictions.topic, prediction), (model.labels.topic, label)):
        producer.produce(topic, orjson.dumps(record), on_delivery=delivered)
    if producer.flush(TIMEOUT_SECONDS) or faults:
        producer.purge()
        raise WorldError("\n".join(faults) or "the broker took neither prediction nor label")
    typer.echo(f"prediction and label written to {model.predictions.topic} and {model.labels.topic}")
    return at_ms


def _await_record(consumer: Consumer, window_start: str, deadline_seconds: float) -> None:
    """Wait for the record of that window, with its label. Raises WorldError if it does not come in time."""
    of_smoke, seen = f"{SMOKE_MODEL}|".encode(), "none"
    while clock.monotonic_seconds() < deadline_seconds:
        message = consumer.poll(_POLL_SECONDS)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF and concerns_reading(error):  # noqa: SLF001  # its public code
                raise WorldError(f"topic {message.topic()}: {error.str()}")
            continue
        if not (message.key() or b"").startswith(of_smoke) or message.value() is None:
            continue
        record = orjson.loads(message.value() or b"")
        if record["window_start"] != window_start:
            continue
        if record["labelled"] == record["correct"] == 1:
            return
        seen = f"one with total {record['total']}, labelled {record['labelled']}, correct {record['correct']}"
    raise WorldError(
        f"no metric record of the prediction and its label came in time, but {seen} "
        "(does a worker with the role ingest run, with smoke_test: true?)"
    )
