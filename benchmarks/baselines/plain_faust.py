"""The job as an ordinary Faust application: one event at a time, two tables on RocksDB with their changelogs.

    python -m benchmarks.baselines.plain_faust BOOTSTRAP PREDICTIONS LABELS OUTPUT APPLICATION DATA_DIRECTORY PARTITIONS

Predictions and labels are joined by their id, on topics that are keyed by it, and counted per (minute, model
version); changed windows leave once a second from a timer. Faust's defaults stand (at least once, commit every
2.8 s, orjson where it is installed) except three that cost much speed: the producer lingers and batches, and debug
logging is off at its root. Counters are those of one partition: merging them would be a further topic and agent, and
is left out in the baseline's favour. Prints ``progress N`` until it is stopped.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import TypedDict

import faust

SEPARATOR = "|"


class Prediction(faust.Record, serializer="json"):
    transaction_id: str
    event_time: str
    model_version: str
    predicted_fraud_score: float
    predicted_fraud: bool


class Label(faust.Record, serializer="json"):
    transaction_id: str
    label_time: str
    actual_fraud: bool


class Row(TypedDict, total=False):
    """What is known of one id."""

    window: str
    score: float
    predicted: bool
    actual: bool


class Window(TypedDict):
    """Counters of one (minute, model version)."""

    total: int
    labelled: int
    tp: int
    fp: int
    fn: int
    tn: int
    score_sum: float
    squared_error_sum: float


def empty_window() -> Window:
    return Window(total=0, labelled=0, tp=0, fp=0, fn=0, tn=0, score_sum=0.0, squared_error_sum=0.0)


def window_key(prediction: Prediction) -> str:
    """Minute, model version and the partition that counts them."""
    event = faust.current_event()
    partition = event.message.partition if event else 0
    minute = datetime.fromisoformat(prediction.event_time).astimezone(UTC).replace(second=0, microsecond=0)
    return SEPARATOR.join((minute.isoformat(), prediction.model_version, str(partition)))


def add_outcome(window: Window, row: Row) -> None:
    """Count a row that has both its prediction and its label."""
    predicted, actual = row["predicted"], row["actual"]
    window["labelled"] += 1
    window["squared_error_sum"] += (row["score"] - actual) ** 2
    if predicted:
        window["tp" if actual else "fp"] += 1
    else:
        window["fn" if actual else "tn"] += 1


class Job:
    """The tables, and what an event does to them."""

    def __init__(self, app: faust.App, partitions: int) -> None:
        self._rows = app.Table("rows", partitions=partitions)
        self._windows = app.Table("windows", partitions=partitions)
        self.changed: dict[str, Window] = {}
        self.done = 0

    def add_prediction(self, prediction: Prediction) -> None:
        """The first prediction of an id counts; later ones are duplicates."""
        self.done += 1
        row: Row = self._rows.get(prediction.transaction_id) or Row()
        if "window" in row:
            return
        key = row["window"] = window_key(prediction)
        row["score"], row["predicted"] = prediction.predicted_fraud_score, prediction.predicted_fraud
        window: Window = self._windows.get(key) or empty_window()
        window["total"] += 1
        window["score_sum"] += row["score"]
        if "actual" in row:
            add_outcome(window, row)
        self._rows[prediction.transaction_id] = row
        self._update(key, window)

    def add_label(self, label: Label) -> None:
        """The first label of an id counts; it may come before the prediction."""
        self.done += 1
        row: Row = self._rows.get(label.transaction_id) or Row()
        if "actual" in row:
            return
        row["actual"] = label.actual_fraud
        self._rows[label.transaction_id] = row
        if "window" in row:
            window: Window = self._windows[row["window"]]
            add_outcome(window, row)
            self._update(row["window"], window)

    def _update(self, key: str, window: Window) -> None:
        self._windows[key] = window
        self.changed[key] = window


def create_app(bootstrap: str, application: str, directory: str, partitions: int) -> faust.App:
    return faust.App(
        application,
        broker=f"kafka://{bootstrap}",
        store="rocksdb://",
        datadir=directory,
        topic_partitions=partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        producer_linger=0.1,
        producer_max_batch_size=256 << 10,
        web_enabled=False,
    )


def register(app: faust.App, job: Job, predictions: str, labels: str, output: str) -> None:
    """Declare the topics, one agent on each input, and the two timers."""
    prediction_topic = app.topic(predictions, key_type=str, key_serializer="raw", value_type=Prediction)
    label_topic = app.topic(labels, key_type=str, key_serializer="raw", value_type=Label)
    metrics_topic = app.topic(output, key_type=str, key_serializer="raw", value_serializer="json")

    async def on_predictions(stream: faust.StreamT[Prediction]) -> None:
        async for prediction in stream:
            job.add_prediction(prediction)

    async def on_labels(stream: faust.StreamT[Label]) -> None:
        async for label in stream:
            job.add_label(label)

    async def emit() -> None:
        leaving, job.changed = job.changed, {}
        for key, window in leaving.items():
            await metrics_topic.send(key=key, value={"window": key, **window})

    async def progress() -> None:
        print("progress", job.done, flush=True)

    app.agent(prediction_topic)(on_predictions)
    app.agent(label_topic)(on_labels)
    app.timer(1.0)(emit)
    app.timer(0.2)(progress)


def main() -> None:
    bootstrap, predictions, labels, output, application, directory, partitions = sys.argv[1:]
    app = create_app(bootstrap, application, directory, int(partitions))
    register(app, Job(app, int(partitions)), predictions, labels, output)
    logging.disable(logging.INFO)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
