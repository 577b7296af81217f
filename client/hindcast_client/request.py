"""The request that is being served, for those further in: when it began, and what came of it."""

from __future__ import annotations

import time
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from hindcast_client.log import PredictionLog
    from hindcast_client.metrics import ServingMetrics

_current: ContextVar[Request | None] = ContextVar("hindcast_request", default=None)
current_request = _current.get


class Request:
    """Measures one request as a context manager; `status` is `success`, `error`, `rejected` or `cancelled`."""

    __slots__ = ("_before", "_metrics", "_started", "error_type", "is_logged", "model_version", "seconds", "status")

    def __init__(self, metrics: ServingMetrics, model_version: str) -> None:
        self._metrics, self.model_version = metrics, model_version
        self.status, self.error_type, self.is_logged = "success", "", False

    def __enter__(self) -> Self:
        self._before = _current.get()
        _current.set(self)
        self._metrics.being_served.add(self)
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.failed(kind)
        self.seconds = time.perf_counter() - self._started
        _current.set(self._before)  # not by a token: a WSGI server may end a response in another context
        self._metrics.ended(self)

    def logged(self, model_version: str) -> float:
        """A prediction of this version was logged for it; how long it has been going on, in milliseconds."""
        self.model_version, self.is_logged = model_version, True
        return (time.perf_counter() - self._started) * 1000

    def failed(self, kind: type[BaseException]) -> None:
        """It ended with an exception. What is no Exception (a client that went away) is nobody's error."""
        is_error = issubclass(kind, Exception)
        self.status, self.error_type = ("error", kind.__name__) if is_error else ("cancelled", "")

    def answered(self, code: int) -> None:
        """The HTTP status: 5xx is an error (`http_503`, unless its exception is known), 4xx the caller's own."""
        if code >= 500:
            self.status, self.error_type = "error", self.error_type or f"http_{code}"
        elif code >= 400:
            self.status = "rejected"

    def log_failure(self, log: PredictionLog, request_id: str) -> None:
        """Tell the log of a request that made no prediction, unless its prediction was logged already."""
        if not self.is_logged:
            log.prediction(request_id, status="error", error_type=self.error_type, latency_ms=self.seconds * 1000)
