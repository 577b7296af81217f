"""A FastAPI application behind the middleware, asked as a client would ask it."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry

from hindcast_client import AsgiMiddleware, PredictionLog, ServingMetrics, UsageError
from tests.unit.client.support import Kept
from tests.unit.client.test_metrics import series


class Served:
    """The application, its log and its series."""

    def __init__(self) -> None:
        self.metrics = ServingMetrics("v1", registry=CollectorRegistry())
        self.kept = Kept()
        self.log = PredictionLog("fraud", "v1", transport=self.kept, metrics=self.metrics)
        self.app = application(self.log)
        self.app.add_middleware(
            AsgiMiddleware, metrics=self.metrics, log=self.log, paths=("/predict", "/models/", "/stream")
        )
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://service")


def application(log: PredictionLog) -> FastAPI:
    app = FastAPI()

    @app.get("/predict")
    async def predict(case: str = "") -> dict[str, float]:
        errors = {"raises": TimeoutError(), "refuses": HTTPException(422), "busy": HTTPException(503)}
        if case in errors:
            raise errors[case]
        log.prediction("t-1", score=0.25)
        if case == "late":
            raise KeyError
        return {"score": 0.25}

    @app.get("/models/{name}")
    def model(name: str) -> str:  # in a thread of its own
        log.prediction(name, score=0.5, model_version="v2")
        return name

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            for piece in ("a", "b"):
                yield piece

        return StreamingResponse(pieces())

    @app.get("/healthz")
    async def health() -> str:
        return "ok"

    return app


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.log.close()


async def test_requests_are_counted_by_what_came_of_them(served: Served) -> None:
    cases = ["", "", "raises", "refuses", "busy", "late"]
    codes = [(await served.client.get("/predict", params={"case": case})).status_code for case in cases]
    assert codes == [200, 200, 500, 422, 503, 500]
    found = series(served.metrics)
    assert {
        name: value for name, value in found.items() if name.startswith("prediction") and "latency" not in name
    } == {
        "predictions_total{v1,success}": 2,
        "predictions_total{v1,error}": 3,
        "predictions_total{v1,rejected}": 1,
        "prediction_errors_total{v1,TimeoutError}": 1,
        "prediction_errors_total{v1,http_503}": 1,
        "prediction_errors_total{v1,KeyError}": 1,
    }
    assert found["prediction_latency_seconds_count{}"] == 6
    assert served.metrics.active() == 0


async def test_a_request_that_failed_before_a_prediction_is_a_record_of_its_own(served: Served) -> None:
    for case, name in (("raises", "r-1"), ("late", "r-2"), ("refuses", "r-3")):
        await served.client.get("/predict", params={"case": case}, headers={"X-Request-Id": name})
    await served.client.get("/predict", params={"case": "busy"})
    served.log.close()
    values = served.kept.values()
    assert [(value["status"], value.get("error_type")) for value in values] == [
        ("error", "TimeoutError"),
        ("success", None),  # of the late one: its prediction was made
        ("error", "http_503"),
    ]
    assert [values[0]["prediction_id"], values[1]["prediction_id"]] == ["r-1", "t-1"]
    assert len(values[2]["prediction_id"]) == 32
    assert all(0 < value["latency_ms"] < 5000 for value in values)


async def test_a_path_below_and_an_endpoint_in_a_thread_know_their_request(served: Served) -> None:
    await served.client.get("/models/m-7")
    served.log.close()
    assert series(served.metrics)["predictions_total{v2,success}"] == 1
    assert served.kept.values()[0]["latency_ms"] > 0


async def test_other_paths_are_left_alone_and_a_stream_is_one_request(served: Served) -> None:
    assert (await served.client.get("/healthz")).json() == "ok"
    assert (await served.client.get("/stream")).text == "ab"
    assert series(served.metrics)["prediction_latency_seconds_count{}"] == 1


async def test_metrics_answers_in_the_format_that_is_asked_for(served: Served) -> None:
    await served.client.get("/predict")
    plain = await served.client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert 'predictions_total{model_version="v1",status="success"} 1.0' in plain.text
    openmetrics = await served.client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


async def test_what_is_queued_is_sent_before_the_shutdown_is_complete(served: Served) -> None:
    told = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent_then: list[tuple[str, int]] = []

    async def receive() -> MutableMapping[str, Any]:
        message = next(told)
        served.log.label("t-1", 1)
        return message

    async def send(message: MutableMapping[str, Any]) -> None:
        sent_then.append((message["type"], served.log.counts.sent))

    await served.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert [kind for kind, _ in sent_then] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sent_then[-1][1] == 2
    assert not served.log.label("t-2", 1)


def test_one_text_for_paths_is_refused(served: Served) -> None:
    with pytest.raises(UsageError, match=r"^paths: several, as a list, not one text \('/predict'\)$"):
        AsgiMiddleware(served.app, metrics=served.metrics, paths="/predict")
