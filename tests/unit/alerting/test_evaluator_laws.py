"""What holds for any stream of records: order, repetition and crashes do not matter; nothing is told twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.evaluator import Evaluator, Options
from alerting.rule import Condition, Rule
from alerting.unsent import key_of
from models.alert_event import AlertEvent
from tests.unit.alerting.rule_records import HOUR, MINUTE, Desk, now, record, rule

RULES = [
    rule("plain", min_labelled=100),
    rule("patient", for_ms=2 * MINUTE, keep_firing_ms=3 * MINUTE, min_labelled=100, decision="retrain"),
    rule("steady", resolve=0.93, keep_firing_ms=MINUTE, certain=True),
    rule("segments", segments="all", false_discovery=0.05, for_ms=MINUTE),
    Rule("any", (Condition("accuracy", "below", (0.8,)), Condition("auc", "below", (0.7,))), "any"),
]
WINDOWS = 16

accuracies = st.sampled_from([None, 0.5, 0.79, 0.87, 0.89, 0.91, 0.94, 0.99])


@st.composite
def revisions(draw: st.DrawFn) -> dict[str, Any]:
    """One revision of one of some windows; what a revision says is one and the same wherever it appears."""
    minute, revision = draw(st.integers(1, WINDOWS)), draw(st.integers(1, 3))
    segment = draw(st.sampled_from(["", "", "country=DE", "country=FR", "country=IT"]))
    return {"minute": minute, "revision": revision, "segment": segment}


streams = st.lists(st.tuples(revisions(), accuracies, st.sampled_from([50, 200, 2000])), min_size=1, max_size=60)


def records(stream: list[tuple[dict[str, Any], float | None, int]]) -> list[dict[str, object]]:
    """The first word on a revision is the only one."""
    made: dict[tuple[object, ...], dict[str, object]] = {}
    order = []
    for name, accuracy, labelled in stream:
        key = tuple(name.values())
        made.setdefault(
            key,
            record(
                accuracy=accuracy, labelled=labelled, metrics={"auc": accuracy}, final=name["revision"] == 3, **name
            ),
        )
        order.append(made[key])
    return order


def states(evaluator: Evaluator) -> dict[object, object]:
    """What every alert has come to, and the verdicts that led to it."""
    return {
        (series.key, alert.rule.name): (alert.state, alert.newest_ms, list(series.judged(number)))
        for series in evaluator._book.all()
        for number, alert in series.alerts.items()
    }


@settings(deadline=None)
@given(streams, st.randoms(use_true_random=False))
def test_order_and_repetition_of_revisions_do_not_matter(
    stream: list[tuple[dict[str, Any], float | None, int]], random: Random
) -> None:
    """Within the look-back; each window's last revision decides."""
    straight, shuffled = Desk(RULES), Desk(RULES)
    once = records(stream)
    straight.take(*sorted(once, key=lambda r: (str(r["window_end"]), str(r["revision"]))), at=now(WINDOWS))
    again = once + random.choices(once, k=len(once) // 2)
    random.shuffle(again)
    shuffled.take(*again, at=now(WINDOWS))
    assert states(straight.evaluator) == states(shuffled.evaluator)
    firing = [{e.fingerprint for e in desk.evaluator.firing()} for desk in (straight, shuffled)]
    assert firing[0] == firing[1]


@settings(deadline=None)
@given(streams)
def test_what_fires_is_what_was_told(stream: list[tuple[dict[str, Any], float | None, int]]) -> None:
    desk = Desk(RULES, Options(alert_lookback_ms=6 * MINUTE))
    for each in records(stream):
        desk.take(each)
        told = {event.fingerprint: event.status for event in desk.told}
        fires = {event.fingerprint for event in desk.evaluator.firing()}
        assert fires == {fingerprint for fingerprint, status in told.items() if status == "firing"}


@settings(deadline=None)
@given(streams, st.sampled_from([4, 60]))
def test_every_firing_is_followed_by_at_most_one_resolve_in_order(
    stream: list[tuple[dict[str, Any], float | None, int]], lookback: int
) -> None:
    desk = Desk(RULES, Options(alert_lookback_ms=lookback * MINUTE))
    desk.take(*records(stream))
    by_alert: dict[str, list[AlertEvent]] = defaultdict(list)
    for event in desk.told:
        by_alert[event.fingerprint].append(event)
    for events in by_alert.values():
        assert [e.status for e in events] == (["firing", "resolved"] * len(events))[: len(events)]
        pairs = list(zip(events[::2], events[1::2], strict=False))
        assert all(fired.incident == over.incident for fired, over in pairs)
        assert all(over.ends_at_ms is not None and over.ends_at_ms >= fired.starts_at_ms for fired, over in pairs)
        assert len({e.incident for e in events[::2]}) == len(events[::2]), "an incident is told once"


steps = st.lists(st.sampled_from(["take", "take", "take", "save", "send", "crash", "tick"]), min_size=1, max_size=80)


@settings(max_examples=200, deadline=None)
@given(streams, steps, st.sampled_from([5, 60]))
def test_a_crash_at_any_point_changes_no_event_and_no_key(
    stream: list[tuple[dict[str, Any], float | None, int]], script: list[str], lookback: int
) -> None:
    """Inputs since the last rows that were durable come again; events go out only after their rows."""
    options = Options(alert_lookback_ms=lookback * MINUTE, baseline_windows=2)
    rules = [*RULES, Rule("drop", (Condition("accuracy", "drop_from_baseline", (0.05,)),))]
    inputs = records(stream)
    calm = Desk(rules, options)
    for each in inputs:
        calm.take(each)
    assert _sent_across_crashes(Desk(rules, options), inputs, script) == {key_of(e): e for e in calm.told}


def _sent_across_crashes(desk: Desk, inputs: list[dict[str, object]], script: list[str]) -> dict[str, AlertEvent]:
    sent: dict[str, AlertEvent] = {}
    taken = durable = 0
    actions = iter([*script, *["take"] * len(inputs) * 2])
    while taken < len(inputs):
        match next(actions):
            case "take":
                desk.evaluator.take(inputs[taken], now(int(str(inputs[taken]["window_end"])[14:16])))
                taken += 1
            case "save" | "tick":
                desk.save()
                durable = taken
            case "send":
                desk.save()
                durable = taken
                events = desk.evaluator.outbox()
                assert all(sent.setdefault(key_of(e), e) == e for e in events), "a copy says the same"
                desk.evaluator.sent([key_of(e) for e in events])
            case "crash":
                desk.restart()
                taken = durable
    sent.update({key_of(e): e for e in desk.commit()})
    return sent


@settings(deadline=None)
@given(streams)
def test_rebuilt_from_rows_it_is_the_same(stream: list[tuple[dict[str, Any], float | None, int]]) -> None:
    desk = Desk(RULES, Options(alert_lookback_ms=5 * MINUTE))
    desk.take(*records(stream))
    before, firing = states(desk.evaluator), desk.evaluator.firing()
    desk.restart()
    assert (states(desk.evaluator), _named(desk.evaluator.firing())) == (before, _named(firing))
    assert not desk.evaluator.collect(), "nothing to write after a mere restart"


def _named(events: list[AlertEvent]) -> dict[str, AlertEvent]:
    return {event.incident: event for event in events}


@settings(max_examples=20, deadline=None)
@given(st.lists(accuracies, min_size=100, max_size=200))
def test_rows_are_bounded_by_the_look_back(path: list[float | None]) -> None:
    desk = Desk(RULES, Options(alert_lookback_ms=8 * MINUTE, max_age_ms=HOUR))
    for minute, accuracy in enumerate(path):
        desk.take(*(record(minute, accuracy, segment=segment) for segment in ("", "country=DE")))
    windows = [key for key in desk.rows if key.startswith("window|")]
    assert len(desk.rows) - len(windows) <= len(RULES) + 1
    judged = [minute for minute, accuracy in enumerate(path) if accuracy is not None]
    assert len(windows) <= 2 * (8 + len([m for m in judged if m > judged[-1] - 8])) if judged else len(windows) <= 16


@settings(deadline=None)
@given(streams)
def test_rules_do_not_touch_each_other(stream: list[tuple[dict[str, Any], float | None, int]]) -> None:
    every = Desk(RULES)
    every.take(*records(stream))
    for one in RULES:
        alone = Desk([replace(one)])
        alone.take(*records(stream))
        assert alone.told == [event for event in every.told if event.rule == one.name]


def test_a_newest_window_that_turns_unknown_is_not_the_newest_judged_any_more() -> None:
    desk = Desk([rule(min_labelled=100)], Options(alert_lookback_ms=5 * MINUTE))
    desk.take(*(record(minute) for minute in range(1, 12)), record(11, labelled=1, revision=2))
    before = states(desk.evaluator)
    desk.restart()
    assert states(desk.evaluator) == before


@settings(deadline=None)
@given(streams)
def test_a_record_that_is_not_wanted_changes_nothing(
    stream: list[tuple[dict[str, Any], float | None, int]],
) -> None:
    options = Options(baseline_windows=2, window_names={"fraud": "60s"})
    for rules in (RULES, [rule("whole")], [Rule("drop", RULES[4].conditions, span="1h", segments="all")], []):
        desk = Desk(rules, options)
        for each in records(stream):
            record_of = each | {"final": True}
            wanted = desk.evaluator.wants("fraud", str(each["segment"]), str(each["span"]))
            desk.evaluator.take(record_of, now(WINDOWS))
            assert desk.evaluator.collect().puts == {} or wanted


def test_records_of_segments_are_wanted_where_a_rule_judges_segments_or_learns_from_them() -> None:
    def wants(one: Rule, segment: str = "country=DE", span: str = "60s") -> bool:
        return Evaluator([one], Options(window_names={"*": "60s"}), {}).wants("fraud", segment, span)

    later = Rule("later", (Condition("accuracy", "drop_from_baseline", (0.1,)),), span="1h", segments="all")
    assert (wants(rule()), wants(rule(), ""), wants(rule(segments="all"))) == (False, True, True)
    assert (wants(later), wants(later, span="1h"), wants(later, span="24h")) == (True, True, False)
    assert wants(rule("r", "total", "absent_for", 300.0), "")
    assert not wants(rule("r", "total", "absent_for", 300.0))
    assert not wants(rule(models=("churn",)), "")
