"""The oracle against cases counted by hand."""

import math

import orjson
import pytest

from tests.support.compare import compare, compare_all
from tests.support.recount import Expected, recount
from tests.support.recount_records import Raw, Rules

START = 1_763_000_040_000  # a whole minute: 2025-11-13T02:14:00Z
TIME = "2025-11-13T02:14:{:06.3f}Z"
RULES = Rules(horizon_ms=600_000)


def prediction(id_: str, second: float = 1, offset: int = 0, partition: int = 0, **fields: object) -> Raw:
    found = {
        "transaction_id": id_,
        "timestamp": TIME.format(second),
        "predicted_fraud_score": 0.8,
        "predicted_fraud": True,
        "model_version": "v1",
        **fields,
    }
    return Raw("predictions", partition, offset, orjson.dumps(found))


def label(id_: str, truth: object = True, second: float = 2, offset: int = 0) -> Raw:
    value = orjson.dumps({"transaction_id": id_, "actual_fraud": truth, "label_time": TIME.format(second)})
    return Raw("labels", 0, offset, value)


def only(*records: Raw, rules: Rules = RULES) -> Expected:
    windows = recount(records, rules).windows
    assert set(windows) == {(START, "fraud", "v1", "")}
    return windows[START, "fraud", "v1", ""]


