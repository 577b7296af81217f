"""Plain absolute thresholds, a warning and a critical one: the worse of the two is what notifies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerting.packs.tiers import MINUTE_MS, PAGE, WORK, runbook
from alerting.rule import Condition, ConditionKind, Rule
from models.alert_event import Cause

PACK: Final = "thresholds"
PSI_RECORDS_MIN: Final = 500
"""By chance alone PSI passes 0.1 in 31 % of hours of 100 records, and in one of a million of 500."""


def _pair(
    name: str,
    metric: str,
    kind: ConditionKind,
    limits: tuple[float, float],
    cause: Cause,
    page: str,
    *,
    span: str = "",
    min_total: int = 100,
    min_labelled: int = 0,
) -> Iterator[Rule]:
    """The warning and the critical rule of one metric."""
    for suffix, limit, tier in zip(("warning", "critical"), limits, (WORK, PAGE), strict=True):
        yield Rule(
            f"{name}-{suffix}",
            (Condition(metric, kind, (limit,)),),
            span=span,
            for_ms=2 * MINUTE_MS,
            keep_firing_ms=5 * MINUTE_MS,
            min_total=min_total,
            min_labelled=min_labelled,
            severity=tier.severity,
            priority=tier.priority,
            cause=cause,
            runbook=runbook(page),
            pack=PACK,
        )


RULES: Final = (
    *_pair("accuracy-low", "accuracy", "below", (0.85, 0.75), "outcome", "outcome-metrics-down", min_labelled=100),
    *_pair(
        "latency-high", "prediction_latency_seconds.p95", "above", (0.5, 2.0), "service", "serving-latency-high",
    ),
    *_pair(
        "psi-high", "drift.features.*.psi", "above", (0.1, 0.2), "drift", "feature-drift", span="1h",
        min_total=PSI_RECORDS_MIN,
    ),
    *_pair("errors-high", "error_rate", "above", (0.01, 0.05), "service", "serving-errors-high"),
    Rule(
        "throughput-outside",
        (Condition("throughput_per_second", "outside", (10.0, 1_000.0)),),
        for_ms=2 * MINUTE_MS,
        keep_firing_ms=5 * MINUTE_MS,
        cause="traffic",
        runbook=runbook("throughput"),
        pack=PACK,
    ),
)  # fmt: skip
