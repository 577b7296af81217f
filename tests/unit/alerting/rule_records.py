"""Small rules and metric records for the tests of what judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alerting.evaluator import Evaluator, Options
from alerting.rule import Condition, ConditionKind, Rule
from alerting.unsent import key_of
from models.alert_event import AlertEvent
from models.metric_record import iso_ms, ms_of_iso

MINUTE = 60_000
T0 = 1_763_719_200_000  # 2025-11-21T10:00:00Z
HOUR = 60 * MINUTE


def rule(
    name: str = "accuracy-low",
    metric: str = "accuracy",
    kind: ConditionKind = "below",
    *limits: float,
    **more: Any,  # noqa: ANN401 - whatever a rule takes
) -> Rule:
    resolve = more.pop("resolve", None)
    return Rule(name, (Condition(metric, kind, limits or (0.9,), resolve),), **more)


def record(
    minute: int,
    accuracy: float | None = 0.95,
    *,
    labelled: int = 1000,
    total: int = 5000,
    revision: int = 1,
    final: bool = False,
    segment: str = "",
    version: str = "v1",
    model: str = "fraud",
    span: str = "60s",
    length_ms: int = MINUTE,
    metrics: Mapping[str, float | None] | None = None,
    **parts: object,
) -> dict[str, object]:
    """The window that ends at the given minute after T0."""
    end_ms = T0 + minute * MINUTE
    correct = 0 if accuracy is None else round(accuracy * labelled)
    return {
        "schema": "hindcast.metric/1",
        "model": model,
        "model_version": version,
        "segment": segment,
        "task": "binary",
        "window_start": iso_ms(end_ms - length_ms),
        "window_end": iso_ms(end_ms),
        "span": span,
        "revision": revision,
        "final": final,
        "emitted_at": iso_ms(end_ms + 40_000),
        "total": total,
        "labelled": labelled,
        "correct": correct,
        "label_coverage": labelled / total if total else None,
        "throughput_per_second": total / 60,
        "confusion": {"tp": 0, "fp": 0, "fn": labelled - correct, "tn": correct},
        "metrics": {"accuracy": accuracy, "positive_rate": 0.02, "mean_score": 0.05, **(metrics or {})},
        "intervals": {"accuracy": None if accuracy is None else [accuracy - 0.02, accuracy + 0.02]},
        **parts,
    }


def now(minute: float) -> int:
    """The wall clock some seconds after that minute's end."""
    return T0 + round(minute * MINUTE) + 40_000


class Desk:
    """An evaluator whose rows are kept as an agent would; events are taken as sent once collected."""

    def __init__(self, rules: Sequence[Rule], options: Options | None = None) -> None:
        self.rules, self.options = list(rules), options or Options()
        self.rows: dict[str, bytes] = {}
        self.told: list[AlertEvent] = []
        self.evaluator = Evaluator(self.rules, self.options, {})

    def take(self, *records: dict[str, object], at: int | None = None) -> list[AlertEvent]:
        for each in records:
            self.evaluator.take(each, at if at is not None else now((_end(each) - T0) / MINUTE))
        return self.commit()

    def tick(self, now_ms: int) -> list[AlertEvent]:
        self.evaluator.tick(now_ms)
        return self.commit()

    def commit(self) -> list[AlertEvent]:
        """Rows become durable, then events go out."""
        self.save()
        events = self.evaluator.outbox()
        self.evaluator.sent([*map(key_of, events), *map(key_of, self.evaluator.decisions())])
        self.save()
        self.told += events
        return events

    def save(self) -> None:
        changes = self.evaluator.collect()
        self.rows.update(changes.puts)
        for key in changes.drops:
            self.rows.pop(key, None)

    def restart(self, rules: Sequence[Rule] | None = None) -> None:
        """What was not collected is lost."""
        self.rules = self.rules if rules is None else list(rules)
        self.evaluator = Evaluator(self.rules, self.options, dict(self.rows))


def _end(each: dict[str, object]) -> int:
    return ms_of_iso(str(each["window_end"]))


def said(events: Sequence[AlertEvent]) -> list[str]:
    return [event.status for event in events]
