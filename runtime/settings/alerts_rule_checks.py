"""Whether the rules hold together, and name what there is."""

from collections.abc import Iterable, Iterator, Mapping

from alerting.metric_paths import has_interval
from alerting.rule import Condition, Rule
from runtime.settings.alerts import AlertSettings
from runtime.settings.alerts_build import given_conditions, joins_of, kinds_of, pack_rules
from runtime.settings.alerts_rules import ConditionSettings, RuleSettings
from runtime.settings.model import ModelSettings
from runtime.settings.problem import KeyPath, Problem
from runtime.settings.suggest import suggestion
from runtime.settings.units import Span

_WAY_BACK = {
    "below": "resolve_above",
    "above": "resolve_below",
    "drop_from_baseline": "resolve_below",
    "rise_from_baseline": "resolve_below",
}
_OF_RECORDS = (
    "min_total", "min_labelled", "min_label_coverage", "min_maturity", "keep_firing_ms", "segments",
    "false_discovery",
)  # fmt: skip
"""What has no meaning where no record is judged, but that none came."""
_KEYS = {"all_of": "all", "any_of": "any", "absent_for_ms": "absent_for", "keep_firing_ms": "keep_firing"}


def check_rules(alerts: AlertSettings, models: Mapping[str, ModelSettings]) -> Iterator[Problem]:
    """Every fault of ``alerts.rules``."""
    packs, seen = pack_rules(alerts), set[str]()
    for index, own in enumerate(alerts.rules):
        at: KeyPath = ("alerts", "rules", index)
        if own.name in seen:
            yield Problem((*at, "name"), f"{own.name} stands twice")
        seen.add(own.name)
        yield from _check(at, own, packs.get(own.name), models)


def _check(at: KeyPath, own: RuleSettings, base: Rule | None, models: Mapping[str, ModelSettings]) -> Iterator[Problem]:
    yield from unknown_names((*at, "model"), own.models or [], models, "model", any_name="*" in models)
    yield from _span(at, own, base, models)
    if own.disabled:
        if base is None:
            yield Problem(
                (*at, "disabled"), f"no pack that is switched on has a rule {own.name}", (("alerts", "packs"),)
            )
        return
    yield from _structure(at, own, base)
    yield from _certain(at, own, base)
    yield from _together(at, own, base)


def unknown_names(
    at: KeyPath, names: Iterable[str], known: Iterable[str], what: str, *, any_name: bool = False
) -> Iterator[Problem]:
    """A problem for each name that is not known, with the nearest one that is."""
    every = list(known)
    for name in names:
        if name not in every and not any_name:
            yield Problem(at, f"no {what} {name}{suggestion(name, every)}")


def _structure(at: KeyPath, own: RuleSettings, base: Rule | None) -> Iterator[Problem]:
    """Exactly one condition, or one list of them."""
    joins = joins_of(own)
    if base is not None and not given_conditions(own):
        return
    if len(joins) > 1:
        yield Problem(at, f"give one of {_named(joins)}")
    elif joins:
        yield from _listed(at, own, joins[0])
    elif base is not None and len(base.conditions) > 1:
        yield Problem(at, f"{own.name} has several conditions, write all of them under any, all or of")
    else:
        yield from _condition(at, own, base.conditions[0] if base else None)
    if own.at_least is not None and "of" not in joins and "*" not in (own.metric or ""):
        yield Problem((*at, "at_least"), "needs a list of conditions under of, or a metric with a *")


def _listed(at: KeyPath, own: RuleSettings, join: str) -> Iterator[Problem]:
    if own.metric or kinds_of(own):
        yield Problem(at, f"give either metric and its condition or {_named([join])}")
    conditions: list[ConditionSettings] = getattr(own, join)
    for index, condition in enumerate(conditions):
        if condition.absent_for_ms is not None:
            yield Problem((*at, _KEYS.get(join, join), index, "absent_for"), "stands alone: it judges no record")
        yield from _condition((*at, _KEYS.get(join, join), index), condition, None)
    if join != "of":
        return
    if own.at_least is None:
        yield Problem((*at, "at_least"), "is needed with of", ((*at, "of"),))
    elif own.at_least > len(conditions) and not any("*" in (c.metric or "") for c in conditions):
        yield Problem(
            (*at, "at_least"), f"is more than there are conditions under of ({len(conditions)})", ((*at, "of"),)
        )


