"""A fraud model behind FastAPI that Hindcast watches.

Run with `uvicorn --factory examples.fraud_service.service:create_app`; settings come from the environment (Settings).
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

from examples.fraud_service import model
from hindcast_client import (
    AsgiMiddleware,
    DecisionWatcher,
    Heartbeat,
    InputChecks,
    KafkaTransport,
    PredictionLog,
    Predictor,
    Privacy,
    RobustPredictor,
    ServingMetrics,
)

VERSION = "lr_v1"
THRESHOLD = 0.5
BASELINE = Path(__file__).with_name("baseline.json")


@dataclass(frozen=True)
class Settings:
    """Where the broker is and what the topics are called; a key if ids are to leave as hashes only."""

    bootstrap: str = "localhost:9092"
    predictions: str = "fraud_predictions"
    labels: str = "fraud_labels"
    heartbeats: str = "hindcast-heartbeats"
    decisions: str = "hindcast-decisions"
    id_key: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """FRAUD_BOOTSTRAP, FRAUD_PREDICTIONS and so on; what is not there keeps its default."""
        prefix = "FRAUD_"
        return cls(
            **{
                field: environment[prefix + field.upper()]
                for field in cls.__dataclass_fields__
                if prefix + field.upper() in environment
            }
        )


class Transaction(BaseModel):
    """What is asked: is this fraud?"""

    transaction_id: str
    amount: float | None
    night: bool
    country: str


class Outcome(BaseModel):
    """What was really so, minutes or weeks later."""

    transaction_id: str
    fraud: bool


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, with everything that watches it."""
    settings = settings or Settings.of(os.environ)
    began = time.monotonic()
    metrics = ServingMetrics(VERSION)
    decisions = DecisionWatcher(settings.bootstrap, "fraud", topic=settings.decisions)
    robust = RobustPredictor(
        Predictor(VERSION, model.primary),
        Predictor("rule", model.rule),
        checks=InputChecks.of_file(BASELINE, metrics=metrics),
        decisions=decisions,
        metrics=metrics,
    )
    log = PredictionLog(
        "fraud",
        VERSION,
        transport=KafkaTransport(settings.bootstrap),
        predictions=settings.predictions,
        labels=settings.labels,
        heartbeats=settings.heartbeats,
        privacy=Privacy(settings.id_key, hash_ids=True) if settings.id_key else None,
        metrics=metrics,
    )
    heartbeat = Heartbeat(log, metrics=metrics, model_load_seconds=time.monotonic() - began)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with heartbeat, decisions:
            yield  # the middleware closes the log

    app = FastAPI(title="Fraud", lifespan=lifespan)
    app.add_middleware(AsgiMiddleware, metrics=metrics, log=log, paths=("/predict",))
    _add_endpoints(app, log, robust)
    return app


def _add_endpoints(app: FastAPI, log: PredictionLog, robust: RobustPredictor[float]) -> None:
    @app.post("/predict")
    async def predict(transaction: Transaction) -> dict[str, float | bool | str]:
        features = transaction.model_dump(exclude={"transaction_id"})
        answer = robust.predict(features)
        is_fraud = answer.value >= THRESHOLD
        log.prediction(
            transaction.transaction_id,
            score=answer.value,
            prediction=is_fraud,
            features=features,
            model_version=answer.model_version,
        )
        return {"score": answer.value, "fraud": is_fraud, "model_version": answer.model_version}

    @app.post("/feedback", status_code=202)
    async def feedback(outcome: Outcome) -> None:
        log.label(outcome.transaction_id, outcome.fraud)
