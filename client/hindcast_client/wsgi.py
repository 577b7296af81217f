"""Middleware for Flask, Django and every other WSGI application. Needs none of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hindcast_client.exposition import Paths, expose
from hindcast_client.log import PredictionLog
from hindcast_client.metrics import ServingMetrics
from hindcast_client.request import Request, current_request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask


class WsgiMiddleware:
    """As `AsgiMiddleware`: measures the requests to `paths` until their answers are closed, answers `metrics_path`.

    An exception that the application turned into a 500 counts as `http_500`; `watch_flask` knows its type.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        metrics: ServingMetrics,
        paths: Collection[str],
        log: PredictionLog | None = None,
        metrics_path: str = "/metrics",
    ) -> None:
        self._app, self._metrics, self._log = app, metrics, log
        self._paths, self._metrics_path = Paths(paths), metrics_path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        path = environ.get("PATH_INFO", "")
        if path == self._metrics_path:
            body, content_type = expose(self._metrics, environ.get("HTTP_ACCEPT", ""))
            start_response("200 OK", [("Content-Type", content_type)])
            return [body]
        if path not in self._paths:
            return self._app(environ, start_response)
        serving = _Serving(self._metrics.request(), self._log, environ.get("HTTP_X_REQUEST_ID", ""))
        return serving.run(self._app, environ, start_response)


class _Serving:
    """One request from its call to the close of its answer."""

    def __init__(self, request: Request, log: PredictionLog | None, request_id: str) -> None:
        self._request, self._log, self._request_id = request, log, request_id

    def run(self, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def watched(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:  # noqa: ANN401  # exc_info, passed on
            self._request.answered(int(status.split(" ", 1)[0]))
            return start_response(status, headers, *rest)

        self._request.__enter__()
        try:
            return _Closing(app(environ, watched), self._end)
        except BaseException as error:
            self._end(error)
            raise

    def _end(self, error: BaseException | None) -> None:
        self._request.__exit__(None if error is None else type(error), error, None)
        if self._request.status == "error" and self._log is not None:
            self._request.log_failure(self._log, self._request_id or uuid4().hex)


class _Closing:
    """An answer that tells of its end, which comes with `close`, whether or not it was read to the end."""

    def __init__(self, answer: Iterable[bytes], ended: Callable[[BaseException | None], None]) -> None:
        self._answer, self._ended = answer, ended
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer
        except Exception as error:
            self._error = error
            raise

    def close(self) -> None:
        """Called by the server, once."""
        try:
            if hasattr(self._answer, "close"):
                self._answer.close()
        finally:
            self._ended(self._error)


def watch_flask(
    app: Flask,
    *,
    metrics: ServingMetrics,
    paths: Collection[str],
    log: PredictionLog | None = None,
    metrics_path: str = "/metrics",
) -> None:
    """Put the middleware around a Flask application, which tells it the types of its errors."""
    from flask import got_request_exception

    def note(_app: Flask, exception: BaseException, **_more: object) -> None:
        request = current_request()
        if request is not None:
            request.failed(type(exception))

    got_request_exception.connect(note, app, weak=False)
    middleware = WsgiMiddleware(app.wsgi_app, metrics=metrics, paths=paths, log=log, metrics_path=metrics_path)
    app.wsgi_app = middleware  # type: ignore[method-assign]  # Flask documents just this