def _condition(at: KeyPath, one: ConditionSettings, base: Condition | None) -> Iterator[Problem]:
    """base: the condition that it changes."""
    kinds = kinds_of(one)
    if one.metric is None and base is None:
        yield Problem((*at, "metric"), "is needed")
    if len(kinds) > 1:
        yield Problem(at, f"give one of {_named(kinds)}")
    elif not kinds and base is None:
        yield Problem(at, "needs one of below, above, outside, drop_from_baseline, rise_from_baseline, absent_for")
    if one.outside is not None and one.outside[0] >= one.outside[1]:
        yield Problem((*at, "outside"), "is written [low, high]")
    if len(kinds) == 1:
        yield from _way_back(at, one, kinds[0], getattr(one, kinds[0]))
    elif not kinds and base is not None:
        yield from _way_back(at, one, base.kind, base.limits[0])


def _way_back(at: KeyPath, one: ConditionSettings, kind: str, limit: float) -> Iterator[Problem]:
    """Hysteresis points away from the threshold; of a drop or rise, it is a share as the threshold is."""
    if one.floor is not None and kind != "rise_from_baseline":
        yield Problem((*at, "floor"), f"has no meaning with {_KEYS.get(kind, kind)}", ((*at, kind),))
    for key in ("resolve_above", "resolve_below"):
        value = getattr(one, key)
        if value is None:
            continue
        if _WAY_BACK.get(kind) != key:
            yield Problem((*at, key), f"has no meaning with {_KEYS.get(kind, kind)}", ((*at, kind),))
        elif value < limit if key == "resolve_above" else value > limit:
            yield Problem((*at, key), f"{value:g} still fires: {kind} is {limit:g}", ((*at, kind),))


def _certain(at: KeyPath, own: RuleSettings, base: Rule | None) -> Iterator[Problem]:
    """Certainty needs an interval."""
    if not (own.certain if base is None or "certain" in own.model_fields_set else base.certain):
        return
    bare = [metric for metric in _metrics(own, base) if metric and not has_interval(metric)]
    if bare:
        yield Problem((*at, "certain"), f"there is no confidence interval of {', '.join(bare)}", ((*at, "metric"),))


def _metrics(own: RuleSettings, base: Rule | None) -> list[str | None]:
    """What the rule will judge, as far as it can be told."""
    joins = joins_of(own)
    if joins:
        conditions: list[ConditionSettings] = getattr(own, joins[0])
        return [condition.metric for condition in conditions]
    if own.metric or base is None:
        return [own.metric]
    return [condition.metric for condition in base.conditions]


def _together(at: KeyPath, own: RuleSettings, base: Rule | None) -> Iterator[Problem]:
    """Keys that need another one."""
    whole = own.segments == "whole" and (base is None or "segments" in own.model_fields_set or base.segments == "whole")
    if own.false_discovery is not None and whole:
        yield Problem((*at, "false_discovery"), "needs segments: all", ((*at, "segments"),))
    if own.lag_ms and own.over is None and not (base and base.span):
        yield Problem((*at, "lag"), "needs over: the span that ends so long before", ((*at, "over"),))
    of_spans = any(metric and metric.startswith("trends.") for metric in _metrics(own, base))
    if of_spans and own.over is None and not (base and base.span):
        yield Problem((*at, "over"), "is needed: trends are of the windows of a span", ((*at, "metric"),))
    if _waits(own, base):
        for key in _OF_RECORDS:
            if key in own.model_fields_set:
                yield Problem((*at, _KEYS.get(key, key)), "has no meaning with absent_for", ((*at, "absent_for"),))


def _waits(own: RuleSettings, base: Rule | None) -> bool:
    """Whether the rule will be one of absence."""
    if own.absent_for_ms is not None or base is None or kinds_of(own) or joins_of(own):
        return own.absent_for_ms is not None
    return base.conditions[0].kind == "absent_for"


def _span(at: KeyPath, own: RuleSettings, base: Rule | None, models: Mapping[str, ModelSettings]) -> Iterator[Problem]:
    """A span consists of whole windows, of every model that the rule is for."""
    only = own.models or (base.models if base else ())
    meant = {name: model for name, model in models.items() if model.window_ms and (not only or name in only)}
    for key, ms in (("over", _length_ms(own.over)), ("lag", own.lag_ms)):
        for name, model in meant.items():
            if key == "over" and own.over == model.window:
                text = f"{model.window.name} is the window of model {name}: leave it out"
            elif ms % model.window_ms:
                text = f"is not a multiple of the window of model {name} ({model.window.name})"
            else:
                continue
            yield Problem((*at, key), text, (("models", name, "window"),))
            break


def _length_ms(span: Span | None) -> int:
    return (span.ms or 0) if span else 0


def _named(keys: list[str]) -> str:
    return ", ".join(_KEYS.get(key, key) for key in keys)
