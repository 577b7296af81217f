from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.judge import Judge, Verdict
from alerting.metric_paths import is_known
from alerting.rule import Condition, ConditionKind, Joined, Rule
from tests.unit.alerting.rule_records import record, rule

UNKNOWN, FINE, HOLDING, BREACHED = Verdict


def verdict(one: Rule, some: dict[str, object], **baseline: float) -> Verdict:
    return Judge(one).verdict(some, baseline.get)


@pytest.mark.parametrize(
    ("kind", "limits", "resolve", "verdicts"),
    [
        ("below", (0.9,), None, {0.89: BREACHED, 0.9: FINE, 0.95: FINE}),
        ("below", (0.9,), 0.93, {0.89: BREACHED, 0.92: HOLDING, 0.93: FINE}),
        ("above", (0.9,), 0.8, {0.91: BREACHED, 0.9: HOLDING, 0.8: FINE}),
        ("outside", (0.2, 0.8), None, {0.1: BREACHED, 0.5: FINE, 0.81: BREACHED}),
        ("outside", (0.2, 0.8), 0.1, {0.1: BREACHED, 0.25: HOLDING, 0.5: FINE, 0.75: HOLDING}),
        ("drop_from_baseline", (0.1,), None, {0.7: BREACHED, 0.72: FINE, 0.9: FINE}),
        ("drop_from_baseline", (0.1,), 0.05, {0.7: BREACHED, 0.75: HOLDING, 0.77: FINE}),
        ("rise_from_baseline", (0.1,), 0.05, {0.89: BREACHED, 0.86: HOLDING, 0.1: FINE}),
    ],
)
def test_a_value_against_its_limits(
    kind: ConditionKind, limits: tuple[float, ...], resolve: float | None, verdicts: dict[float, Verdict]
) -> None:
    one = rule("r", "accuracy", kind, *limits, resolve=resolve)
    assert {value: verdict(one, record(1, value), accuracy=0.8) for value in verdicts} == verdicts


def test_the_drop_of_a_negative_metric_goes_down_too() -> None:
    one = rule("r", "r2", "drop_from_baseline", 0.1)
    assert verdict(one, record(1, metrics={"r2": -0.56}), r2=-0.5) is BREACHED
    assert verdict(one, record(1, metrics={"r2": -0.54}), r2=-0.5) is FINE


@pytest.mark.parametrize("baseline", [{}, {"accuracy": 0.0}], ids=["none yet", "zero"])
def test_without_a_baseline_nobody_can_tell(baseline: dict[str, float]) -> None:
    assert verdict(rule("r", "accuracy", "drop_from_baseline", 0.1), record(1, 0.1), **baseline) is UNKNOWN


@pytest.mark.parametrize(
    ("usual", "floor", "verdicts"),
    [
        (0.0, None, {0.01: FINE, 0.011: BREACHED}),
        (0.0, 0.05, {0.05: FINE, 0.051: BREACHED}),
        (0.001, 0.05, {0.05: FINE, 0.051: BREACHED}),
        (0.001, None, {0.0014: FINE, 0.0021: BREACHED}),
        (0.1, 0.05, {0.14: FINE, 0.19: HOLDING, 0.21: BREACHED}),
    ],
)
def test_a_rise_from_nothing_has_to_reach_the_floor(
    usual: float, floor: float | None, verdicts: dict[float, Verdict]
) -> None:
    one = Rule("r", (Condition("brier", "rise_from_baseline", (1.0,), 0.5, floor),))
    assert {v: verdict(one, record(1, metrics={"brier": v}), brier=usual) for v in verdicts} == verdicts


@pytest.mark.parametrize("limit", [{"min_total": 5001}, {"min_labelled": 1001}, {"min_label_coverage": 0.21}], ids=str)
def test_too_little_is_unknown(limit: dict[str, Any]) -> None:
    assert verdict(rule(**limit), record(1, 0.1)) is UNKNOWN
    assert verdict(rule(), record(1, 0.1)) is BREACHED


@pytest.mark.parametrize(
    ("maturity", "expected_share", "expected"),
    [
        (0.9, 0.9, BREACHED),
        (1.0, 0.79, UNKNOWN),  # early days
        (0.79, 1.0, UNKNOWN),  # labels are held up
        (0.88, 0.9, UNKNOWN),  # both a little: 79.2 % of all labels are in
        (None, 0.0, UNKNOWN),  # nothing is to be expected yet
        (None, None, BREACHED),  # nobody knows how long labels take
    ],
)
def test_a_rule_waits_until_the_labels_that_will_come_are_in(
    maturity: float | None, expected_share: float | None, expected: Verdict
) -> None:
    found = record(1, 0.1, maturity=maturity, expected_share=expected_share)
    assert verdict(rule(min_maturity=0.8), found) is expected
    assert Judge(rule(min_maturity=0.8)).judge(found, lambda _: None).verdict is expected
    assert verdict(rule(), found) is BREACHED


def test_a_segment_has_no_maturity_and_is_judged_all_the_same() -> None:
    assert verdict(rule(min_maturity=0.8), record(1, 0.1, segment="country=DE")) is BREACHED


