"""The service's maths and the recount's, on the same simulated outcomes: `compare` must find nothing."""

import numpy as np
import orjson
import pytest

from metrics.binary import add_outcomes, add_predictions, prepare, zeros
from metrics.layout import COARSE, FINE, Layout
from metrics.result import summarise
from runtime.simulate_options import SimulateOptions
from runtime.traffic import traffic
from tests.support.compare import Record, compare
from tests.support.recount import recount
from tests.support.recount_records import Label, Prediction, Raw, Rules, read_label, read_prediction

START_MS = 1_763_000_040_000
RULES = Rules(window_ms=86_400_000, horizon_ms=86_400_000)


def simulated(seed: int) -> list[Raw]:
    options = SimulateOptions(
        rate=300, seconds=10, seed=seed, fraud_rate=0.1, labelled=0.8, versions=("v",), wait_for_labels=True
    )
    return [Raw(r.topic, 0, i, r.value, r.timestamp_ms) for i, r in enumerate(traffic(options, START_MS))]


def counted(records: list[Raw], layout: Layout) -> Record:
    predictions = [read_prediction(raw, RULES) for raw in records if raw.kind == "predictions"]
    labels = {label.id: label for raw in records if raw.kind == "labels" for label in [read_label(raw, RULES)]}
    pairs = [(prediction, labels[prediction.id]) for prediction in predictions if prediction.id in labels]
    head, cells = zeros(1, layout)
    score, predicted = columns(predictions)
    add_predictions(head, cells, layout, np.zeros(len(score), np.int64), prepare(score, predicted))
    add_pairs(head, cells, layout, pairs)
    return orjson.loads(orjson.dumps(summarise(head[0], cells[0], layout, RULES.window_ms / 1000)))  # type: ignore[no-any-return]


def columns(predictions: list[Prediction]) -> tuple[np.ndarray, np.ndarray]:
    score = [np.nan if p.score is None else p.score for p in predictions]
    return np.array(score), np.array([p.positive for p in predictions], np.int8)


def add_pairs(head: np.ndarray, cells: np.ndarray, layout: Layout, pairs: list[tuple[Prediction, Label]]) -> None:
    score, predicted = columns([prediction for prediction, _ in pairs])
    actual = np.array([bool(label.positive) for _, label in pairs], np.int8)
    latency_ms = np.array([label.label_ms - prediction.event_ms for prediction, label in pairs], np.int64)
    add_outcomes(head, cells, layout, np.zeros(len(pairs), np.int64), prepare(score, predicted, actual, latency_ms))


@pytest.mark.parametrize("layout", [FINE, COARSE])
@pytest.mark.parametrize("seed", range(5))
def test_service_and_recount_agree_on_simulated_outcomes(layout: Layout, seed: int) -> None:
    records = simulated(seed)
    (expected,) = recount(records, RULES).windows.values()
    assert expected.labelled > 2_000
    assert compare(counted(records, layout), expected) == []


def test_service_and_recount_agree_that_nothing_is_known_without_labels() -> None:
    records = [raw for raw in simulated(1) if raw.kind == "predictions"]
    (expected,) = recount(records, RULES).windows.values()
    score, predicted = columns([read_prediction(raw, RULES) for raw in records])
    head, cells = zeros(1, FINE)
    add_predictions(head, cells, FINE, np.zeros(len(score), np.int64), prepare(score, predicted))
    assert compare(summarise(head[0], cells[0], FINE, RULES.window_ms / 1000), expected) == []
