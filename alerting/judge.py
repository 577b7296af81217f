"""Judges one record by one rule, without a memory: is it breached, fine, or can nobody tell?"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from math import inf
from typing import Final, NamedTuple

from alerting.computed import Lookup, Record, count, requests
from alerting.discovery import above_p, below_p
from alerting.paths import Interval, Sighting, compile_path, trials
from alerting.rule import FLOOR, Condition, ConditionKind, Rule

RELATIVE: Final = ("drop_from_baseline", "rise_from_baseline")


class Verdict(IntEnum):
    """HOLDING keeps a firing alert firing, yet starts none: not back past ``resolve``, or not certain."""

    UNKNOWN = 0
    FINE = 1
    HOLDING = 2
    BREACHED = 3


class Finding(NamedTuple):
    """One value against its threshold; ``past`` says on which side of it a breach lies."""

    verdict: Verdict
    kind: ConditionKind
    path: str
    value: float | None
    threshold: float | None
    interval: Interval | None
    baseline: float | None
    past: str = ""

    @property
    def beyond(self) -> bool:
        """Whether the value itself lies past the threshold."""
        if self.value is None or self.threshold is None:
            return False
        return self.value < self.threshold if self.past == "below" else self.value > self.threshold

    @property
    def excess(self) -> float:
        """How far past the threshold, as a share of it; the worst is told first."""
        if self.value is None or self.threshold is None:
            return 0.0
        return abs(self.value - self.threshold) / (abs(self.threshold) or 1e-9)


class Judgement(NamedTuple):
    """The verdict on a record, and the findings that it rests on, worst first.

    p_value: how likely so bad a record is at the threshold itself; None where nothing tells.
    """

    verdict: Verdict
    findings: Sequence[Finding]
    p_value: float | None = None


class _Bounds(NamedTuple):
    """Breached below low or above high; over again only within the resolve bounds."""

    low: float | None = None
    high: float | None = None
    low_resolve: float | None = None
    high_resolve: float | None = None


class Judge:
    """A rule ready to judge records."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._conditions = [_Comparison(c, certain=rule.certain) for c in rule.conditions]
        self._many = rule.at_least if rule.joined == "at_least" else 0
        self._limited = bool(rule.min_total or rule.min_labelled or rule.min_label_coverage or rule.min_maturity)

    def verdict(self, record: Record, baseline: Lookup) -> Verdict:
        """Only the verdict, quickly: most records are fine and nobody asks why."""
        if self._limited and self._too_little(record):
            return Verdict.UNKNOWN
        if len(self._conditions) == 1 and not self._many:
            return max(self._conditions[0].verdicts(record, baseline), default=Verdict.UNKNOWN)
        return self._joined([c.verdicts(record, baseline) for c in self._conditions])

    def judge(self, record: Record, baseline: Lookup, *, with_p: bool = False) -> Judgement:
        """The verdict and why; ``with_p`` computes the p-value too."""
        if self._limited and self._too_little(record):
            return Judgement(Verdict.UNKNOWN, ())
        groups = [c.findings(record, baseline) for c in self._conditions]
        verdict = self._joined([[f.verdict for f in group] for group in groups])
        findings = sorted((f for group in groups for f in group), key=lambda f: (-f.verdict, -f.excess, f.path))
        return Judgement(verdict, findings, self._p_value(record, findings) if with_p else None)

    def _too_little(self, record: Record) -> bool:
        rule = self.rule
        if rule.min_total and requests(record) < rule.min_total:
            return True
        if rule.min_labelled and count(record, "labelled") < rule.min_labelled:
            return True
        if rule.min_maturity and _come_share(record) < rule.min_maturity:
            return True
        coverage = record.get("label_coverage")
        return bool(rule.min_label_coverage) and (
            not isinstance(coverage, int | float) or coverage < rule.min_label_coverage
        )

    def _joined(self, groups: list[list[Verdict]]) -> Verdict:
        if self._many:
            return _at_least([verdict for group in groups for verdict in group], self._many)
        verdicts = [max(group, default=Verdict.UNKNOWN) for group in groups]
        if self.rule.joined == "any":
            return max(verdicts)
        return Verdict.FINE if Verdict.FINE in verdicts else min(verdicts)

    def _p_value(self, record: Record, findings: list[Finding]) -> float | None:
        """All breached at once is at most as likely as the likeliest one; any of n, n times the least likely."""
        known = [p for f in findings if (p := _p_of(f, record)) is not None]
        if self._many or not known or len(known) < len(findings):
            return None
        wild = len(findings) > len(self._conditions)
        return max(known) if self.rule.joined == "all" and not wild else min(1.0, len(known) * min(known))


def _come_share(record: Record) -> float:
    """Of the labels that will ever come the share that is in; 1 where it is not known how long labels take."""
    maturity, expected = record.get("maturity"), record.get("expected_share")
    if not isinstance(expected, int | float):
        return 1.0
    return expected * maturity if isinstance(maturity, int | float) else 0.0


