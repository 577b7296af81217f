"""The alerts of the fraud example, with its own numbers, judged minute by minute."""

from __future__ import annotations

from typing import Final

from alerting.packs.tiers import MINUTE_MS, PAGE, WORK, Tier, runbook
from alerting.rule import Condition, ConditionKind, Rule
from models.alert_event import Cause
from models.decision import DecisionKind

PACK: Final = "fraud-example"


def _rule(
    name: str,
    metric: str,
    kind: ConditionKind,
    limit: float,
    tier: Tier,
    cause: Cause,
    page: str,
    *,
    span: str = "",
    min_total: int = 0,
    min_labelled: int = 0,
    decision: DecisionKind | None = None,
) -> Rule:
    return Rule(
        name,
        (Condition(metric, kind, (limit,)),),
        span=span,
        keep_firing_ms=5 * MINUTE_MS,
        min_total=min_total,
        min_labelled=min_labelled,
        severity=tier.severity,
        priority=tier.priority,
        cause=cause,
        runbook=runbook(page),
        decision=decision,
        pack=PACK,
    )


_OUTCOME: Final = "outcome-metrics-down"

RULES: Final = (
    _rule("fraud-accuracy-low", "accuracy", "below", 0.90, PAGE, "outcome", _OUTCOME, min_labelled=100),
    _rule("fraud-recall-low", "recall", "below", 0.70, PAGE, "outcome", _OUTCOME, min_labelled=100),
    _rule("fraud-accuracy-down", "accuracy", "drop_from_baseline", 0.10, WORK, "outcome", _OUTCOME, min_labelled=100),
    _rule(
        "fraud-labels-late", "label_latency_seconds.p95", "above", 1_800.0, WORK, "traffic", "labels-late",
        min_labelled=30,
    ),
    _rule(
        "fraud-prediction-drift", "drift.score.ks_pvalue", "below", 0.01, WORK, "prediction", "prediction-shift",
        span="1h",
    ),
    _rule(
        "fraud-throughput-low", "throughput_per_second", "below", 500.0, WORK, "traffic", "throughput",
        decision="scale",
    ),
)  # fmt: skip
