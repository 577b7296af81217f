"""The rolling spans that rules judge: records of them have to be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerting.rule import Rule
from runtime.settings import ModelSettings, parse_duration_ms
from runtime.settings import Span as WrittenSpan
from tables.plan import ANY_MODEL, Span


def rule_spans(rules: Iterable[Rule], name: str, model: ModelSettings) -> Iterator[Span]:
    """The spans of the rules for a model (or for ``"*"``) that it has not got anyway."""
    has = {"", model.window.name, *(span.name for span in model.spans)}
    for rule in rules:
        if rule.span not in has and (name == ANY_MODEL or rule.is_for(name)):
            has.add(rule.span)
            yield _span(rule.span, model.window_ms)


def _span(name: str, window_ms: int) -> Span:
    """The span of that name, in whole windows: a pack's hour is judged for a model with windows of 7 minutes, too."""
    over, _, lag = name.partition(" lag ")
    written = WrittenSpan.parse(over)
    return Span(
        name,
        None if written.ms is None else _whole(written.ms, window_ms),
        written.labelled,
        _whole(parse_duration_ms(lag), window_ms) if lag else 0,
    )


def _whole(ms: int, window_ms: int) -> int:
    """The least multiple of the window that is not shorter.

    >>> _whole(3_600_000, 420_000)
    3780000
    """
    return -(-ms // window_ms) * window_ms