def _at_least(verdicts: list[Verdict], many: int) -> Verdict:
    if verdicts.count(Verdict.BREACHED) >= many:
        return Verdict.BREACHED
    if sum(v >= Verdict.HOLDING for v in verdicts) >= many:
        return Verdict.HOLDING
    return Verdict.FINE if any(verdicts) else Verdict.UNKNOWN


def _p_of(finding: Finding, record: Record) -> float | None:
    if finding.value is None or finding.threshold is None:
        return None
    tail = below_p if finding.past == "below" else above_p
    p_value = tail(finding.value, finding.threshold, trials(record, finding.path), finding.interval)
    return None if p_value is None else min(1.0, p_value * (2 if finding.kind == "outside" else 1))


class _Comparison:
    """One condition, its path compiled and its bounds known unless they hang on a baseline."""

    def __init__(self, condition: Condition, *, certain: bool) -> None:
        self.condition = condition
        self.certain = certain
        self.path = compile_path(condition.metric)
        self.fixed = None if condition.kind in RELATIVE else _bounds(condition)

    def verdicts(self, record: Record, baseline: Lookup) -> list[Verdict]:
        """One for every value; the long way where interval, baseline or computation is needed."""
        if self.certain or self.fixed is None or self.path.values is None:
            return [finding.verdict for finding in self.findings(record, baseline)]
        bounds = self.fixed
        return [_of_value(value, bounds) for value in self.path.values(record)]

    def findings(self, record: Record, baseline: Lookup) -> list[Finding]:
        """The same with what they rest on."""
        return [self._finding(sighting, baseline) for sighting in self.path.read(record, baseline)]

    def _finding(self, sighting: Sighting, baseline: Lookup) -> Finding:
        path, value, interval = sighting
        kind, usual, bounds = self.condition.kind, None, self.fixed
        if bounds is None:
            usual = baseline(path)
            bounds = None if usual is None else _relative(self.condition, usual)
        if value is None or bounds is None or (self.certain and interval is None):
            return Finding(Verdict.UNKNOWN, kind, path, value, None, interval, usual)
        past = _past(value, bounds.low, bounds.high)
        if past:
            sure = not self.certain or interval is None or _past(interval[past == "below"], bounds.low, bounds.high)
            verdict = Verdict.BREACHED if sure else Verdict.HOLDING
        else:
            past, held = _nearest(value, bounds), _past(value, bounds.low_resolve, bounds.high_resolve)
            verdict = Verdict.HOLDING if held else Verdict.FINE
        threshold = bounds.low if past == "below" else bounds.high
        return Finding(verdict, kind, path, value, threshold, interval, usual, past)


def _of_value(value: float | None, bounds: _Bounds) -> Verdict:
    if value is None:
        return Verdict.UNKNOWN
    low, high, low_resolve, high_resolve = bounds
    if (low is not None and value < low) or (high is not None and value > high):
        return Verdict.BREACHED
    held = (low_resolve is not None and value < low_resolve) or (high_resolve is not None and value > high_resolve)
    return Verdict.HOLDING if held else Verdict.FINE


def _past(value: float, low: float | None, high: float | None) -> str:
    if low is not None and value < low:
        return "below"
    return "above" if high is not None and value > high else ""


def _nearest(value: float, bounds: _Bounds) -> str:
    if bounds.low is None or bounds.high is None:
        return "above" if bounds.low is None else "below"
    return "below" if value - bounds.low < bounds.high - value else "above"


def _relative(condition: Condition, usual: float) -> _Bounds | None:
    """``resolve`` is a share of the baseline, too. From 0 nothing drops, and a rise has to reach the floor."""
    share, resolve, size = condition.limits[0], condition.resolve, abs(usual)
    if condition.kind == "drop_from_baseline":
        back = None if resolve is None else usual - size * resolve
        return _Bounds(low=usual - size * share, low_resolve=back) if usual else None
    floor = condition.floor if condition.floor is not None else -inf if usual else FLOOR
    high = max(usual + size * share, floor)
    if resolve is None or high == floor:  # a floor is no share of the baseline, so there is no way back from it
        return _Bounds(high=high)
    return _Bounds(high=high, high_resolve=usual + size * resolve)


def _bounds(condition: Condition) -> _Bounds:
    """For ``outside``, ``resolve`` is how far inside it is over."""
    first, resolve = condition.limits[0], condition.resolve
    match condition.kind:
        case "below":
            return _Bounds(low=first, low_resolve=resolve)
        case "above":
            return _Bounds(high=first, high_resolve=resolve)
        case "outside":
            low, high = condition.limits
            return _Bounds(low, high, low + resolve, high - resolve) if resolve is not None else _Bounds(low, high)
    raise ValueError(f"{condition.kind} is not judged on a record")
