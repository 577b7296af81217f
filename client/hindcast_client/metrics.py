"""`ServingMetrics`: the Prometheus series of a serving process, and a decorator that measures calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from hindcast_client.errors import UsageError
from hindcast_client.request import Request, current_request

if TYPE_CHECKING:
    from hindcast_client.log import PredictionLog

P = ParamSpec("P")
R = TypeVar("R")

LATENCY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0)
CONFIDENCE_BUCKETS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class ServingMetrics:
    """One object a process. Each request is counted once, by the outermost of middleware and decorator.

    model_version: what requests count under of which no prediction was logged. Raises UsageError where the registry
    has series of these names already.
    """

    def __init__(self, model_version: str, *, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry, self._version = registry, model_version
        try:
            self._make_series()
        except ValueError as error:
            raise UsageError(
                f"ServingMetrics: make one a process, or give it a registry of its own ({error})"
            ) from None
        self._logs = _LogCounts()
        registry.register(self._logs)
        self._children: dict[tuple[str, str], Counter] = {}

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
        return next(sample.value for family in self.active_requests.collect() for sample in family.samples)

    def observe_confidence(self, score: float | None, scores: Mapping[str, float] | None) -> None:
        """The greater one of a binary score and what it leaves; the greatest of several classes' scores."""
        if scores:
            self.confidence.observe(max(scores.values()))
        elif score is not None:
            self.confidence.observe(max(score, 1.0 - score))

    def count(self, request: Request, seconds: float) -> None:
        """A request has ended."""
        self.active_requests.dec()
        self.latency.observe(seconds)
        place = request.model_version, request.status
        child = self._children.get(place)
        if child is None:  # finding a child takes as long as counting in it
            child = self._children[place] = self.predictions.labels(*place)
        child.inc()
        if request.status == "error":
            self.errors.labels(request.model_version, request.error_type).inc()

    def show_counts_of(self, log: PredictionLog) -> None:
        """`hindcast_client_records_total` of this log, too."""
        self._logs.shown.append(log)


class _LogCounts(Collector):
    """Reads the logs' own counts when it is asked, so that counting costs a request nothing."""

    def __init__(self) -> None:
        self.shown: list[PredictionLog] = []

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(
            "hindcast_client_records", "Records offered to the prediction log, by outcome.", labels=["model", "outcome"]
        )
        for log in self.shown:
            counts = log.counts
            outcomes = {"sent": counts.sent, "fallback": counts.fallback, **counts.dropped}
            for outcome, count in outcomes.items():
                family.add_metric([log.model, outcome], count)
        yield family
