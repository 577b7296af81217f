"""The default pack: each model is compared with its own baseline, so it is right for every model.

Outcome metrics are judged over an hour and only when the whole confidence interval is past the threshold: one bad
minute with few labels is no incident. The hour is also what drift is measured over. Shares that are usually close to
nothing have a floor: one null more among thousands is twice as many, and no matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerting.packs.tiers import MINUTE_MS, NOTE, PAGE, WORK, Tier, runbook
from alerting.rule import Condition, ConditionKind, Rule

PACK: Final = "baseline"
_HOUR: Final = "1h"
_SHARES: Final = ((0.20, PAGE), (0.10, WORK), (0.05, NOTE))


def _outcome(metric: str, kind: ConditionKind, *, certain: bool) -> Iterator[Rule]:
    """The three tiers of one outcome metric; where the metric has no interval, none can be asked for."""
    way = "down" if kind == "drop_from_baseline" else "up"
    for share, tier in _SHARES:
        yield Rule(
            f"{metric}-{way}-{round(100 * share)}",
            (Condition(metric, kind, (share,)),),
            span=_HOUR,
            for_ms=5 * MINUTE_MS,
            keep_firing_ms=15 * MINUTE_MS,
            min_labelled=100,
            certain=certain,
            severity=tier.severity,
            priority=tier.priority,
            cause="outcome",
            runbook=runbook("outcome-metrics-down"),
            pack=PACK,
        )


OUTCOME: Final = (
    *(rule for m in ("accuracy", "f1", "auc", "recall") for rule in _outcome(m, "drop_from_baseline", certain=True)),
    *(rule for m in ("rmse", "mae") for rule in _outcome(m, "rise_from_baseline", certain=False)),
)

PREDICTIONS: Final = (
    Rule(
        "model-collapse",
        (Condition("identical_predictions_log10_probability", "below", (-6.0,)),),
        min_total=101,
        severity="critical",
        priority="P1",
        cause="prediction",
        runbook=runbook("model-collapse"),
        pack=PACK,
    ),
    Rule(
        "confidence-down",
        (Condition("confidence", "drop_from_baseline", (0.15,)),),
        span=_HOUR,
        for_ms=5 * MINUTE_MS,
        keep_firing_ms=15 * MINUTE_MS,
        min_total=100,
        cause="prediction",
        runbook=runbook("confidence-down"),
        pack=PACK,
    ),
    Rule(
        "prediction-shift",
        (Condition("drift.score.drifted", "above", (0.5,)), Condition("drift.prediction.drifted", "above", (0.5,))),
        joined="any",
        span=_HOUR,
        for_ms=10 * MINUTE_MS,
        keep_firing_ms=15 * MINUTE_MS,
        cause="prediction",
        runbook=runbook("prediction-shift"),
        pack=PACK,
    ),
)


def _drift(name: str, condition: Condition, tier: Tier) -> Rule:
    return Rule(
        name,
        (condition,),
        span=_HOUR,
        for_ms=10 * MINUTE_MS,
        keep_firing_ms=15 * MINUTE_MS,
        severity=tier.severity,
        priority=tier.priority,
        cause="drift",
        runbook=runbook("feature-drift"),
        pack=PACK,
    )


DRIFT: Final = (
    _drift("drift-on-many-features", Condition("drift.features_drifted", "above", (3,)), WORK),
    _drift("drift-on-a-feature", Condition("drift.features.*.drifted", "above", (0.5,)), NOTE),
)


def _missing(name: str, kind: ConditionKind, limit: float, tier: Tier, floor: float | None = None) -> Rule:
    return Rule(
        name,
        (Condition("quality.features.*.missing_ratio", kind, (limit,), floor=floor),),
        for_ms=5 * MINUTE_MS,
        keep_firing_ms=5 * MINUTE_MS,
        min_total=100,
        severity=tier.severity,
        priority=tier.priority,
        cause="quality",
        runbook=runbook("missing-values"),
        pack=PACK,
    )


QUALITY: Final = (
    _missing("nulls-doubled", "rise_from_baseline", 1.0, WORK, floor=0.01),
    _missing("missing-above-30", "above", 0.30, WORK),
    _missing("missing-above-10", "above", 0.10, NOTE),
)


def _service(name: str, metric: str, rise: float, floor: float | None = None) -> Rule:
    return Rule(
        name,
        (Condition(metric, "rise_from_baseline", (rise,), floor=floor),),
        for_ms=5 * MINUTE_MS,
        keep_firing_ms=5 * MINUTE_MS,
        min_total=100,
        cause="service",
        runbook=runbook(name),
        pack=PACK,
    )


SERVICE: Final = (
    Rule(
        "throughput-zero",
        (Condition("total", "absent_for", (300.0,)),),
        severity="critical",
        priority="P1",
        cause="traffic",
        runbook=runbook("throughput"),
        pack=PACK,
    ),
    _service("serving-errors-high", "error_rate", 2.0, floor=0.001),
    _service("serving-latency-high", "prediction_latency_seconds.p95", 1.0),
)

LABELS: Final = (
    Rule(
        "label-feed-stalled",
        (Condition("labelled", "absent_for", (3_600.0,)),),
        cause="labels",
        runbook=runbook("label-feed-stalled"),
        pack=PACK,
    ),
    Rule(
        "join-rate-fallen",
        (Condition("maturity", "below", (0.5,)),),
        span=_HOUR,
        for_ms=10 * MINUTE_MS,
        keep_firing_ms=10 * MINUTE_MS,
        min_total=100,
        cause="labels",
        runbook=runbook("join-rate-fallen"),
        pack=PACK,
    ),
)

RULES: Final = (*OUTCOME, *PREDICTIONS, *DRIFT, *QUALITY, *SERVICE, *LABELS)
