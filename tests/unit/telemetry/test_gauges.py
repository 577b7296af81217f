from typing import Any

from telemetry.cap import Cap
from telemetry.gauges import OwnedGauges
from telemetry.record_gauges import RecordGauges, gauges_of

SLICE = ("fraud", "v1", "", "60s")


def record(**changes: object) -> dict[str, Any]:
    base: dict[str, Any] = {
        "model": "fraud",
        "model_version": "v1",
        "segment": "",
        "span": "60s",
        "window_end": "2026-11-21T10:01:00Z",
        "revision": 3,
        "labelled": 1200,
        "label_coverage": 0.04,
        "metrics": {"accuracy": 0.98, "precision": None, "auc": 0.91, "mean_score": 0.1, "unheard_of": 1.0},
        "label_latency_seconds": {"mean": 1.0, "p50": 2.0, "p95": 3.0, "p99": None, "max": 9.0},
    }
    return base | changes


def shown(gauges: OwnedGauges) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(s.name, tuple(s.labels.values())): s.value for m in gauges.collect() for s in m.samples}


def accuracy_of(gauges: OwnedGauges) -> float | None:
    return shown(gauges).get(("ml_model_accuracy", SLICE))


def test_a_records_gauges_are_its_defined_values_and_the_windows_end() -> None:
    told = gauges_of(record(maturity=0.9))
    assert dict((name, labels) for name, labels, _ in told)["ml_model_auc"] == SLICE  # noqa: C402
    assert sorted((name, labels[4:], value) for name, labels, value in told) == [
        ("ml_label_latency_seconds", ("0.5",), 2.0),
        ("ml_label_latency_seconds", ("0.95",), 3.0),
        ("ml_model_accuracy", (), 0.98),
        ("ml_model_auc", (), 0.91),
        ("ml_model_label_coverage", (), 0.04),
        ("ml_model_label_maturity", (), 0.9),
        ("ml_model_mean_score", (), 0.1),
        ("ml_model_window_end_timestamp_seconds", (), 1_795_255_260.0),
    ]


def test_resources_and_slopes_are_shown_by_name_where_they_are_defined() -> None:
    trends = {
        "windows": 60,
        "throughput_per_second": {"moving_average": 5.0, "slope_per_hour": -0.5, "newest": 4.0, "z": None},
        "accuracy": {"moving_average": 0.9, "slope_per_hour": None, "intervals": {"slope_per_hour": None}},
    }
    hour = record(labelled=0, metrics={}, resources={"cpu_ratio": {"mean": 0.5, "p95": 0.9}}, trends=trends)
    gauges = OwnedGauges(Cap(10))
    RecordGauges(gauges).show(0, hour)
    assert shown(gauges) == {
        ("ml_model_resource", (*SLICE, "cpu_ratio", "mean")): 0.5,
        ("ml_model_resource", (*SLICE, "cpu_ratio", "p95")): 0.9,
        ("ml_model_trend_slope_per_hour", (*SLICE, "throughput_per_second")): -0.5,
        ("ml_model_label_coverage", SLICE): 0.04,
    }


def test_a_regression_shows_its_errors() -> None:
    price = record(metrics={"mse": 4.0, "rmse": 2.0, "mae": 1.5, "r2": -0.25, "bias": 0.5})
    found = {name: value for name, _, value in gauges_of(price) if name.startswith("ml_model_")}
    assert {name: found[f"ml_model_{name}"] for name in ("rmse", "mae", "r2")} == {"rmse": 2, "mae": 1.5, "r2": -0.25}
    assert "ml_model_mse" not in found


def test_of_several_classes_the_weighted_averages_are_shown() -> None:
    pets = record(metrics={"accuracy": 0.9, "precision_weighted": 0.8, "recall_weighted": 0.7, "f1_macro": 0.1})
    found = {name: value for name, _, value in gauges_of(pets) if name.startswith("ml_model_")}
    assert (found["ml_model_precision"], found["ml_model_recall"]) == (0.8, 0.7)
    assert "ml_model_f1" not in found


def watched(**changes: object) -> dict[str, Any]:
    features = {"amount": {"psi": 0.2, "ks_pvalue": 0.01}, "country": {"psi": 0.1, "ks_pvalue": None}}
    return record(
        labelled=0,
        metrics={},
        label_latency_seconds={},
        label_coverage=None,
        drift={"over": "1h", "features": features, "score": {"ks_pvalue": 0.5, "psi": 0.03}, "prediction": {"psi": 1}},
        quality={"features": {"amount": {"missing_ratio": 0.02}, "age": {"missing_ratio": None}}},
        **changes,
    )


