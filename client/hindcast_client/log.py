"""`PredictionLog`: what a serving process tells of its predictions, and of the labels that come back."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, SupportsFloat

from hindcast_client.bounded_queue import BoundedQueue, Counts, WhenFull
from hindcast_client.errors import UsageError
from hindcast_client.forks import tell_after_fork
from hindcast_client.privacy import Privacy
from hindcast_client.records import Fields, Id, Kind, RecordEncoder, Topics
from hindcast_client.request import current_request
from hindcast_client.sender import Offered, Sender
from hindcast_client.transports.base import Transport
from hindcast_client.transports.standard_logging import LoggingTransport

if TYPE_CHECKING:
    from hindcast_client.metrics import ServingMetrics

QUEUE_MAX: Final = 10_000
FLUSH_SECONDS: Final = 5.0


class PredictionLog:
    """Takes records from requests, without waiting or failing, and sends them from a thread of its own.

    ::

        log = PredictionLog("fraud", "rf_v2", transport=KafkaTransport("localhost:9092"))
        log.prediction("t-17", score=0.83, prediction=1, features={"amount": 12.5}, segments={"country": "DE"})
        log.label("t-17", 1)

    The methods return whether the record was taken. One that was not, and one that got lost later, is counted by its
    reason (`counts`), and a log line says so once a minute. The thread starts with the first record and sends what is
    left at the interpreter's exit, within `flush_seconds`. Safe for threads; after a fork the child has a queue,
    counts and a thread of its own, and what the parent had queued is the parent's. What is passed in must not be
    changed afterwards, features and segments excepted (they are copied).

    transport: default is Python's logging. fallback: takes what the transport could not deliver.
    predictions, labels, heartbeats: topics; by default ``MODEL_predictions`` and ``MODEL_labels``.
    metrics: is told each prediction's confidence and of what is dropped.
    attach_resources: the values of the last heartbeat go into every prediction record, too.
    Raises UsageError for wrong settings.
    """

    def __init__(
        self,
        model: str,
        model_version: str,
        *,
        transport: Transport | None = None,
        fallback: Transport | None = None,
        predictions: str = "",
        labels: str = "",
        heartbeats: str = "hindcast-heartbeats",
        privacy: Privacy | None = None,
        metrics: ServingMetrics | None = None,
        queue_max: int = QUEUE_MAX,
        when_full: WhenFull = "drop_newest",
        flush_seconds: float = FLUSH_SECONDS,
        attach_resources: bool = False,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        if not model or not isinstance(model, str):
            raise UsageError("PredictionLog: model must be a name")
        for name, given in (("transport", transport), ("fallback", fallback)):
            if given is not None and not hasattr(given, "settle"):
                raise UsageError(f"PredictionLog: {name}: {given!r} is no transport, KafkaTransport(...) is one")
        if not flush_seconds >= 0:
            raise UsageError(f"PredictionLog: flush_seconds: {flush_seconds} is less than 0")
        self.model, self.model_version = model, model_version
        topics = Topics(predictions or f"{model}_predictions", labels or f"{model}_labels", heartbeats)
        self._encoder = RecordEncoder(topics, privacy)
        self._transport, self._fallback = transport or LoggingTransport(), fallback
        self._metrics, self._clock_ns = metrics, clock_ns
        self._queue_max, self._when_full, self._flush_seconds = queue_max, when_full, flush_seconds
        self._attach_resources = attach_resources
        self._begin()
        if metrics is not None:
            metrics.show_counts_of(self)
        tell_after_fork(self)
        atexit.register(self.close)

    def _begin(self) -> None:
        """What belongs to this process."""
        self._queue: BoundedQueue[Offered] = BoundedQueue(self._queue_max, self._when_full)
        self._sender: Sender | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._resources: dict[str, float] | None = None

    def prediction(
        self,
        prediction_id: Id,
        *,
        score: SupportsFloat | None = None,
        prediction: object = None,
        scores: Mapping[str, float] | None = None,
        features: Mapping[str, object] | None = None,
        segments: Mapping[str, object] | None = None,
        embedding: Sequence[float] | None = None,
        value: float | None = None,
        latency_ms: float | None = None,
        status: str = "success",
        error_type: str | None = None,
        event_time: datetime | None = None,
        model_version: str | None = None,
        resources: Mapping[str, float] | None = None,
    ) -> bool:
        """A prediction that was made, or (`status="error"`) was not.

        score: a number of any library. segments: fields that stand at the record's top level. latency_ms: default is
        the time since the request began that `ServingMetrics` measures. event_time: default is now; without an offset
        it is UTC.
        """
        version = self.model_version if model_version is None else model_version
        request = current_request()
        if request is not None:
            so_far_ms = request.logged(version)
            latency_ms = so_far_ms if latency_ms is None else latency_ms
        try:
            fields = {
                "prediction_id": prediction_id,
                "model": self.model,
                "model_version": version,
                "event_time": self._clock_ns() if event_time is None else event_time,
                "score": score,
                "prediction": prediction,
                "scores": scores,
                "features": None if features is None else dict(features),
                "segments": {} if segments is None else dict(segments),
                "embedding": embedding,
                "value": value,
                "latency_ms": latency_ms,
                "status": status,
                "error_type": error_type,
                "resources": self._resources if resources is None and self._attach_resources else resources,
            }
        except Exception:  # noqa: BLE001  # the wrong thing was passed: the request must not suffer for it
            return self._refuse()
        taken = self._queue.offer(("predictions", fields))
        if self._sender is None:
            self._start()
        return taken

    def label(self, prediction_id: Id, actual: object, *, label_time: datetime | None = None) -> bool:
        """What was really so, now or at `label_time`. None withdraws the label; a later one corrects an earlier."""
        at = self._clock_ns() if label_time is None else label_time
        fields = {"prediction_id": prediction_id, "model": self.model, "actual": actual, "label_time": at}
        return self._offer("labels", fields)

    def heartbeat(self, instance: str, resources: Mapping[str, float]) -> bool:
        """How the process is; `Heartbeat` sends these by itself."""
        self._resources = dict(resources)
        fields: dict[str, object] = {"model": self.model, "model_version": self.model_version, "instance": instance}
        return self._offer("heartbeats", fields | {"event_time": self._clock_ns(), "resources": self._resources})

    @property
    def counts(self) -> Counts:
        """What became of the records so far, in this process."""
        return self._queue.tally.counts()

    def close(self, flush_seconds: float | None = None) -> Counts:
        """Send what is left, within so many seconds, and end. Records offered later are dropped and counted."""
        self._queue.close()
        with self._starting:
            self._closed = True
            sender, self._sender = self._sender, None
        if sender is not None:
            sender.stop(self._flush_seconds if flush_seconds is None else flush_seconds)
        never_taken = len(self._queue.take(self._queue_max))  # by a sender that did not start, or broke down
        self._queue.tally.drop("unsent", never_taken)
        atexit.unregister(self.close)
        return self.counts

    def after_fork(self) -> None:
        """In the child: begin anew. What was queued is sent by the parent."""
        was_closed = self._closed
        self._begin()
        if was_closed:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _offer(self, kind: Kind, fields: Fields) -> bool:
        taken = self._queue.offer((kind, fields))
        if self._sender is None:
            self._start()
        return taken

    def _start(self) -> None:
        """Once a process: threads do not outlive a fork, so the first record starts it, not the constructor."""
        with self._starting:
            if self._sender is not None or self._closed:
                return
            sender = Sender(self._queue, self._encoder, self._transport, fallback=self._fallback, metrics=self._metrics)
            with suppress(RuntimeError):  # no more threads, for now or, at the interpreter's end, for good
                sender.start()
                self._sender = sender

    def _refuse(self) -> bool:
        tally = self._queue.tally
        with tally.lock:
            tally.offered += 1
            tally.drop("unusable")
        return False
