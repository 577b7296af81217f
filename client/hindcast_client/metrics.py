"""`ServingMetrics`: the Prometheus series of a serving process, and a decorator that measures calls."""

from __future__ import annotations

import functools
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from hindcast_client.errors import UsageError
from hindcast_client.forks import tell_after_fork
from hindcast_client.request import Request, current_request

if TYPE_CHECKING:
    from hindcast_client.log import PredictionLog

P = ParamSpec("P")
R = TypeVar("R")

LATENCY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0)
PENDING_MAX: Final = 200
CONFIDENCE_BUCKETS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class ServingMetrics:
    """One object a process. Each request is counted once, by the outermost of middleware and decorator.

    model_version: what requests count under of which no prediction was logged. Raises UsageError where the registry
    has series of these names already.

    Counting is put off until somebody looks, or `PENDING_MAX` requests have ended: in the middle of a request, where
    nothing of it is in the processor's caches, it would take five times as long.
    """

    def __init__(self, model_version: str, *, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry, self._version = registry, model_version
        self._first = _First(self)
        try:
            registry.register(self._first)  # before the others, so that it is asked before them
            self._make_series()
        except ValueError as error:
            raise UsageError(
                f"ServingMetrics: make one a process, or give it a registry of its own ({error})"
            ) from None
        self._children: dict[tuple[str, str], Counter] = {}
        self.after_fork()
        tell_after_fork(self)

    def after_fork(self) -> None:
        """In the child: the parent counts its own requests."""
        self._pending: deque[Request] = deque()
        self.being_served: set[Request] = set()

    def _make_series(self) -> None:
        registry = self.registry
        self.predictions = Counter(
            "predictions_total", "Requests for a prediction.", ["model_version", "status"], registry=registry
        )
        self.errors = Counter(
            "prediction_errors_total",
            "Requests that ended in an error, by its type.",
            ["model_version", "error_type"],
            registry=registry,
        )
        self.latency = Histogram(
            "prediction_latency_seconds",
            "From the request's arrival to the end of its answer.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.confidence = Histogram(
            "model_confidence", "Score of the class predicted.", buckets=CONFIDENCE_BUCKETS, registry=registry
        )
        self.input_problems = Counter(
            "input_problems_total", "What was wrong with features.", ["feature", "kind"], registry=registry
        )
        self.answers = Counter(
            "predictor_answers_total",
            "Which predictor answered, and why it was not the primary one.",
            ["answered_by", "reason"],
            registry=registry,
        )
        self.active_requests = Gauge(
            "active_requests", "Requests being served.", multiprocess_mode="livesum", registry=registry
        )

    def request(self) -> Request:
        """A context in which a request is served."""
        return Request(self, self._version)

    def measured(self, function: Callable[P, R]) -> Callable[P, R]:
        """A decorator for functions and coroutine functions. Within a request that is measured it does nothing."""
        if inspect.iscoroutinefunction(function):
            return cast("Callable[P, R]", self._measured_coroutine(function))

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if current_request() is not None:
                return function(*args, **kwargs)
            with self.request():
                return function(*args, **kwargs)

        return call

    def _measured_coroutine(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if current_request() is not None:
                return await function(*args, **kwargs)
            with self.request():
                return await function(*args, **kwargs)

        return call

    def active(self) -> float:
        """How many requests are being served, in this process."""
        return len(self.being_served)

    def observe_confidence(self, fields: Mapping[str, Any]) -> None:
        """Of a prediction's fields: the greatest of several classes' scores; of a binary one, it or what it leaves."""
        score, scores = fields["score"], fields["scores"]
        if scores:
            self.confidence.observe(max(scores.values()))
        elif score is not None and 0.0 <= (number := float(score)) <= 1.0:
            self.confidence.observe(max(number, 1.0 - number))

    def ended(self, request: Request) -> None:
        """A request has ended; it is counted soon."""
        self.being_served.discard(request)
        self._pending.append(request)
        if len(self._pending) >= PENDING_MAX:
            self.settle()

    def settle(self) -> None:
        """Count all requests that have ended."""
        with suppress(IndexError):  # several threads may be at it
            while True:
                self._count(self._pending.popleft())
        self.active_requests.set(len(self.being_served))

    def _count(self, request: Request) -> None:
        self.latency.observe(request.seconds)
        place = request.model_version, request.status
        child = self._children.get(place)
        if child is None:  # finding a child takes as long as counting in it
            child = self._children[place] = self.predictions.labels(*place)
        child.inc()
        if request.status == "error":
            self.errors.labels(request.model_version, request.error_type).inc()

    def show_counts_of(self, log: PredictionLog) -> None:
        """`hindcast_client_records_total` of this log, too."""
        self._first.logs.append(log)


class _First(Collector):
    """Counts what is pending before the other series are read, and shows the logs' own counts."""

    def __init__(self, metrics: ServingMetrics) -> None:
        self._metrics = metrics
        self.logs: list[PredictionLog] = []

    def describe(self) -> Iterable[CounterMetricFamily]:
        return [self._family()]  # asked at registration, when there is nothing to collect yet

    def collect(self) -> Iterable[CounterMetricFamily]:
        self._metrics.settle()
        family = self._family()
        for log in self.logs:
            counts = log.counts
            outcomes = {"sent": counts.sent, "fallback": counts.fallback, **counts.dropped}
            for outcome, count in outcomes.items():
                family.add_metric([log.model, outcome], count)
        return [family]

    @staticmethod
    def _family() -> CounterMetricFamily:
        return CounterMetricFamily(
            "hindcast_client_records", "Records offered to the prediction log, by outcome.", labels=["model", "outcome"]
        )
