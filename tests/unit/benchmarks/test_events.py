import json
from itertools import pairwise

from benchmarks.harness import events

START_MS, SPAN_MS = 1_760_000_000_000, 600_000
TRAFFIC = events.draw(2_000, START_MS, SPAN_MS, seed=1)


def test_records_are_about_190_bytes() -> None:
    for messages in (events.predictions(TRAFFIC), events.labels(TRAFFIC)):
        sizes = [len(message.value) for message in messages]
        assert 185 <= sum(sizes) / len(sizes) <= 200


def test_every_prediction_has_one_label_under_its_key() -> None:
    predicted = {json.loads(m.value)["transaction_id"]: m.key for m in events.predictions(TRAFFIC)}
    labelled = {json.loads(m.value)["transaction_id"]: m.key for m in events.labels(TRAFFIC)}
    assert len(predicted) == 2_000
    assert predicted == labelled


def test_labels_come_in_the_order_of_their_times_and_after_their_predictions() -> None:
    times_ms = [message.time_ms for message in events.labels(TRAFFIC)]
    assert all(earlier <= later for earlier, later in pairwise(times_ms))
    assert (TRAFFIC.label_ms >= TRAFFIC.event_ms).all()


def test_no_prediction_lies_outside_its_span() -> None:
    assert TRAFFIC.event_ms.min() >= START_MS
    assert TRAFFIC.event_ms.max() < START_MS + SPAN_MS


def test_the_decision_in_the_record_is_that_of_the_score_in_the_record() -> None:
    for message in events.predictions(TRAFFIC):
        value = json.loads(message.value)
        if value["predicted_fraud_score"] != 0.5:
            assert value["predicted_fraud"] == (value["predicted_fraud_score"] > 0.5)


def test_the_same_seed_draws_the_same_traffic() -> None:
    again = events.draw(2_000, START_MS, SPAN_MS, seed=1)
    assert [m.value for m in events.predictions(again)] == [m.value for m in events.predictions(TRAFFIC)]
