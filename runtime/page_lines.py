"""The values that the configuration names, for the page: where rules begin to judge, and what is usual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from alerting.rule import Condition, Rule
from dashboard.answers import LineItem
from runtime.settings import Settings
from runtime.settings.alerts_build import resolved
from runtime.settings.baseline import performance_by_path

Bad = Literal["above", "below"]
METRICS = "metrics."


def page_lines(settings: Settings) -> tuple[LineItem, ...]:
    """Baseline values of the files, then thresholds of the rules; what is learned from traffic stands in no file."""
    usual = {name: performance_by_path(one.baseline) for name, one in settings.models.items() if one.baseline}
    found = [
        LineItem(model=model, metric=path, kind="baseline", value=value, rule="", severity="", span="", bad=None)
        for model, by_path in usual.items()
        for path, value in by_path.items()
        if "." not in path
    ]
    for rule in resolved(settings.alerts):
        for model in rule.models or ("",):
            found += _thresholds(rule, model, usual)
    return tuple(found)


def _thresholds(rule: Rule, model: str, usual: Mapping[str, Mapping[str, float]]) -> Iterator[LineItem]:
    for condition in rule.conditions:
        # A rule for every model that compares with the baseline has a threshold in each model with a file.
        of = [model] if model or not condition.kind.endswith("baseline") else sorted(usual)
        for name in of:
            for value, bad in _values(condition, usual.get(name, {})):
                yield LineItem(
                    model=name,
                    metric=condition.metric.removeprefix(METRICS),
                    kind="threshold",
                    value=value,
                    rule=rule.name,
                    severity=rule.severity,
                    span=rule.span,
                    bad=bad,
                )


def _values(condition: Condition, usual: Mapping[str, float]) -> Iterator[tuple[float, Bad]]:
    if "*" in condition.metric:
        return
    known = usual.get(condition.metric)
    match condition.kind:
        case "below" | "above":
            yield condition.limits[0], condition.kind
        case "outside":
            yield condition.limits[0], "below"
            yield condition.limits[1], "above"
        case "drop_from_baseline" if known is not None:
            yield known * (1 - condition.limits[0]), "below"
        case "rise_from_baseline" if known is not None:
            yield known * (1 + condition.limits[0]), "above"