def test_four_outcomes_give_the_numbers_of_pen_and_paper() -> None:
    cases = [("a", 0.9, True), ("b", 0.6, False), ("c", 0.2, True), ("d", 0.1, False)]
    records = [
        prediction(name, offset=i, predicted_fraud_score=score, predicted_fraud=score >= 0.5)
        for i, (name, score, _) in enumerate(cases)
    ]
    records += [label(name, truth, second=2 + i, offset=i) for i, (name, _, truth) in enumerate(cases)]
    found = only(*records, prediction("e", offset=9))
    assert (found.total, found.labelled, found.correct, found.label_coverage) == (5, 4, 2, 0.8)
    assert found.confusion == {"tp": 1, "fp": 1, "fn": 1, "tn": 1}
    assert found.throughput_per_second == 5 / 60
    for name in ("accuracy", "precision", "recall", "f1", "specificity"):
        assert found.metrics[name] == 0.5
    assert found.metrics["auc"] == 0.75  # of the pairs ab ad cb cd all but cb are in order
    assert found.metrics["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found.metrics["log_loss"] == pytest.approx(-math.log(0.9 * 0.4 * 0.2 * 0.9) / 4)
    assert found.metrics["brier"] == pytest.approx((0.01 + 0.36 + 0.64 + 0.01) / 4)
    assert found.metrics["ece"] == pytest.approx((0.1 + 0.6 + 0.8 + 0.1) / 4)
    assert found.metrics["positive_rate"] == 0.6
    assert found.metrics["mean_score"] == pytest.approx(2.6 / 5)
    assert found.latency_seconds == [1, 2, 3, 4]


def test_a_score_on_a_bin_edge_belongs_to_the_upper_bin_and_one_to_the_last() -> None:
    records = [prediction(str(i), offset=i, predicted_fraud_score=s) for i, s in enumerate((0.3, 0.29, 1.0, 0.0))]
    found = only(*records, *(label(str(i), offset=i) for i in range(4)))
    assert [(row["lower"], row["count"]) for row in found.calibration] == [(0.0, 1), (0.2, 1), (0.3, 1), (0.9, 1)]


def test_without_labels_every_outcome_metric_is_undefined() -> None:
    found = only(prediction("a"))
    undefined = {name for name, value in found.metrics.items() if value is None}
    assert undefined == set(found.metrics) - {"positive_rate", "mean_score"}
    assert found.labelled == 0


def test_one_class_only_leaves_ranking_undefined_but_not_the_losses() -> None:
    found = only(prediction("a"), label("a", truth=True))
    assert found.metrics["auc"] is found.metrics["average_precision"] is found.metrics["specificity"] is None
    assert found.metrics["log_loss"] == pytest.approx(-math.log(0.8))


def test_f1_without_any_hit_is_zero() -> None:
    found = only(prediction("a", predicted_fraud=False), label("a", truth=True))
    assert found.metrics["f1"] == 0
    assert found.metrics["precision"] is None


def test_the_first_prediction_in_source_order_counts_in_whatever_order_they_are_given() -> None:
    first = prediction("a", offset=3, predicted_fraud_score=0.25)
    later = prediction("a", offset=4, predicted_fraud_score=0.75)
    assert only(later, first).metrics["mean_score"] == 0.25
    assert only(first, later).total == 1


def test_different_copies_in_two_partitions_have_no_right_answer() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        only(prediction("a"), prediction("a", partition=1, predicted_fraud_score=0.1))
    assert only(prediction("a"), prediction("a", partition=1, amount=7)).total == 1


def test_every_version_of_an_id_joins_the_same_label() -> None:
    records = [prediction("a"), prediction("a", offset=1, model_version="v2"), label("a")]
    assert {key[2]: found.labelled for key, found in recount(records, RULES).windows.items()} == {"v1": 1, "v2": 1}


def test_the_latest_label_time_wins_not_the_last_to_come() -> None:
    found = only(prediction("a"), label("a", truth=False, second=9), label("a", truth=True, second=5, offset=1))
    assert found.confusion["fp"] == 1
    assert found.latency_seconds == [8]


def test_a_withdrawn_label_leaves_the_prediction_unlabelled() -> None:
    assert only(prediction("a"), label("a", second=2), label("a", truth=None, second=3)).labelled == 0
    assert only(prediction("a"), label("a", truth=None, second=2), label("a", second=3)).labelled == 1


def test_at_equal_times_withdrawal_beats_positive_beats_negative() -> None:
    yes, no, withdrawn = label("a", truth=True), label("a", truth=False), label("a", truth=None)
    assert only(prediction("a"), no, yes).confusion["tp"] == 1
    assert only(prediction("a"), withdrawn, yes, no).labelled == 0


@pytest.mark.parametrize(("late_ms", "labelled"), [(-1, 0), (0, 1), (600_000, 1), (600_001, 0)])
def test_a_label_joins_from_its_event_time_to_the_horizon_inclusive(late_ms: int, labelled: int) -> None:
    value = orjson.dumps({"id": "a", "actual": 1, "label_time": START + 5_000 + late_ms})
    assert only(prediction("a", second=5), Raw("labels", 0, 0, value)).labelled == labelled


def test_label_skew_admits_labels_timed_before_the_event() -> None:
    records = (prediction("a", second=5), label("a", second=4))
    assert only(*records).labelled == 0
    assert only(*records, rules=Rules(label_skew_ms=1_000)).labelled == 1


def test_a_label_out_of_the_horizon_does_not_hide_one_within() -> None:
    far = orjson.dumps({"transaction_id": "a", "actual_fraud": False, "label_time": START + 10**9})
    assert only(prediction("a"), label("a"), Raw("labels", 0, 1, far)).confusion["tp"] == 1


def test_windows_floor_the_event_time_to_milliseconds() -> None:
    inside = prediction("a", timestamp="2025-11-13T02:14:59.999999Z")
    after = prediction("b", offset=1, timestamp="2025-11-13T02:15:00.000Z")
    assert {key[0] for key in recount([inside, after], RULES).windows} == {START, START + 60_000}


def test_segments_are_slices_of_their_own_and_add_up() -> None:
    records = [prediction("a", country="DE"), prediction("b", offset=1, country="FR"), prediction("c", offset=2)]
    found = recount(records, Rules(segments=("country",))).windows
    assert {key[3]: expected.total for key, expected in found.items()} == {
        "": 3,
        "country=DE": 1,
        "country=FR": 1,
        "country=": 1,
    }


def test_the_threshold_decides_only_where_no_prediction_stands() -> None:
    unsaid = prediction("a", predicted_fraud=None, predicted_fraud_score=0.5)
    assert only(unsaid).metrics["positive_rate"] == 1
    assert only(prediction("a", predicted_fraud=False)).metrics["positive_rate"] == 0


def test_bad_records_are_named_and_nothing_else() -> None:
    records = [
        prediction("good"),
        prediction("a", offset=1, predicted_fraud_score=1.7),
        prediction("b", offset=2, timestamp="9999-01-01T00:00:00Z"),
        Raw("predictions", 1, 5, b'{"transaction_id":"\xc3\x28"}'),
        Raw("labels", 0, 7, b"{"),
        label("", offset=8),
    ]
    found = recount(records, RULES)
    assert found.bad == {
        ("predictions", 0, 1),
        ("predictions", 0, 2),
        ("predictions", 1, 5),
        ("labels", 0, 7),
        ("labels", 0, 8),
    }
    assert found.predictions == 1


def _record(found: Expected) -> dict[str, object]:
    summary = dict.fromkeys(("mean", "p50", "p95", "p99", "max"), found.latency_seconds[-1])
    return {
        "window_start": "2025-11-13T02:14:00Z",
        "model": "fraud",
        "model_version": "v1",
        "segment": "",
        "span": "60s",
        "revision": 1,
        "final": True,
        "total": found.total,
        "labelled": found.labelled,
        "correct": found.correct,
        "label_coverage": found.label_coverage,
        "throughput_per_second": found.throughput_per_second,
        "confusion": dict(found.confusion),
        "metrics": dict(found.metrics),
        "calibration": [dict(row) for row in found.calibration],
        "label_latency_seconds": summary,
        "binning_error": {"auc": 0.01, "average_precision": 0.01},
    }


def test_compare_finds_nothing_in_an_equal_record_and_each_change_in_another() -> None:
    counted = recount([prediction("a"), label("a"), prediction("b", offset=1), label("b", truth=False)], RULES)
    (found,) = counted.windows.values()
    record = _record(found)
    assert compare_all([record], counted) == []
    changes: list[dict[str, object]] = [
        {"total": 3},
        {"confusion": {"tp": 1, "fp": 0, "fn": 0, "tn": 1}},
        {"metrics": found.metrics | {"auc": 0.52}},
        {"metrics": found.metrics | {"brier": (found.metrics["brier"] or 0) + 2e-9}},
        {"metrics": found.metrics | {"recall": None}},
        {"calibration": []},
        {"label_latency_seconds": None},
    ]
    for change in changes:
        assert len(compare(record | change, found)) == 1, change
    assert compare(record | {"metrics": found.metrics | {"auc": 0.505}}, found) == []


def test_compare_all_names_missing_surplus_and_provisional_windows() -> None:
    counted = recount([prediction("a"), label("a")], RULES)
    (found,) = counted.windows.values()
    other = _record(found) | {"segment": "country=DE"}
    assert len(compare_all([other], counted)) == 2
    stale = _record(found) | {"revision": 0, "total": 9}
    assert compare_all([stale, _record(found)], counted) == []
    assert compare_all([_record(found) | {"final": False}], counted) != []
