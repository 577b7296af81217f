"""What the evaluator says of short stories."""

from __future__ import annotations

import orjson
import pytest

from alerting.evaluator import Evaluator, Options
from alerting.rule import Condition, Rule
from alerting.unsent import key_of
from models.metric_record import encode
from tests.unit.alerting.rule_records import HOUR, MINUTE, T0, Desk, now, record, rule, said


def test_a_breach_fires_once_and_resolves_once() -> None:
    desk = Desk([rule(runbook="https://runbooks.example/a", priority="P1", severity="critical")])
    assert desk.take(record(0)) == []
    (fired,) = desk.take(record(1, 0.842))
    assert desk.take(record(2, 0.8)) == []
    (over,) = desk.take(record(3, 0.95))
    assert desk.take(record(4, 0.95)) == []
    assert (fired.status, fired.starts_at_ms, fired.ends_at_ms) == ("firing", T0 + MINUTE, None)
    assert (fired.priority, fired.severity, fired.runbook) == ("P1", "critical", "https://runbooks.example/a")
    assert (fired.value, fired.threshold) == (0.842, 0.9)
    assert fired.interval == pytest.approx((0.822, 0.862))
    assert (over.status, over.starts_at_ms, over.ends_at_ms) == ("resolved", T0 + MINUTE, T0 + 3 * MINUTE)
    assert over.incident == fired.incident
    assert over.value == 0.95


def test_the_summary_tells_value_interval_threshold_window_and_counts() -> None:
    desk = Desk([rule(span="5m")])
    (fired,) = desk.take(record(5, 0.842, span="5m", length_ms=5 * MINUTE, labelled=1203))
    assert fired.summary == "accuracy 0.842 [0.822, 0.862] is below 0.9 in the 5m to 10:05Z (1,203 labelled)"
    (over,) = desk.take(record(6, 0.95, span="5m", length_ms=5 * MINUTE, labelled=1203))
    assert over.summary == "accuracy 0.95 [0.93, 0.97] is not below 0.9 in the 5m to 10:06Z (1,203 labelled)"


def test_the_rule_says_what_it_means_before_the_numbers() -> None:
    desk = Desk([rule(summary="The model is wrong too often")])
    (fired,) = desk.take(record(1, 0.8))
    assert fired.summary.startswith("The model is wrong too often: accuracy 0.8 [")


def test_it_fires_only_after_so_long_without_a_fine_window() -> None:
    desk = Desk([rule(for_ms=2 * MINUTE)])
    assert desk.take(record(1, 0.8), record(2, 0.8), record(3, 0.95), record(4, 0.8), record(5, 0.8)) == []
    (fired,) = desk.take(record(6, 0.8))
    assert fired.starts_at_ms == T0 + 4 * MINUTE


def test_an_unknown_window_neither_breaches_nor_clears() -> None:
    desk = Desk([rule(for_ms=2 * MINUTE, min_labelled=100)])
    assert said(desk.take(record(1, 0.8), record(2, 0.5, labelled=99), record(3, 0.8))) == ["firing"]
    assert desk.take(record(4, 0.99, labelled=99), record(5, None, labelled=0)) == []
    assert said(desk.take(record(6, 0.99))) == ["resolved"]


def test_it_keeps_firing_until_it_was_fine_for_so_long() -> None:
    desk = Desk([rule(keep_firing_ms=2 * MINUTE)])
    desk.take(record(1, 0.8))
    assert desk.take(record(2), record(3), record(4, 0.8), record(5), record(6)) == []
    (over,) = desk.take(record(7))
    assert over.ends_at_ms == T0 + 7 * MINUTE


def test_hysteresis_holds_a_firing_alert_and_starts_none() -> None:
    desk = Desk([rule(resolve=0.93)])
    assert desk.take(record(1, 0.91)) == []
    assert said(desk.take(record(2, 0.89))) == ["firing"]
    assert desk.take(record(3, 0.92)) == []
    assert said(desk.take(record(4, 0.93))) == ["resolved"]


def test_certain_waits_until_the_whole_interval_is_past_the_threshold() -> None:
    desk = Desk([rule(certain=True)])
    assert desk.take(record(1, 0.89)) == []
    assert said(desk.take(record(2, 0.87))) == ["firing"]
    assert desk.take(record(3, 0.89)) == [], "still past it, if not for certain"
    assert said(desk.take(record(4, 0.91))) == ["resolved"]


def test_certain_without_an_interval_is_unknown() -> None:
    desk = Desk([rule(metric="brier", kind="above", certain=True)])
    assert desk.take(record(1, metrics={"brier": 0.99})) == []


def test_a_copy_or_an_older_revision_changes_nothing() -> None:
    desk = Desk([rule()])
    desk.take(record(1, 0.95, revision=3))
    assert desk.take(record(1, 0.5, revision=2), record(1, 0.5, revision=3)) == []
    assert said(desk.take(record(1, 0.5, revision=4))) == ["firing"]