def test_drift_and_missing_values_are_shown_of_each_feature_and_need_no_labels() -> None:
    gauges = OwnedGauges(Cap(10))
    RecordGauges(gauges).show(0, watched())
    assert shown(gauges) == {
        ("ml_data_drift_psi", (*SLICE, "amount")): 0.2,
        ("ml_data_drift_psi", (*SLICE, "country")): 0.1,
        ("ml_data_drift_ks_pvalue", (*SLICE, "amount")): 0.01,
        ("ml_prediction_drift_ks_pvalue", SLICE): 0.5,
        ("ml_missing_ratio", (*SLICE, "amount")): 0.02,
    }


def test_a_baseline_that_was_taken_away_takes_its_gauges_with_it() -> None:
    gauges = OwnedGauges(Cap(10))
    records = RecordGauges(gauges)
    records.show(0, watched())
    records.show(0, record(window_end="2026-11-21T10:02:00Z", labelled=0, metrics={"mean_score": 0.1}))
    assert {name for name, _ in shown(gauges)} == {"ml_model_mean_score", "ml_model_label_coverage"}


def test_features_beyond_the_cap_are_dropped_and_counted() -> None:
    cap = Cap(3)
    gauges = OwnedGauges(cap)
    features = {f"f{i}": {"missing_ratio": 0.1} for i in range(8)}
    RecordGauges(gauges).show(0, record(quality={"features": features}))
    assert sum(name == "ml_missing_ratio" for name, _ in shown(gauges)) == 3
    assert cap.dropped["ml_missing_ratio"] == 5


def test_a_metric_that_has_become_undefined_is_gone_with_the_next_record() -> None:
    gauges = OwnedGauges(Cap(10))
    records = RecordGauges(gauges)
    records.show(0, record())
    records.show(0, record(revision=4, metrics={"auc": 0.9}))
    assert accuracy_of(gauges) is None
    assert shown(gauges)["ml_model_auc", SLICE] == 0.9


def test_an_older_window_and_an_older_revision_change_nothing() -> None:
    gauges = OwnedGauges(Cap(10))
    records = RecordGauges(gauges)
    records.show(0, record())
    records.show(0, record(window_end="2026-11-21T10:00:00Z", revision=99, metrics={"accuracy": 0.1}))
    records.show(0, record(revision=2, metrics={"accuracy": 0.2}))
    assert accuracy_of(gauges) == 0.98


def test_metrics_wait_for_thirty_labels_while_label_free_ones_move_on() -> None:
    gauges = OwnedGauges(Cap(10))
    records = RecordGauges(gauges)
    records.show(0, record())
    new = record(window_end="2026-11-21T10:02:00Z", labelled=29, metrics={"accuracy": 1.0, "mean_score": 0.7})
    records.show(0, new)
    found = shown(gauges)
    assert found["ml_model_accuracy", SLICE] == 0.98
    assert found["ml_model_window_end_timestamp_seconds", SLICE] == 1_795_255_260.0
    assert found["ml_model_mean_score", SLICE] == 0.7
    records.show(0, new | {"labelled": 30, "revision": 4})
    assert accuracy_of(gauges) == 1.0


def test_a_window_that_loses_its_labels_again_is_not_shown_any_more() -> None:
    gauges = OwnedGauges(Cap(10))
    records = RecordGauges(gauges)
    records.show(0, record())
    records.show(0, record(revision=4, labelled=3))
    assert accuracy_of(gauges) is None


def test_an_owners_gauges_leave_with_it_and_the_others_stay() -> None:
    gauges = OwnedGauges(Cap(10))
    records = RecordGauges(gauges)
    records.show(0, record())
    records.show(1, record(segment="country=DE"))
    records.drop(0)
    assert {labels[2] for _, labels in shown(gauges)} == {"country=DE"}
    records.show(0, record(window_end="2026-11-21T09:00:00Z"))
    assert accuracy_of(gauges) == 0.98


def test_a_slice_is_never_shown_by_two_owners() -> None:
    gauges = OwnedGauges(Cap(10))
    records = RecordGauges(gauges)
    records.show(0, record())
    records.show(1, record(metrics={"accuracy": 0.5}))
    samples = [s for m in gauges.collect() for s in m.samples if s.name == "ml_model_accuracy"]
    assert [s.value for s in samples] == [0.5]
    records.drop(0)
    assert accuracy_of(gauges) == 0.5


def test_gauges_beyond_the_cap_are_dropped_and_counted_and_room_is_used_again() -> None:
    cap = Cap(2)
    gauges = OwnedGauges(cap)
    records = RecordGauges(gauges)
    for owner, version in enumerate(("v1", "v2", "v3")):
        records.show(owner, record(model_version=version))
    versions = {labels[1] for name, labels in shown(gauges) if name == "ml_model_accuracy"}
    assert versions == {"v1", "v2"}
    assert cap.dropped["ml_model_accuracy"] == 1
    records.drop(0)
    records.show(2, record(model_version="v3"))
    assert {labels[1] for name, labels in shown(gauges) if name == "ml_model_accuracy"} == {"v2", "v3"}
