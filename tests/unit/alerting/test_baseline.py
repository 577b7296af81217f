from __future__ import annotations

import pytest

from alerting.baseline import Baselines
from alerting.evaluator import Options
from alerting.journal import Journal
from alerting.rule import Condition, Rule
from tests.unit.alerting.rule_records import HOUR, Desk, now, record, rule

DROP = Rule("drop", (Condition("accuracy", "drop_from_baseline", (0.1,)),), segments="all")


def learner(*rules: Rule, windows: int = 2, files: dict[str, dict[str, float]] | None = None) -> Baselines:
    return Baselines(rules, files or {}, windows, {}, Journal())


def test_windows_weigh_as_much_as_their_labels_over_all_versions() -> None:
    baselines = learner(DROP)
    baselines.learn(record(1, 0.9, labelled=300), "fraud", "")
    assert baselines.of("fraud", "")("accuracy") is None
    baselines.learn(record(1, 0.8, labelled=100, version="v2"), "fraud", "")
    assert baselines.of("fraud", "")("accuracy") == pytest.approx(0.875)


def test_an_undefined_value_is_not_a_window() -> None:
    baselines = learner(DROP, windows=1)
    baselines.learn(record(1, None, labelled=0), "fraud", "")
    assert baselines.shown() == []


def test_each_segment_learns_its_own() -> None:
    baselines = learner(DROP, windows=1, files={"fraud": {"accuracy": 0.99}})
    baselines.learn(record(1, 0.9), "fraud", "")
    baselines.learn(record(1, 0.7, segment="s=a"), "fraud", "s=a")
    assert baselines.of("fraud", "")("accuracy") == 0.99
    assert baselines.of("fraud", "s=a")("accuracy") == pytest.approx(0.7)
    assert [(one.segment, one.path) for one in baselines.shown()] == [("s=a", "accuracy")]


def test_every_match_of_a_star_has_its_own() -> None:
    nulls = Rule("nulls", (Condition("quality.features.*.missing_ratio", "rise_from_baseline", (1.0,)),))
    baselines = learner(nulls, windows=1)
    quality = {"features": {"a": {"missing_ratio": 0.1}, "b": {"missing_ratio": 0.2}}}
    baselines.learn(record(1, quality=quality), "fraud", "")
    usual = baselines.of("fraud", "")
    assert [usual(f"quality.features.{name}.missing_ratio") for name in "abc"] == [0.1, 0.2, None]


def test_a_collapse_learns_what_its_probability_rests_on() -> None:
    baselines = learner(rule("c", "identical_predictions_log10_probability", "below", -6.0), windows=1)
    baselines.learn(record(1), "fraud", "")
    assert baselines.of("fraud", "")("positive_rate") == pytest.approx(0.02)


def test_rules_of_rolling_spans_use_what_the_windows_taught() -> None:
    desk = Desk([Rule("drop", DROP.conditions, span="1h")], Options(baseline_windows=1))
    desk.take(record(1, 0.9, final=True))
    assert [e.status for e in desk.take(record(60, 0.8, span="1h", length_ms=HOUR))] == ["firing"]


def test_a_segment_that_is_gone_takes_its_baseline_along() -> None:
    desk = Desk([DROP], Options(baseline_windows=1, max_age_ms=HOUR))
    desk.take(record(1, 0.9, final=True), record(1, 0.9, segment="s=a", final=True))
    desk.take(record(70, 0.9))
    desk.tick(now(70))
    assert [one.segment for one in desk.evaluator.shown()] == [""]