def test_a_revision_within_the_look_back_ends_an_incident_that_never_was() -> None:
    desk = Desk([rule()])
    (fired,) = desk.take(record(1, 0.8))
    (over,) = desk.take(record(1, 0.95, revision=2))
    assert over.incident == fired.incident
    assert over.ends_at_ms is not None
    assert over.ends_at_ms >= over.starts_at_ms


def test_a_revision_behind_the_look_back_is_not_judged() -> None:
    desk = Desk([rule()], Options(alert_lookback_ms=10 * MINUTE))
    desk.take(*(record(minute) for minute in range(20)))
    assert desk.take(record(9, 0.1, revision=2)) == []
    assert said(desk.take(record(10, 0.1, revision=2))) == ["firing", "resolved"]


def test_labels_that_come_later_than_the_look_back_are_judged_all_the_same() -> None:
    desk = Desk([rule(min_labelled=100)], Options(alert_lookback_ms=10 * MINUTE))
    desk.take(*(record(minute, None, labelled=0) for minute in range(200)))
    assert said(desk.take(record(5, 0.5, revision=2))) == ["firing"]


def test_an_incident_that_late_labels_show_is_told_once_with_its_end() -> None:
    desk = Desk([rule()])
    desk.take(record(1), record(2), record(3), record(4))
    fired, over = desk.take(record(2, 0.8, revision=2))
    assert (fired.status, over.status, over.ends_at_ms) == ("firing", "resolved", T0 + 3 * MINUTE)
    assert desk.take(record(3, 0.8, revision=2)) == [], "part of the same incident"
    assert desk.take(record(2, 0.95, revision=3), record(2, 0.8, revision=4)) == []


def test_a_told_incident_that_goes_on_after_all_gets_another_name() -> None:
    desk = Desk([rule()])
    first, over = desk.take(record(1, 0.8), record(2))
    (again,) = desk.take(record(2, 0.8, revision=2))
    assert again.status == "firing"
    assert again.incident != first.incident
    assert again.starts_at_ms >= (over.ends_at_ms or 0)


def test_an_incident_found_while_another_is_open_wakes_nobody() -> None:
    desk = Desk([rule()])
    desk.take(record(1), record(2), record(3), record(4, 0.8))
    assert desk.take(record(2, 0.8, revision=2)) == []
    assert said(desk.take(record(5))) == ["resolved"]
    assert desk.take(record(6)) == []


def test_each_version_and_each_segment_has_its_own_alert() -> None:
    desk = Desk([rule(segments="all")])
    events = desk.take(record(1, 0.8), record(1, 0.8, version="v2"), record(1, 0.8, segment="country=DE"))
    assert len({event.fingerprint for event in events}) == 3
    assert [(e.model_version, e.segment) for e in events] == [("v1", ""), ("v2", ""), ("v1", "country=DE")]


def test_segments_are_left_alone_by_default() -> None:
    assert Desk([rule()]).take(record(1, 0.8, segment="country=DE")) == []


def test_a_rule_judges_its_models_and_its_span_only() -> None:
    desk = Desk([rule(models=("fraud",), span="5m")])
    assert desk.take(record(1, 0.8), record(1, 0.8, model="churn", span="5m", length_ms=5 * MINUTE)) == []
    assert said(desk.take(record(5, 0.8, span="5m", length_ms=5 * MINUTE))) == ["firing"]


def test_a_lagging_span_of_the_windows_length_is_not_the_window() -> None:
    desk = Desk([rule()], Options(window_ms={"*": 5 * MINUTE}))
    assert desk.take(record(5, 0.8, span="5m lag 1h", length_ms=5 * MINUTE)) == []
    assert said(desk.take(record(5, 0.8, span="300s", length_ms=5 * MINUTE))) == ["firing"]


def test_the_current_record_of_a_span_is_judged_at_its_end() -> None:
    desk = Desk([rule(span="1000 labelled", for_ms=MINUTE)])
    events = desk.take(
        record(5, 0.8, span="1000 labelled", length_ms=7 * MINUTE, revision=10),
        record(5, 0.8, span="1000 labelled", length_ms=7 * MINUTE, revision=11),
        record(6, 0.8, span="1000 labelled", length_ms=3 * MINUTE, revision=12),
    )
    assert said(events) == ["firing"]


@pytest.mark.parametrize(
    ("joined", "expected"), [("all", []), ("any", ["firing"]), ("at_least", [])], ids=["all", "any", "at least 2"]
)
def test_conditions_are_joined_on_one_record(joined: str, expected: list[str]) -> None:
    conditions = (Condition("accuracy", "below", (0.9,)), Condition("auc", "below", (0.8,)))
    desk = Desk([Rule("both", conditions, joined=joined, at_least=2)])  # type: ignore[arg-type]
    assert said(desk.take(record(1, 0.8, metrics={"auc": 0.9}))) == expected


