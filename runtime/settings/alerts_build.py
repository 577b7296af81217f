"""From the rules of the file and of the packs to the rules that are judged."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from alerting.packs import PACKS
from alerting.rule import Condition, ConditionKind, Joined, Rule
from models.alert_event import Priority, Severity
from runtime.settings.alerts import AlertSettings
from runtime.settings.alerts_rules import ConditionSettings, RuleSettings
from runtime.settings.units import duration_text

KINDS: Final[dict[str, ConditionKind]] = {
    "below": "below",
    "above": "above",
    "outside": "outside",
    "drop_from_baseline": "drop_from_baseline",
    "rise_from_baseline": "rise_from_baseline",
    "absent_for_ms": "absent_for",
}
"""Attribute of the settings -> kind of the condition."""
_JOINED: Final[dict[str, Joined]] = {"all_of": "all", "any_of": "any", "of": "at_least"}
_AS_THEY_ARE: Final = (
    "for_ms", "keep_firing_ms", "min_total", "min_labelled", "min_label_coverage", "min_maturity", "certain",
    "segments", "false_discovery", "cause", "decision", "runbook", "summary",
)  # fmt: skip
_SEVERITY_OF: Final[dict[Priority, Severity]] = {"P1": "critical", "P2": "warning", "P3": "info"}
_PRIORITY_OF: Final[dict[Severity, Priority]] = {severity: priority for priority, severity in _SEVERITY_OF.items()}


def pack_rules(alerts: AlertSettings) -> dict[str, Rule]:
    """The rules of the packs that are switched on, by name, as they come."""
    return {rule.name: rule for pack in alerts.packs for rule in PACKS[pack]}


def resolved(alerts: AlertSettings) -> list[Rule]:
    """Every rule that is judged: the packs' with the file's changes, then the file's own."""
    found = pack_rules(alerts)
    for own in alerts.rules:
        if own.disabled:
            found.pop(own.name, None)
        else:
            found[own.name] = to_rule(own, found.get(own.name))
    return list(found.values())


def to_rule(own: RuleSettings, base: Rule | None) -> Rule:
    """A rule of the file; with a base, the base with the keys that the file names."""
    if base is None:
        return replace(Rule(own.name, conditions_of(own)), **_changes(own, None))
    changes = _changes(own, base)
    if given_conditions(own):
        changes["conditions"] = conditions_of(own, base)
    return replace(base, **changes)


def given_conditions(own: RuleSettings) -> bool:
    """Whether the entry says anything of what is compared."""
    return bool(own.model_fields_set & (ConditionSettings.model_fields.keys() | _JOINED.keys()))


def kinds_of(condition: ConditionSettings) -> list[str]:
    """Attributes of the kinds that the condition names; it should be one."""
    return [name for name in KINDS if getattr(condition, name) is not None]


def joins_of(own: RuleSettings) -> list[str]:
    """Attributes of the lists of conditions that the rule names; one at most is right."""
    return [name for name in _JOINED if getattr(own, name) is not None]


def conditions_of(own: RuleSettings, base: Rule | None = None) -> tuple[Condition, ...]:
    """The conditions of a rule that is known to be whole."""
    joins = joins_of(own)
    if joins:
        return tuple(_condition(one, None) for one in getattr(own, joins[0]))
    return (_condition(own, base.conditions[0] if base else None),)


def _condition(one: ConditionSettings, base: Condition | None) -> Condition:
    metric = one.metric or (base.metric if base else "")
    resolve = one.resolve_above if one.resolve_above is not None else one.resolve_below
    floor = one.floor if one.floor is not None or base is None else base.floor
    kinds = kinds_of(one)
    if kinds:
        is_rise = kinds[0] == "rise_from_baseline"
        return Condition(metric, KINDS[kinds[0]], _limits(one, kinds[0]), resolve, floor if is_rise else None)
    assert base is not None, "checked: a condition has a kind, or changes one that has"
    return replace(base, metric=metric, resolve=base.resolve if resolve is None else resolve, floor=floor)


def _limits(one: ConditionSettings, kind: str) -> tuple[float, ...]:
    value = getattr(one, kind)
    if kind == "absent_for_ms":
        return (value / 1000,)
    return tuple(value) if kind == "outside" else (value,)


def _changes(own: RuleSettings, base: Rule | None) -> dict[str, Any]:
    """Fields of the rule that the file names."""
    given = own.model_fields_set
    changes: dict[str, Any] = {name: getattr(own, name) for name in _AS_THEY_ARE if name in given}
    if own.models is not None:
        changes["models"] = tuple(own.models)
    if given & {"over", "lag_ms"}:
        changes["span"] = span_name(own, base)
    for join in joins_of(own):
        changes["joined"] = _JOINED[join]
    if own.at_least is not None:
        changes |= {"joined": "at_least", "at_least": own.at_least}
    return changes | dict(_urgency(own))


def _urgency(own: RuleSettings) -> Iterator[tuple[str, str]]:
    """Severity and priority; one alone says the other."""
    severity = own.severity or (_SEVERITY_OF[own.priority] if own.priority else None)
    priority = own.priority or (_PRIORITY_OF[own.severity] if own.severity else None)
    if severity and priority:
        yield from (("severity", severity), ("priority", priority))


def span_name(own: RuleSettings, base: Rule | None) -> str:
    """``5m``, ``5m lag 1h``; empty for one window. What the file does not name is the base's."""
    over, _, lag = (base.span if base else "").partition(" lag ")
    over = own.over.name if own.over else over
    if "lag_ms" in own.model_fields_set:
        lag = duration_text(own.lag_ms) if own.lag_ms else ""
    return f"{over} lag {lag}" if lag else over
