"""The rolling spans that rules judge: records of them have to be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerting.rule import Rule
from models.moments import parse_duration_ms
from runtime.settings import ModelSettings, Settings
from runtime.settings import Span as WrittenSpan
from runtime.watch_plan import is_compared
from tables.plan import ANY_MODEL, Span


def rule_spans(rules: Iterable[Rule], name: str, model: ModelSettings) -> Iterator[Span]:
    """The spans of the rules for a model (or for ``"*"``) that it has not got anyway."""
    has = {"", model.window.name, *(span.name for span in model.spans)}
    mine = [rule for rule in rules if rule.span not in has and (name == ANY_MODEL or rule.is_for(name))]
    of_segments = {rule.span for rule in mine if rule.segments == "all"}
    for span in dict.fromkeys(rule.span for rule in mine):
        yield _span(span, model.window_ms, whole_only=span not in of_segments)


def drift_span(model: ModelSettings) -> Iterator[Span]:
    """The span that carries drift, where there is something to compare with."""
    over = model.drift.over
    if is_compared(model):
        length_ms = None if over.ms is None else _whole(over.ms, model.window_ms)
        if length_ms != model.window_ms:  # else each window carries it
            yield Span(over.name, length_ms, records=over.records, whole_only=True)


def silent_drift(rules: Iterable[Rule], settings: Settings) -> Iterator[str]:
    """A line for each model that has rules about drift over spans too short to hold it: they never judge."""
    about_drift = [rule for rule in rules if any(one.metric.startswith("drift.") for one in rule.conditions)]
    for name, model in settings.models.items():
        over = model.drift.over
        if over.ms is None or not is_compared(model):
            continue
        mine = [rule for rule in about_drift if name == ANY_MODEL or rule.is_for(name)]
        silent = [rule.name for rule in mine if (_length_ms(rule.span, model) or over.ms) < over.ms]
        if silent:
            never = f"{', '.join(silent)} never judge"
            yield f"models.{name}.drift.over: no record of less than {over.name} holds drift, so {never}"


def _length_ms(name: str, model: ModelSettings) -> int | None:
    """Of the span of that name; None of a counted one."""
    return _span(name, model.window_ms, whole_only=True).length_ms if name else model.window_ms


def _span(name: str, window_ms: int, *, whole_only: bool) -> Span:
    """The span of that name, in whole windows: a pack's hour is judged for a model with windows of 7 minutes, too."""
    over, _, lag = name.partition(" lag ")
    written = WrittenSpan.parse(over)
    return Span(
        name,
        None if written.ms is None else _whole(written.ms, window_ms),
        written.labelled,
        _whole(parse_duration_ms(lag), window_ms) if lag else 0,
        records=written.records,
        whole_only=whole_only,
    )


def _whole(ms: int, window_ms: int) -> int:
    """The least multiple of the window that is not shorter.

    >>> _whole(3_600_000, 420_000)
    3780000
    """
    return -(-ms // window_ms) * window_ms