def test_drift_on_more_than_three_features_at_once() -> None:
    desk = Desk([Rule("drift", (Condition("drift.features.*.psi", "above", (0.2,)),), "at_least", 4)])

    def drift(minute: int, *values: float) -> dict[str, object]:
        features = {f"f{n}": {"psi": value, "ks": None} for n, value in enumerate(values)}
        return record(minute, drift={"over": "1h", "features": features})

    assert desk.take(drift(1, 0.3, 0.3, 0.3, 0.1), record(2)) == []
    (fired,) = desk.take(drift(3, 0.3, 0.5, 0.3, 0.25, 0.1))
    assert (fired.value, fired.metric) == (0.5, "drift.features.*.psi")
    assert fired.summary == (
        "drift.features.f1.psi 0.5 is above 0.2 in the 60s to 10:03Z (1,000 labelled); "
        "also drift.features.f0.psi 0.3, drift.features.f2.psi 0.3, drift.features.f3.psi 0.25"
    )
    assert said(desk.take(drift(4, 0.3, 0.5, 0.3, 0.1))) == ["resolved"]


def test_a_plain_wildcard_is_breached_by_any_match_and_names_the_worst() -> None:
    desk = Desk([rule("nulls", "quality.features.*.missing_ratio", "above", 0.1)])
    quality = {"features": {"amount": {"missing_ratio": 0.2}, "age": {"missing_ratio": 0.4}, "x": {}}}
    (fired,) = desk.take(record(1, quality=quality))
    assert fired.summary.startswith("quality.features.age.missing_ratio 0.4 is above 0.1")


def test_a_drop_is_judged_against_the_baseline_file() -> None:
    desk = Desk(
        [rule(kind="drop_from_baseline", metric="accuracy", name="drop")],
        Options(baselines={"fraud": {"accuracy": 0.957}}),
    )
    desk = Desk([Rule("drop", (Condition("accuracy", "drop_from_baseline", (0.1,)),))], desk.options)
    assert desk.take(record(1, 0.87)) == []
    (fired,) = desk.take(record(5, 0.842))
    assert fired.threshold == pytest.approx(0.8613)
    assert "12 % below its baseline 0.957" in fired.summary


def test_without_a_file_the_baseline_is_learned_from_the_first_final_windows() -> None:
    desk = Desk([Rule("rise", (Condition("rmse", "rise_from_baseline", (0.5,)),))], Options(baseline_windows=2))

    def window(minute: int, rmse: float, *, labelled: int = 100, final: bool = False) -> dict[str, object]:
        return record(minute, labelled=labelled, metrics={"rmse": rmse}, final=final, revision=1 + final)

    assert desk.take(window(1, 9.0), window(1, 1.0, final=True), window(1, 1.0, final=True)) == [], "too early to say"
    desk.restart()
    desk.take(window(2, 3.0, labelled=300, final=True))
    assert desk.evaluator.shown() == [("fraud", "", "rmse", 2.5, 2)]
    assert desk.take(window(3, 3.7, final=True)) == []
    assert desk.evaluator.shown() == [("fraud", "", "rmse", 2.5, 2)], "learned once"
    assert said(desk.take(window(4, 3.8))) == ["firing"]


def test_a_model_that_says_the_same_to_everybody_has_collapsed() -> None:
    name = "identical_predictions_log10_probability"
    desk = Desk([rule("collapse", name, "below", -6.0)], Options(baselines={"fraud": {"positive_rate": 0.1}}))

    def same(minute: int, total: int, **metrics: float) -> dict[str, object]:
        return record(minute, total=total, labelled=50, metrics={"positive_rate": 0.0, **metrics})

    assert desk.take(same(1, 100), same(2, 120)) == [], "0.9 to the 120th is 3e-6"
    (fired,) = desk.take(same(3, 150))
    assert fired.value == pytest.approx(150 * -0.0457575)
    assert said(desk.take(same(4, 150, positive_rate=0.01))) == ["resolved"]


def test_a_rare_class_that_stays_away_is_no_collapse() -> None:
    name = "identical_predictions_log10_probability"
    desk = Desk([rule("collapse", name, "below", -6.0)], Options(baselines={"fraud": {"positive_rate": 0.001}}))
    assert desk.take(record(1, total=5000, metrics={"positive_rate": 0.0})) == []


def test_an_incident_wholly_in_the_past_is_historic() -> None:
    desk = Desk([rule()], Options(max_age_ms=HOUR))
    events = desk.take(record(1, 0.8), record(2), at=T0 + 5 * HOUR)
    assert [(e.status, e.historic) for e in events] == [("firing", True), ("resolved", True)]


