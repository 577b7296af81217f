"""A Flask application, and a bare WSGI one, behind the middleware."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults

import pytest
from flask import Flask, Response, abort
from prometheus_client import CollectorRegistry

from hindcast_client import PredictionLog, ServingMetrics, WsgiMiddleware, watch_flask
from tests.unit.client.support import Kept
from tests.unit.client.test_metrics import series

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


@pytest.fixture
def metrics() -> ServingMetrics:
    return ServingMetrics("v1", registry=CollectorRegistry())


def flask_application(log: PredictionLog) -> Flask:
    app = Flask("service")

    @app.get("/predict/<case>")
    def predict(case: str) -> Response | dict[str, float]:
        if case == "raises":
            raise TimeoutError
        if case == "refuses":
            abort(422)
        log.prediction(case, score=0.25)
        if case == "stream":
            return Response(iter(["a", "b"]))
        return {"score": 0.25}

    @app.get("/healthz")
    def health() -> str:
        return "ok"

    return app


def test_flask_requests_are_counted_with_the_types_of_their_errors(metrics: ServingMetrics) -> None:
    kept = Kept()
    log = PredictionLog("fraud", "v1", transport=kept, metrics=metrics)
    app = flask_application(log)
    watch_flask(app, metrics=metrics, log=log, paths=["/predict/"])
    client = app.test_client()
    codes = [
        client.get(f"/predict/{case}", buffered=True).status_code for case in ("good", "stream", "raises", "refuses")
    ]
    assert (codes, client.get("/healthz").text) == ([200, 200, 500, 422], "ok")
    assert 'prediction_errors_total{error_type="TimeoutError",model_version="v1"} 1.0' in client.get("/metrics").text
    log.close()
    found = series(metrics)
    assert found["predictions_total{v1,success}"] == 2
    assert found["predictions_total{v1,error}"] == 1
    assert found["predictions_total{v1,rejected}"] == 1
    assert [(value["status"], value.get("error_type")) for value in kept.values()] == [
        ("success", None),
        ("success", None),
        ("error", "TimeoutError"),
    ]


class Answer:
    """Breaks down after its first piece, if it is told to."""

    def __init__(self, *, breaks: bool) -> None:
        self.breaks, self.closed = breaks, False

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        if self.breaks:
            raise ConnectionError

    def close(self) -> None:
        self.closed = True


def ask(middleware: WsgiMiddleware) -> Iterable[bytes]:
    environ: WSGIEnvironment = {"PATH_INFO": "/predict"}
    setup_testing_defaults(environ)

    def start(_status: str, _headers: list[tuple[str, str]], *_error: object) -> Callable[[bytes], object]:
        return lambda _piece: None

    return middleware(environ, start)


@pytest.mark.parametrize(("breaks", "status"), [(False, "success"), (True, "error")])
def test_a_request_lasts_until_its_answer_is_closed(metrics: ServingMetrics, breaks: bool, status: str) -> None:
    answer = Answer(breaks=breaks)

    def app(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])
        return answer

    served = ask(WsgiMiddleware(app, metrics=metrics, paths=["/predict"], metrics_path=""))
    assert metrics.active() == 1
    if breaks:
        with pytest.raises(ConnectionError):
            list(served)
    else:
        assert list(served) == [b"a"]
    assert metrics.active() == 1
    served.close()  # type: ignore[attr-defined]  # PEP 3333: where there is one
    assert answer.closed
    assert series(metrics)[f"predictions_total{{v1,{status}}}"] == 1
    assert metrics.active() == 0


def test_an_application_that_raises_at_once_is_an_error(metrics: ServingMetrics) -> None:
    def app(_environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        ask(WsgiMiddleware(app, metrics=metrics, paths=["/predict"]))
    assert series(metrics)["prediction_errors_total{v1,ValueError}"] == 1
