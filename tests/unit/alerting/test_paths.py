from __future__ import annotations

import pytest

from alerting.computed import confidence, error_rate, identical_predictions_log10_probability
from alerting.metric_paths import has_interval, is_known
from alerting.paths import Sighting, compile_path, trials, weight
from tests.unit.alerting.rule_records import record


def read(metric: str, **parts: object) -> list[Sighting]:
    return compile_path(metric).read(record(1, 0.8, **parts), lambda _: None)  # type: ignore[arg-type]


def test_a_bare_name_is_a_metric_with_its_interval_else_a_part_of_the_record() -> None:
    (accuracy,) = read("accuracy")
    assert accuracy[:2] == ("accuracy", 0.8)
    assert accuracy.interval == pytest.approx((0.78, 0.82))
    assert read("metrics.accuracy") == read("accuracy")
    assert read("labelled") == [Sighting("labelled", 1000.0, None)]
    assert read("nothing") == [Sighting("nothing", None, None)]


def test_a_dotted_path_goes_down() -> None:
    latency = {"p95": 0.7}
    assert read("prediction_latency_seconds.p95", prediction_latency_seconds=latency)[0].value == 0.7
    assert read("prediction_latency_seconds.p95") == [Sighting("prediction_latency_seconds.p95", None, None)]
    assert read("prediction_latency_seconds.p95", prediction_latency_seconds=None)[0].value is None


def test_intervals_stand_beside_the_metrics_they_belong_to() -> None:
    estimated = {"metrics": {"auc": 0.8}, "intervals": {"auc": [0.7, 0.9]}}
    assert read("estimated.metrics.auc", estimated=estimated) == [Sighting("estimated.metrics.auc", 0.8, (0.7, 0.9))]


def test_the_slope_of_a_trend_has_an_interval_and_its_average_has_none() -> None:
    trends = {"accuracy": {"moving_average": 0.9, "slope_per_hour": -0.1, "intervals": {"slope_per_hour": [-0.2, 0.0]}}}
    slope, average = "trends.accuracy.slope_per_hour", "trends.accuracy.moving_average"
    assert read(slope, trends=trends) == [Sighting(slope, -0.1, (-0.2, 0.0))]
    assert read(average, trends=trends) == [Sighting(average, 0.9, None)]
    assert has_interval(slope)
    assert not has_interval(average)
    assert is_known(slope)
    assert is_known("trends.throughput_per_second.z")


def test_a_star_stands_for_every_name() -> None:
    features = {"amount": {"psi": 0.3}, "age": {"psi": None}, "new": {}}
    assert read("drift.features.*.psi", drift={"features": features}) == [
        Sighting("drift.features.amount.psi", 0.3, None),
        Sighting("drift.features.age.psi", None, None),
    ]
    assert read("drift.features.*.psi") == []


def test_flags_and_lists_are_numbers_and_what_is_not_finite_is_undefined() -> None:
    quality = {"columns_missing": ["a", "b"], "late": True, "odd": float("inf"), "text": "x"}
    names = ("columns_missing", "late", "odd", "text")
    assert [read(f"quality.{name}", quality=quality)[0].value for name in names] == [2.0, 1.0, None, None]


@pytest.mark.parametrize("metric", ["accuracy", "total", "drift.features.*.psi", "drift.features.a.psi", "none.at.all"])
def test_values_are_what_is_read(metric: str) -> None:
    path = compile_path(metric)
    some = record(1, drift={"features": {"a": {"psi": 0.1}, "b": {"psi": None}, "c": 3}})
    assert path.values is not None
    assert path.values(some) == [sighting.value for sighting in path.read(some, lambda _: None)]


def test_the_trials_of_a_ratio_are_its_own() -> None:
    some = record(1, 0.9, confusion={"tp": 9, "fp": 21, "fn": 3, "tn": 1167})
    assert [trials(some, name) for name in ("accuracy", "precision", "recall", "positive_rate", "auc")] == [
        (900, 1000),
        (9, 30),
        (9, 12),
        (100, 5000),
        None,
    ]
    assert trials(record(1, confusion={"cat": {"dog": 1}}), "precision") is None


def test_a_window_weighs_its_trials_or_its_records() -> None:
    some = record(1, metrics={"rmse": 1.0}, confusion={"tp": 9, "fp": 21, "fn": 3, "tn": 1167})
    names = ("precision", "rmse", "mean_score", "throughput_per_second", "quality.features.a.missing_ratio")
    assert [weight(some, name) for name in names] == [30, 1000, 5000, 1, 5000]


def test_the_error_rate_is_the_share_of_failed_predictions() -> None:
    assert error_rate(record(1, total=200, errors={"timeout": 3, "overload": 1}), lambda _: None) == 0.02
    assert error_rate(record(1), lambda _: None) is None
    assert error_rate(record(1, total=0, errors={"timeout": 1}), lambda _: None) == 1.0


def test_confidence_is_that_in_the_class_that_the_score_speaks_for() -> None:
    bins = [{"count": 3, "mean_score": 0.1}, {"count": 1, "mean_score": 0.7}]
    assert confidence(record(1, calibration=bins), lambda _: None) == pytest.approx((3 * 0.9 + 0.7) / 4)
    assert confidence(record(1, metrics={"mean_confidence": 0.66}), lambda _: None) == 0.66
    assert confidence(record(1, calibration=[]), lambda _: None) is None


@pytest.mark.parametrize(
    ("metrics", "baseline", "expected"),
    [
        ({"positive_rate": 0.0}, {"positive_rate": 0.5}, 200 * -0.30103),
        ({"positive_rate": 1.0}, {"positive_rate": 0.1}, -200.0),
        ({"positive_rate": 1.0}, {"positive_rate": 0.0}, 200 * -9.0),
        ({"positive_rate": 0.0}, {"positive_rate": 0.0}, 0.0),
        ({"positive_rate": 0.5}, {}, 0.0),
        ({"positive_rate": 0.0}, {}, None),
        ({"positive_rate": None}, {"positive_rate": 0.5}, None),
        ({"positive_rate": 0.0, "top_score_share": 1.0}, {"top_score_share": 0.1}, -199.0),
        ({"top_class_share": 1.0}, {"top_class_share": 0.1}, -199.0),
        ({"top_class_share": 1.0, "top_score_share": 0.9}, {"top_class_share": 0.1}, 0.0),
        ({"top_class_share": 1.0, "top_score_share": 1.0}, {"top_class_share": 0.1, "top_score_share": 0.01}, -398.0),
        ({"top_value_share": 1.0}, {"top_class_share": 0.1}, None),
        ({"positive_rate": 0.0, "top_score_share": 0.9}, {"positive_rate": 0.5, "top_score_share": 0.1}, 0.0),
    ],
)
def test_how_likely_the_baseline_makes_it_that_all_are_the_same(
    metrics: dict[str, float | None], baseline: dict[str, float], expected: float | None
) -> None:
    found = identical_predictions_log10_probability(record(1, total=200, metrics=metrics), baseline.get)
    assert found == (None if expected is None else pytest.approx(expected))


def test_scores_in_different_bins_show_that_the_model_is_alive() -> None:
    same = record(1, total=200, metrics={"positive_rate": 0.0}, calibration=[{"count": 1}, {"count": 2}])
    assert identical_predictions_log10_probability(same, {"positive_rate": 0.5}.get) == 0.0


def test_up_to_a_hundred_the_same_say_nothing() -> None:
    same = record(1, total=100, labelled=10, metrics={"positive_rate": 0.0})
    assert identical_predictions_log10_probability(same, {"positive_rate": 0.5}.get) is None