def test_a_historic_incident_that_reaches_the_present_is_told_after_all() -> None:
    desk = Desk([rule(decision="rollback")], Options(max_age_ms=HOUR))
    (old,) = desk.take(record(1, 0.8), at=now(100))
    assert old.historic
    desk.evaluator.take(record(60, 0.8), now(100))
    (event,), (decision,) = desk.evaluator.outbox(), desk.evaluator.decisions()
    assert (event.status, event.historic, event.incident) == ("firing", False, old.incident)
    assert decision.decision_id.startswith(old.incident)


def test_a_decision_is_proposed_once_an_incident() -> None:
    desk = Desk([rule("slow", "throughput_per_second", "below", 500.0, decision="scale")])
    desk.evaluator.take(record(1), now(1))
    desk.evaluator.take(record(2), now(2))
    (decision,) = desk.evaluator.decisions()
    assert (decision.state, decision.kind, decision.cause, decision.model) == ("proposed", "scale", "slow", "fraud")
    assert decision.evidence["value"] == pytest.approx(83.33, abs=0.01)
    desk.commit()
    assert desk.evaluator.decisions() == []


def test_events_wait_in_the_rows_until_they_are_sent() -> None:
    desk = Desk([rule(decision="retrain")])
    desk.evaluator.take(record(1, 0.8), now(1))
    desk.evaluator.take(record(2, 0.95), now(2))
    before = desk.evaluator.outbox()
    desk.save()
    desk.restart()
    assert desk.evaluator.outbox() == before
    assert len(desk.evaluator.decisions()) == 1
    desk.evaluator.sent([key_of(before[0])])
    desk.save()
    desk.restart()
    assert desk.evaluator.outbox() == before[1:]


def test_a_firing_alert_survives_a_restart_and_resolves_once() -> None:
    desk = Desk([rule(for_ms=MINUTE, keep_firing_ms=MINUTE)])
    desk.take(record(1, 0.8))
    desk.restart()
    assert said(desk.take(record(2, 0.8))) == ["firing"]
    desk.restart()
    assert desk.take(record(2, 0.8), record(3)) == []
    desk.restart()
    assert [e.incident for e in desk.evaluator.firing()] == [desk.told[0].incident]
    assert said(desk.take(record(3), record(4))) == ["resolved"]
    assert desk.evaluator.firing() == []


def test_an_alert_whose_rule_is_gone_is_over() -> None:
    desk = Desk([rule()])
    (fired,) = desk.take(record(1, 0.8))
    desk.restart([rule("another")])
    (over,) = desk.commit()
    assert (over.incident, over.status) == (fired.incident, "resolved")
    assert over.summary == "the rule accuracy-low is not configured any more"
    desk.restart([])
    desk.commit()
    assert desk.rows == {}


def test_the_fingerprint_is_short_and_stays_the_same() -> None:
    (fired,) = Desk([rule()]).take(record(1, 0.8))
    assert fired.fingerprint == "bf620c3fafffd1a8"


def test_an_old_version_that_its_model_has_left_behind_is_forgotten_and_its_alert_is_over() -> None:
    desk = Desk([rule(segments="all")], Options(max_age_ms=HOUR))
    desk.take(record(1, 0.8), record(1, 0.8, segment="country=DE"))
    desk.take(*(record(minute, version="v2") for minute in range(2, 70, 10)))
    events = desk.tick(now(70))
    assert said(events) == ["resolved", "resolved"]
    assert events[0].summary == "no more records of version v1 since 10:01Z"
    assert not any("v1" in key for key in desk.rows)


def test_rows_stay_bounded() -> None:
    desk = Desk([rule(for_ms=MINUTE)], Options(alert_lookback_ms=10 * MINUTE))
    for minute in range(300):
        desk.take(record(minute, 0.8 if minute % 7 in (1, 2, 3) else 0.95))
    assert len(desk.rows) <= 12
    assert len(desk.told) > 80


def test_what_the_product_writes_can_be_judged() -> None:
    value = encode(
        model="fraud", model_version="v1", segment="", task="binary", window_start_ms=T0, window_end_ms=T0 + MINUTE,
        span="60s", revision=1, final=False, emitted_at_ms=now(1), parts={"metrics": {"accuracy": 0.5}},
    )  # fmt: skip
    assert said(Desk([rule()]).take(orjson.loads(value))) == ["firing"]


def test_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Evaluator([rule(), rule()], Options(), {})


def test_an_alert_names_its_metric_alike_however_the_rule_wrote_it() -> None:
    desk = Desk([rule("long", "metrics.accuracy"), rule("short")])
    assert {event.metric for event in desk.take(record(1, 0.8))} == {"accuracy"}
