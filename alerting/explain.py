"""Every rule in one plain sentence, for ``hindcast check``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerting.rule import Condition, Rule

_WORDS: Final = {
    "identical_predictions_log10_probability": "log10 of the probability that all predictions are the same",
    "total": "predictions",
    "labelled": "labels",
}
_PARTS: Final = {"features": "a feature", "per_class": "a class"}


def explain(rule: Rule) -> str:
    """What makes the rule fire, when it is over, and how urgent it is.

    >>> explain(Rule("low", (Condition("accuracy", "below", (0.9,)),), span="5m", for_ms=120_000, priority="P1",
    ...     severity="critical", min_labelled=100))
    'low (P1, critical): fires when accuracy is below 0.9 over 5m, for 2m; judged from 100 labelled records on.'
    """
    parts = [_when(rule) + _where(rule), *_limits(rule)]
    return f"{rule.name} ({rule.priority}, {rule.severity}): fires when {'; '.join(parts)}."


def _when(rule: Rule) -> str:
    conditions = [_condition(one, certain=rule.certain) for one in rule.conditions]
    if rule.joined == "at_least" and (len(conditions) > 1 or rule.at_least > 1):
        return f"at least {rule.at_least} of: {', '.join(conditions)}"
    return (" or " if rule.joined == "any" else " and ").join(conditions)


def _condition(one: Condition, *, certain: bool) -> str:
    what, limit = _metric(one.metric), one.limits[0]
    whole = ", with its whole confidence interval," if certain else ""
    match one.kind:
        case "above" if one.metric.endswith(".drifted"):
            said = f"{what} has drifted"
        case "below" | "above":
            said = f"{what} is{whole} {one.kind} {limit:g}"
        case "outside":
            said = f"{what} is{whole} below {limit:g} or above {one.limits[1]:g}"
        case "drop_from_baseline":
            said = f"{what} is{whole} more than {_percent(limit)} below its baseline"
        case "rise_from_baseline":
            said = f"{what} is{whole} more than {_percent(limit)} above its baseline"
            said += f" and above {one.floor:g}" if one.floor is not None else ""
        case _:
            came = f"no {what} came" if one.metric in _WORDS else f"{what} was missing"
            return f"{came} for {duration(round(1000 * limit))}"
    return said if one.resolve is None else f"{said} (until {_way_back(one, one.resolve)})"


def _way_back(one: Condition, resolve: float) -> str:
    if one.kind in {"drop_from_baseline", "rise_from_baseline"}:
        return f"that is at most {_percent(resolve)}"
    return f"it is back {'inside by' if one.kind == 'outside' else 'past'} {resolve:g}"


def _metric(path: str) -> str:
    """The path, read aloud where it is a pattern: ``drift.features.*.psi`` -> ``psi of a feature``."""
    outer, star, last = path.removesuffix(".drifted").partition(".*")
    if not star:
        return _WORDS.get(path, outer.removeprefix("drift.") if path.endswith(".drifted") else path)
    one = _PARTS.get(outer.rpartition(".")[2], f"one of {outer}")
    return f"{last.removeprefix('.')} of {one}" if last else one


def _where(rule: Rule) -> str:
    over, _, lag = rule.span.partition(" lag ")
    words = f" over {over}" if over else ""
    words += f" that ended {lag} ago" if lag else ""
    words += f", for {duration(rule.for_ms)}" if rule.for_ms else ""
    words += ", in the model or any segment" if rule.segments == "all" else ""
    return words + (f", of {' or '.join(rule.models)}" if rule.models else "")


def _limits(rule: Rule) -> Iterator[str]:
    least = [
        f"{rule.min_total} records" if rule.min_total else "",
        f"{rule.min_labelled} labelled records" if rule.min_labelled else "",
        f"{_percent(rule.min_label_coverage)} with labels" if rule.min_label_coverage else "",
        f"{_percent(rule.min_maturity)} of the expected labels" if rule.min_maturity else "",
    ]
    if any(least):
        yield f"judged from {' and '.join(filter(None, least))} on"
    if rule.false_discovery is not None:
        yield f"at most {_percent(rule.false_discovery)} of the segments told are so by chance"
    if rule.keep_firing_ms:
        yield f"over when that has not been so for {duration(rule.keep_firing_ms)}"
    if rule.decision is not None:
        yield f"proposes to {rule.decision}"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def duration(ms: int) -> str:
    """``2m``, ``90s``, ``1h``: the largest unit that fits.

    >>> duration(120_000), duration(90_000)
    ('2m', '90s')
    """
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"
