"""What an alert says, in one sentence: value, interval, threshold, window, counts, baseline where it is relative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerting.computed import Record, count
from alerting.judge import Finding, Judgement, Verdict
from alerting.rule import Condition
from models.metric_record import iso_ms

_SHOWN_MAX: Final = 3


def sentence(judgement: Judgement, shown: Finding, record: Record, end_ms: int) -> str:
    """``accuracy 0.842 [0.81, 0.87] is below 0.9 in the 5m to 10:05Z (1,203 labelled)``.

    shown: the finding to tell; others that are breached follow it.
    """
    if shown.threshold is None:
        return ""
    others = [f for f in judgement.findings if f.verdict is Verdict.BREACHED and f is not shown]
    breached = judgement.verdict is Verdict.BREACHED
    return f"{_compared(shown)} {_window(record, end_ms)}" + (_others(others) if breached else "")


def main_finding(judgement: Judgement) -> Finding | None:
    """The one that an alert shows: the worst breach, or what makes the record fine."""
    known = [f for f in judgement.findings if f.threshold is not None]
    if judgement.verdict is not Verdict.BREACHED:
        known.sort(key=lambda f: f.verdict is not Verdict.FINE)
    return known[0] if known else None


def gone(version: str, last_ms: int) -> str:
    """For an alert whose model version or segment sends nothing any more."""
    return f"no more records{f' of version {version}' if version else ''} since {clock(last_ms)}"


def removed(rule: str) -> str:
    """For an alert whose rule has been taken out of the configuration."""
    return f"the rule {rule} is not configured any more"


def silence(condition: Condition, last_ms: int) -> str:
    """``no predictions since 10:05Z (for more than 5m)``."""
    what = {"total": "no predictions", "throughput_per_second": "no predictions", "labelled": "no labels"}
    missing = what.get(condition.metric, f"{condition.metric} undefined")
    return f"{missing} since {clock(last_ms)} (for more than {duration(condition.limits[0])})"


def sound(condition: Condition, end_ms: int) -> str:
    """The end of it."""
    what = {"total": "predictions", "throughput_per_second": "predictions", "labelled": "labels"}
    return f"{what.get(condition.metric, condition.metric)} again in the window to {clock(end_ms)}"


def clock(time_ms: int) -> str:
    """The time of day.

    >>> clock(36_300_000), clock(36_301_500)
    ('10:05Z', '10:05:01Z')
    """
    text = iso_ms(time_ms)[11:19]
    return f"{text.removesuffix(':00')}Z"


def duration(seconds: float) -> str:
    """As the configuration writes it.

    >>> duration(300), duration(90), duration(86_400)
    ('5m', '90s', '1d')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"


def number(value: float, digits: int = 4) -> str:
    """Short and readable.

    >>> number(0.84213), number(30211.0), number(99999.96), number(1e-9)
    ('0.8421', '30,211', '100,000', '1e-09')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def _compared(finding: Finding) -> str:
    value, threshold, usual = finding.value or 0.0, finding.threshold or 0.0, finding.baseline
    interval = finding.interval
    between = f" [{number(interval[0], 3)}, {number(interval[1], 3)}]" if interval else ""
    said = f"{finding.path} {_apart(value, threshold)}{between} {_is(finding)} {finding.past} {number(threshold)}"
    if not usual:
        return said
    side = "below" if value < usual else "above"
    return f"{said}, {100 * abs(value - usual) / abs(usual):.3g} % {side} its baseline {number(usual)},"


def _is(finding: Finding) -> str:
    if finding.verdict is Verdict.BREACHED:
        return "is"
    return "is not certainly" if finding.beyond else "is not"


def _apart(value: float, threshold: float) -> str:
    """As many digits as it takes to see on which side of the threshold it lies."""
    for digits in (4, 6, 9):
        if value == threshold or number(value, digits) != number(threshold, digits):
            return number(value, digits)
    return repr(value)


def _window(record: Record, end_ms: int) -> str:
    span, labelled = str(record.get("span", "")), count(record, "labelled")
    counts = f"{labelled:,} labelled" if labelled else f"{count(record, 'total'):,} predictions"
    return f"in the {span} to {clock(end_ms)} ({counts})"


def _others(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    named = ", ".join(f"{f.path} {number(f.value or 0.0)}" for f in findings[:_SHOWN_MAX])
    more = len(findings) - _SHOWN_MAX
    return f"; also {named}" + (f" and {more} more" if more > 0 else "")
