"""Every rule of every pack: it has its page, is quiet about what is usual, fires on what it is for, and resolves."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from alerting.evaluator import Evaluator, Options
from alerting.metric_paths import has_interval, is_known
from alerting.packs import PACKS
from alerting.packs.tiers import RUNBOOKS
from alerting.rule import Rule
from alerting.unsent import key_of
from models.alert_event import AlertEvent
from tests.unit.alerting.rule_records import HOUR, MINUTE, T0, Desk, now, record

ROOT = Path(__file__).parents[3]
RULES = {rule.name: rule for rules in PACKS.values() for rule in rules}

USUAL: dict[str, float] = {
    "accuracy": 0.97, "f1": 0.9, "auc": 0.95, "recall": 0.9, "rmse": 10.0, "mae": 8.0, "positive_rate": 0.3,
    "mean_score": 0.3, "mean_confidence": 0.9,
}  # fmt: skip
BASELINE = USUAL | {
    "confidence": 0.9,
    "error_rate": 0.001,
    "prediction_latency_seconds.p95": 0.1,
    "quality.features.amount.missing_ratio": 0.02,
}

Parts = dict[str, Any]


def drift(features: Parts | None = None, **changes: object) -> Parts:
    calm, amount = {"ks_pvalue": 0.6, "drifted": False}, {"psi": 0.02, "drifted": False}
    every = {"amount": amount, "age": dict(amount)} | (features or {})
    return {"drift": {"features": every, "features_drifted": 0, "score": calm, "prediction": calm} | changes}


def missing(ratio: float) -> Parts:
    return {"quality": {"features": {"amount": {"missing_ratio": ratio}, "age": {"missing_ratio": 0.0}}}}


def usual() -> Parts:
    return {
        "metrics": dict(USUAL),
        "errors": {"timeout": 4},
        "prediction_latency_seconds": {"p95": 0.1},
        "label_latency_seconds": {"p95": 300.0},
        "throughput_per_second": 600.0,
        "maturity": 0.98,
        **drift(),
        **missing(0.02),
    }


def metrics(**changes: float) -> Parts:
    return {"metrics": USUAL | changes}


def fallen(metric: str, share: float) -> Parts:
    return metrics(**{metric: USUAL[metric] * (1 + share)})


BAD: Mapping[str, Parts] = {
    **{f"{m}-down-{p}": fallen(m, -p / 100 - 0.04) for m in ("accuracy", "f1", "auc", "recall") for p in (20, 10, 5)},
    **{f"{m}-up-{p}": fallen(m, p / 100 + 0.01) for m in ("rmse", "mae") for p in (20, 10, 5)},
    "model-collapse": metrics(positive_rate=0.0),
    "confidence-down": metrics(mean_confidence=0.75),
    "prediction-shift": drift(prediction={"drifted": True}),
    "drift-on-many-features": drift(features_drifted=4),
    "drift-on-a-feature": drift(features={"age": {"drifted": True}}),
    "nulls-doubled": missing(0.05),
    "missing-above-30": missing(0.31),
    "missing-above-10": missing(0.11),
    "throughput-zero": {"total": 0},
    "serving-errors-high": {"errors": {"timeout": 20}},
    "serving-latency-high": {"prediction_latency_seconds": {"p95": 0.21}},
    "label-feed-stalled": {"labelled": 0},
    "join-rate-fallen": {"maturity": 0.4},
    "fraud-accuracy-low": metrics(accuracy=0.89),
    "fraud-recall-low": metrics(recall=0.69),
    "fraud-accuracy-down": metrics(accuracy=0.87),
    "fraud-labels-late": {"label_latency_seconds": {"p95": 1801.0}},
    "fraud-prediction-drift": drift(score={"ks_pvalue": 0.009}),
    "fraud-throughput-low": {"throughput_per_second": 499.0},
    "accuracy-low-warning": metrics(accuracy=0.84),
    "accuracy-low-critical": metrics(accuracy=0.74),
    "latency-high-warning": {"prediction_latency_seconds": {"p95": 0.51}},
    "latency-high-critical": {"prediction_latency_seconds": {"p95": 2.1}},
    "psi-high-warning": drift(features={"amount": {"psi": 0.11}}),
    "psi-high-critical": drift(features={"amount": {"psi": 0.21}}),
    "errors-high-warning": {"errors": {"timeout": 51}},
    "errors-high-critical": {"errors": {"timeout": 251}},
    "throughput-outside": {"throughput_per_second": 9.0},
}


def told(rule: Rule, bad: Parts, minutes: Callable[[int], bool], until: int = 240) -> list[AlertEvent]:
    """What the rule says of a record a minute, some of them bad."""
    evaluator = Evaluator([rule], Options(baselines={"fraud": BASELINE}, window_names={"fraud": "60s"}), {})
    found: list[AlertEvent] = []
    for minute in range(1, until):
        parts = usual() | (bad if minutes(minute) else {})
        intervals = {name: [value - 0.005, value + 0.005] for name, value in parts["metrics"].items()}
        shape: Parts = {"span": "1h", "length_ms": HOUR} if rule.span else {}
        named: Parts = {"intervals": intervals} | parts | shape
        one = record(minute, revision=minute, **named)
        evaluator.take(one, now(minute))
        evaluator.tick(now(minute))
        said = evaluator.outbox()
        found += said
        evaluator.sent([*map(key_of, said), *map(key_of, evaluator.decisions())])
    return found


@pytest.mark.parametrize(
    ("name", "clean", "bad"),
    [
        ("serving-errors-high", {"errors": {}}, {"errors": {"timeout": 6}}),
        ("nulls-doubled", missing(0.0), missing(0.02)),
        ("rmse-up-20", metrics(rmse=0.0), metrics(rmse=0.5)),
    ],
)
def test_a_past_without_any_is_learned_and_the_first_of_them_are_told(name: str, clean: Parts, bad: Parts) -> None:
    desk = Desk([RULES[name]], Options(baseline_windows=10, window_names={"fraud": "60s"}))
    for minute in range(1, 60):
        parts = usual() | (clean if minute < 30 else bad)
        desk.take(record(minute, final=True, **parts))
        desk.take(record(minute, span="1h", length_ms=HOUR, revision=minute, **parts))
    assert [(event.rule, event.status) for event in desk.told] == [(name, "firing")]
    assert (desk.told[0].value or 0) > (desk.told[0].threshold or 0) > 0


def test_every_rule_has_a_bad_record_here() -> None:
    assert BAD.keys() == RULES.keys()
    assert len(RULES) == sum(map(len, PACKS.values()))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_quiet_fires_once_and_resolves(name: str) -> None:
    first, last = 20, 120
    events = told(RULES[name], BAD[name], lambda minute: first <= minute < last)
    assert [event.status for event in events] == ["firing", "resolved"]
    assert T0 + (first - 2) * MINUTE <= events[0].starts_at_ms < T0 + (first + 20) * MINUTE
    assert events[1].ends_at_ms is not None
    assert events[1].ends_at_ms >= T0 + last * MINUTE
    assert events[0].summary


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.for_ms])
def test_one_bad_minute_makes_no_alert_where_a_rule_waits(name: str) -> None:
    assert told(RULES[name], BAD[name], lambda minute: minute == 20, until=60) == []


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.min_total or rule.min_labelled])
def test_a_few_records_make_no_alert_where_a_rule_wants_more(name: str) -> None:
    assert told(RULES[name], BAD[name] | {"total": 20, "labelled": 20}, lambda minute: minute > 20, until=60) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_every_path_is_known_and_certainty_has_its_interval(rule: Rule) -> None:
    assert all(is_known(condition.metric) for condition in rule.conditions)
    assert not rule.certain or all(has_interval(condition.metric) for condition in rule.conditions)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_every_rule_has_its_page_with_response_time_first_look_and_actions(rule: Rule) -> None:
    assert rule.runbook.startswith(RUNBOOKS)
    page = (ROOT / rule.runbook).read_text(encoding="utf-8")
    assert f"`{rule.name}`" in page
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Response time",
        "## First look",
        "## Actions",
    ]


def test_no_page_belongs_to_no_rule() -> None:
    # those about Hindcast itself belong to the rules for Prometheus, see tests/grafana/test_rules.py
    others = {"index.md"} | {path.name for path in (ROOT / RUNBOOKS).glob("hindcast-*.md")}
    pages = {f"{RUNBOOKS}{path.name}" for path in (ROOT / RUNBOOKS).glob("*.md") if path.name not in others}
    assert pages == {rule.runbook for rule in RULES.values()}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_priority_and_severity_go_together(rule: Rule) -> None:
    assert (rule.priority, rule.severity) in {("P1", "critical"), ("P2", "warning"), ("P3", "info")}


def test_the_label_feeds_own_rules_name_it_as_their_cause() -> None:
    assert {rule.name for rule in RULES.values() if rule.cause == "labels"} == {
        "label-feed-stalled",
        "join-rate-fallen",
    }


def test_low_throughput_of_the_fraud_example_proposes_to_scale() -> None:
    assert RULES["fraud-throughput-low"].decision == "scale"
