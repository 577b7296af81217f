"""What `hindcast_client` costs a request: the same FastAPI endpoint without it and with all of it.

Run with `python -m benchmarks.client`; needs no broker. Requests go to the application in this process, one after the
other without a pause, so that no network hides the difference; records go to librdkafka's mock broker.

Columns: CPU time of the thread that serves, in the mean, with the garbage collector's and what changing between threads
costs; the wall time of a request, in the median; CPU time of the whole process, with the sender's thread and
librdkafka's (and the mock broker, which a real process does not have).
Short rounds, in turns. Other programs only ever add to a round: each figure is the lower decile over the rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
from fastapi import FastAPI
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from hindcast_client import AsgiMiddleware, KafkaTransport, PredictionLog, ServingMetrics
from runtime.embedded_broker import EmbeddedBroker

REQUESTS = 100
ROUNDS = 200
COLUMNS = ("its thread, CPU", "wall, median", "process, CPU")
QUIET = 0.1
TARGET_US = 20.0
FEATURES: dict[str, object] = {f"number_{i}": 1.5 * i for i in range(10)} | {f"name_{i}": "abc" for i in range(5)}
BODY = orjson.dumps({"transaction_id": "t-17", "features": FEATURES})
SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/predict",
    "raw_path": b"/predict",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
}


class Transaction(BaseModel):
    """The request."""

    transaction_id: str
    features: dict[str, float | str]


def endpoint(log: PredictionLog | None, metrics: ServingMetrics | None) -> FastAPI:
    """A model of no size behind FastAPI, watched or not."""
    app = FastAPI()

    @app.post("/predict")
    async def predict(transaction: Transaction) -> dict[str, float]:
        score = 0.25
        if log is not None:
            log.prediction(
                transaction.transaction_id,
                score=score,
                prediction=0,
                features=transaction.features,
                segments={"country": "DE"},
            )
        return {"score": score}

    if metrics is not None:
        app.add_middleware(AsgiMiddleware, metrics=metrics, log=log, paths=("/predict",))
    return app


class Cost(NamedTuple):
    """Of one request, in microseconds."""

    thread_cpu: float
    wall_median: float
    process_cpu: float


async def serve(app: FastAPI, requests: int) -> Cost:
    """So many requests, one after the other."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401  # ASGI's
        assert message.get("status", 200) == 200, message

    walls = []
    thread_seconds, process_seconds = time.thread_time(), time.process_time()
    for _ in range(requests):
        began = time.perf_counter()
        await app(dict(SCOPE), receive, send)
        walls.append(time.perf_counter() - began)
    thread_seconds, process_seconds = time.thread_time() - thread_seconds, time.process_time() - process_seconds
    per_request = 1e6 / requests
    return Cost(thread_seconds * per_request, statistics.median(walls) * 1e6, process_seconds * per_request)


def take_turns(apps: Sequence[FastAPI], rounds: int, settle: Callable[[], None]) -> NDArray[np.float64]:
    """Costs [round, app, figure]. Short rounds in turns: what disturbs the machine disturbs both."""
    found = np.empty((rounds, len(apps), len(Cost._fields)))
    for number in range(rounds):
        for place, app in enumerate(apps):
            found[number, place] = asyncio.run(serve(app, REQUESTS))
            settle()
    return found


def main() -> int:
    """Print the table."""
    with EmbeddedBroker() as broker:
        metrics = ServingMetrics("v1", registry=CollectorRegistry())
        log = PredictionLog("fraud", "v1", transport=KafkaTransport(broker.bootstrap), metrics=metrics)

        def settle() -> None:
            while log.counts.waiting:
                time.sleep(0.01)

        apps = [endpoint(None, None), endpoint(log, metrics)]
        take_turns(apps, ROUNDS // 10, settle)  # to warm up
        found = take_turns(apps, ROUNDS, settle)
        counts = log.close()
    without, watched = np.quantile(found, QUIET, axis=0)
    more = watched - without
    print(f"{'µs a request, FastAPI':24}" + "".join(f"{name:>18}" for name in COLUMNS))
    for name, costs in {"without": without, "with": watched, "more": more}.items():
        print(f"{name:24}" + "".join(f"{cost:18.1f}" for cost in costs))
    print(f"{'ratio':24}" + "".join(f"{ratio:18.3f}" for ratio in watched / without))
    reached = "reached" if more[1] <= TARGET_US else "MISSED"
    print(f"Target: a request takes at most {TARGET_US:.0f} µs longer (wall, median): {reached}")
    print(f"Records: {counts.offered} offered, {counts.sent} sent, {sum(counts.dropped.values())} dropped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
