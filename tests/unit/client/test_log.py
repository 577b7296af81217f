"""What a serving process tells arrives as the service reads it, is counted, and never harms the request."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from hindcast_client import PredictionLog, UsageError
from hindcast_client.sender import Sender
from models.codec import Decoder
from models.mapping import ModelFields
from tests.unit.client.support import Kept, until
from tests.unit.models.support import EVENT_MS, NOW_MS, Consumed

AT_NS = EVENT_MS * 1_000_000
NAIVE = datetime(2026, 11, 21, 9, 58)  # noqa: DTZ001  # that it is read as UTC is what is tested


def logged(kept: Kept, **settings: Any) -> PredictionLog:  # noqa: ANN401  # PredictionLog's own
    return PredictionLog("fraud", "rf_v2", transport=kept, clock_ns=lambda: AT_NS, **settings)


def test_a_prediction_has_the_canonical_names() -> None:
    kept = Kept()
    with logged(kept) as log:
        log.prediction(
            "t-17", score=0.83, prediction=1, features={"amount": 12.5}, segments={"country": "DE"}, latency_ms=4.5
        )
    [record] = kept.records
    assert (record.topic, record.key) == ("fraud_predictions", b"t-17")
    assert kept.values() == [
        {
            "prediction_id": "t-17",
            "model": "fraud",
            "model_version": "rf_v2",
            "event_time": "2026-11-21T09:59:00Z",
            "score": 0.83,
            "prediction": 1,
            "features": {"amount": 12.5},
            "country": "DE",
            "latency_ms": 4.5,
            "status": "success",
        }
    ]


def test_the_service_reads_what_the_client_writes() -> None:
    kept = Kept()
    with logged(kept) as log:
        log.prediction("t-1", score=0.25, segments={"country": "DE"}, event_time=NAIVE)
        log.prediction(2, score=np.float32(0.75), prediction=np.int64(1), features={"amount": np.float64(1)})
        log.label("t-1", 1)
        log.label(2, None, label_time=datetime(2026, 11, 21, 9, 59, 30, tzinfo=UTC))
    by_topic = {
        topic: [Consumed(at, r.value) for at, r in enumerate(kept.records) if r.topic == topic]
        for topic in ("fraud_predictions", "fraud_labels")
    }
    model = ModelFields("fraud", "predictions", segments=("country",))
    predictions = Decoder("p", "predictions", [model]).decode(by_topic["fraud_predictions"], NOW_MS)
    assert predictions.bad == []
    assert list(predictions.ids) == [b"t-1", b"2"]
    assert predictions.time_ms.tolist() == [EVENT_MS - 60_000, EVENT_MS]
    assert predictions.score.tolist() == [0.25, 0.75]
    labels = Decoder("l", "labels", [ModelFields("fraud", "labels")]).decode(by_topic["fraud_labels"], NOW_MS)
    assert labels.bad == []
    assert list(labels.ids) == [b"t-1", b"2"]
    assert labels.time_ms.tolist() == [EVENT_MS, EVENT_MS + 30_000]


def test_features_may_be_changed_after_they_were_logged() -> None:
    kept, features = Kept(), {"amount": 1}
    with logged(kept) as log:
        log.prediction("t-1", score=0.5, features=features)
        features["amount"] = 2
    assert kept.values()[0]["features"] == {"amount": 1}


def test_what_json_cannot_hold_becomes_null_or_a_number() -> None:
    kept = Kept()
    with logged(kept) as log:
        log.prediction(UUID(int=1), score=0.5, features={"a": float("nan"), "b": float("inf"), "c": Decimal("1.5")})
    [value] = kept.values()
    assert value["prediction_id"] == "00000000-0000-0000-0000-000000000001"
    assert value["features"] == {"a": None, "b": None, "c": 1.5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prediction_id": ""},
        {"prediction_id": "x" * 257},
        {"prediction_id": 1.5},
        {"prediction_id": True},
        {"features": "amount=1"},
        {"features": {"a": object()}},
        {"features": {"a": "x" * 300_000}},
        {"event_time": "yesterday"},
        {"segments": 7},
        {"score": "high"},
        {"prediction_id": "lone \ud800 surrogate"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_record_that_cannot_be_sent_is_counted_and_harms_nobody(wrong: dict[str, Any]) -> None:
    kept = Kept()
    with logged(kept) as log:
        fields: dict[str, Any] = {"prediction_id": "t-1", "score": 0.5} | wrong
        log.prediction(**fields)
        log.prediction("good", score=0.5)
    assert [record.key for record in kept.records] == [b"good"]
    assert (log.counts.offered, log.counts.sent, log.counts.dropped) == (2, 1, {"unusable": 1})


def test_what_the_transport_loses_goes_to_the_fallback() -> None:
    lossy, fallback = Kept(reason="undelivered"), Kept()
    with logged(lossy, fallback=fallback) as log:
        log.prediction("t-1", score=0.5)
        log.label("t-1", 1)
    assert [record.key for record in fallback.records] == [b"t-1", b"t-1"]
    assert (log.counts.sent, log.counts.fallback, log.counts.dropped) == (0, 2, {})


def test_what_both_lose_is_dropped_for_the_reason_of_the_second() -> None:
    with logged(Kept(reason="undelivered"), fallback=Kept(reason="disk_full")) as log:
        log.label("t-1", 1)
    assert (log.counts.fallback, log.counts.dropped, log.counts.waiting) == (0, {"disk_full": 1}, 0)


def test_a_transport_that_raises_does_not_end_the_sender() -> None:
    kept = Kept(error=RuntimeError("no"))
    with logged(kept) as log:
        log.label("t-1", 1)
        until(lambda: log.counts.dropped)
        kept.error = None
        log.label("t-2", 1)
    assert log.counts.dropped == {"transport_failed": 1}
    assert [record.key for record in kept.records] == [b"t-2"]


def test_a_transport_without_room_fills_the_queue_and_then_drops() -> None:
    kept = Kept(room_records=0)
    log = logged(kept, queue_max=10)
    taken = [log.label(number, 1) for number in range(15)]
    assert taken == [True] * 10 + [False] * 5
    counts = log.close(flush_seconds=0)
    assert (counts.offered, counts.dropped, counts.waiting) == (15, {"queue_full": 5, "unsent": 10}, 0)


def test_after_the_close_records_are_dropped_and_closing_again_changes_nothing() -> None:
    kept = Kept()
    log = logged(kept)
    assert log.close().offered == 0
    assert not log.label("t-1", 1)
    assert log.close().dropped == {"closed": 1}
    assert kept.opened == 0


def test_where_no_thread_can_start_records_wait_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_sender: Sender) -> None:
        raise RuntimeError("can't start new thread")

    kept = Kept()
    log = logged(kept)
    with monkeypatch.context() as patch:
        patch.setattr(Sender, "start", start)
        assert log.label("t-1", 1)
    log.label("t-2", 1)
    assert log.close().sent == 2


def test_losses_are_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with logged(Kept(reason="undelivered")) as log:
        log.label("t-1", 1)
        log.label("", 1)
    said = [record.getMessage() for record in caplog.records if record.name == "hindcast_client.sender"]
    assert said[-1].startswith("of 2 records so far, not sent: ")
    assert "1 undelivered (as it was told to)" in said[-1]
    assert "1 unusable (labels: an id has 1 to 256 bytes as UTF-8, not 0)" in said[-1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": ""}, "PredictionLog: model must be a name"),
        ({"flush_seconds": -1}, "PredictionLog: flush_seconds: -1 is less than 0"),
        ({"transport": "kafka"}, r"PredictionLog: transport: 'kafka' is no transport, KafkaTransport\(...\) is one"),
        ({"queue_max": 0}, "queue_max: 0 is less than 1"),
    ],
)
def test_wrong_settings_are_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        PredictionLog(**{"model": "fraud", "model_version": "v1"} | settings)