@pytest.mark.parametrize("path", ["metrics_weighted.precision", "expected_share", "maturity"])
def test_what_follows_from_label_delays_can_be_judged(path: str) -> None:
    parts: dict[str, Any] = {"metrics_weighted": {"precision": 0.3}, "expected_share": 0.3, "maturity": 0.3}
    assert is_known(path)
    assert verdict(rule("r", path, "below", 0.4), record(1, **parts)) is BREACHED
    assert verdict(rule("r", path, "below", 0.4), record(1, metrics_weighted={"precision": None})) is UNKNOWN


def test_predictions_that_failed_count_among_the_records_that_a_rule_wants() -> None:
    one = rule("r", "error_rate", "above", 0.05, min_total=100)
    assert verdict(one, record(1, total=0, errors={"timeout": 100}, failed=100)) is BREACHED
    assert verdict(one, record(1, total=0, errors={"timeout": 99}, failed=99)) is UNKNOWN
    assert verdict(one, record(1, total=990, errors={"timeout": 10}, failed=10)) is FINE


@pytest.mark.parametrize(("value", "expected"), [(True, FINE), (False, BREACHED), (None, UNKNOWN)])
def test_a_flag_is_judged_as_one_or_nothing(value: bool | None, expected: Verdict) -> None:
    one = rule("r", "estimated.reliable", "below", 0.5)
    assert verdict(one, record(1, estimated={"reliable": value})) is expected


@pytest.mark.parametrize(
    ("joined", "verdicts", "expected"),
    [
        ("all", "BB", BREACHED),
        ("all", "BF", FINE),
        ("all", "UF", FINE),
        ("all", "BU", UNKNOWN),
        ("all", "BH", HOLDING),
        ("any", "BF", BREACHED),
        ("any", "BU", BREACHED),
        ("any", "UF", FINE),
        ("any", "HF", HOLDING),
        ("any", "UU", UNKNOWN),
        ("at_least", "BB", BREACHED),
        ("at_least", "BH", HOLDING),
        ("at_least", "BU", FINE),
        ("at_least", "UU", UNKNOWN),
    ],
)
def test_conditions_are_joined(joined: Joined, verdicts: str, expected: Verdict) -> None:
    values = {"B": 0.1, "H": 0.55, "F": 0.9, "U": None}
    conditions = tuple(Condition(name, "below", (0.5,), 0.6) for name in "ab"[: len(verdicts)])
    metrics = {name: values[letter] for name, letter in zip("ab", verdicts, strict=True)}
    assert verdict(Rule("r", conditions, joined, at_least=2), record(1, metrics=metrics)) is expected


kinds = st.sampled_from(["below", "above", "drop_from_baseline", "rise_from_baseline"])
metrics = st.sampled_from(["accuracy", "auc", "drift.features.*.psi", "drift.features.a.psi", "confidence"])
conditions = st.builds(
    Condition, metrics, kinds, st.tuples(st.sampled_from([0.1, 0.5, 0.9])), st.sampled_from([None, 0.4])
)
values = st.one_of(st.none(), st.floats(0, 1))


@given(
    st.lists(conditions, min_size=1, max_size=3),
    st.sampled_from(["all", "any", "at_least"]),
    st.booleans(),
    st.lists(values, min_size=4, max_size=4),
)
def test_the_quick_verdict_is_the_explained_one(
    conditions: Sequence[Condition], joined: Joined, certain: bool, found: list[float | None]
) -> None:
    judge = Judge(Rule("r", tuple(conditions), joined, at_least=2, certain=certain, min_labelled=10))
    features = {"a": {"psi": found[0]}, "b": {"psi": found[1]}}
    some = record(1, found[2], metrics={"auc": found[3]}, drift={"features": features})
    usual = {"accuracy": 0.9, "drift.features.a.psi": 0.2}
    assert judge.verdict(some, usual.get) is judge.judge(some, usual.get).verdict


def test_the_worst_finding_comes_first() -> None:
    one = rule("r", "drift.features.*.psi", "above", 0.2)
    some = record(1, drift={"features": {"a": {"psi": 0.3}, "b": {"psi": 0.9}, "c": {"psi": 0.1}}})
    assert [f.path[-5] for f in Judge(one).judge(some, lambda _: None).findings] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (rule(), 0.0020),
        (rule("r", "accuracy", "outside", 0.9, 1.0), 0.0040),
        (rule("r", "brier", "above", 0.5), None),
        (Rule("r", (Condition("accuracy", "below", (0.9,)), Condition("accuracy", "below", (0.8,)))), 0.5398),
        (Rule("r", (Condition("accuracy", "below", (0.9,)), Condition("accuracy", "below", (0.8,))), "any"), 0.0040),
        (Rule("r", (Condition("accuracy", "below", (0.9,)), Condition("brier", "above", (0.5,))), "any"), None),
    ],
    ids=["ratio", "two sides", "no interval", "all: the likeliest", "any: as many looks", "one unknown"],
)
def test_how_likely_a_record_is_at_the_threshold(one: Rule, expected: float | None) -> None:
    some = record(1, 0.8, labelled=100, metrics={"brier": 0.9})
    p_value = Judge(one).judge(some, lambda _: None, with_p=True).p_value
    assert p_value == (None if expected is None else pytest.approx(expected, abs=5e-5))
