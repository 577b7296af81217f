"""One record through its rules: verdicts on its window, families of segments, and what that changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from alerting import wording
from alerting.book import Book
from alerting.computed import Lookup, Record
from alerting.discovery import cutoff
from alerting.incidents import Alert
from alerting.journal import Journal
from alerting.judge import Judge, Judgement, Verdict
from alerting.series import Doubt, Evidence, Series, SeriesKey, Window
from alerting.state import Incident
from alerting.telling import Show, Teller

UNKNOWN, FINE, HOLDING, BREACHED = Verdict


@dataclass(slots=True)
class _Case:
    """A window of a series that is judged now; ``left`` are windows that alerts have put behind them."""

    series: Series
    window: Window
    end_ms: int
    now_ms: int
    left: set[int] = field(default_factory=set)
    _leaving: dict[int, list[int]] = field(default_factory=dict)

    def leave(self, after_ms: int, until_ms: int) -> list[int]:
        """Windows that end in (after, until], the same for most alerts of a series."""
        ends_ms = self._leaving.get(after_ms)
        if ends_ms is None:
            ends_ms = self._leaving[after_ms] = self.series.between(after_ms, until_ms)
            self.left.update(ends_ms)
        return ends_ms


@dataclass(slots=True)
class Judging:
    """Keeps the verdicts of recent windows; older ones live on in the state that they led to."""

    book: Book
    teller: Teller
    journal: Journal
    lookback_ms: int

    def take(self, key: SeriesKey, record: Record, window_ms: tuple[int, int], baseline: Lookup, now_ms: int) -> None:
        """Judge a record (its window from, to) by all rules for it, unless as new a revision was seen."""
        series, end_ms = self.book.series(key), window_ms[1]
        is_new = not series.ends_ms
        before_ms = end_ms if is_new else series.newest_ms
        window = _revise(series, end_ms, int(str(record["revision"])))
        if window is None:
            return
        case = _Case(series, window, end_ms, now_ms)
        for number, judge in self.book.interested(key.model, key.span, whole=not key.segment).items():
            if self._too_old(series.alerts[number], end_ms):
                continue
            rate = judge.rule.false_discovery
            if rate is not None and key.segment:
                self._doubt(case, number, judge.judge(record, baseline, with_p=True), record, window_ms)
                for each_ms in self._doubted(series, number) if is_new else (end_ms,):
                    self._discover(case, number, rate, each_ms)
            else:
                verdict = judge.verdict(record, baseline)
                if verdict is not window.verdicts.get(number, UNKNOWN):
                    self._rule(case, number, verdict, partial(_show, judge, record, baseline, window_ms))
        self.journal.put(series.row_key(end_ms), window)
        passed = series.between(before_ms - self.lookback_ms, series.newest_ms - self.lookback_ms)
        self._forget(series, case.left.union(passed, [end_ms]))

    def _too_old(self, alert: Alert, end_ms: int) -> bool:
        return alert.newest_ms is not None and end_ms <= alert.newest_ms - self.lookback_ms

    def _doubt(
        self, case: _Case, number: int, judgement: Judgement, record: Record, window_ms: tuple[int, int]
    ) -> None:
        """A breach whose probability is known waits for what its family says; all else stands by itself."""
        show = partial(_evidence, judgement, record, window_ms)
        breached = judgement.verdict is BREACHED
        if judgement.p_value is None:
            case.window.doubts.pop(number, None)
        else:
            case.window.doubts[number] = Doubt(judgement.p_value, show() if breached else None)
        if judgement.p_value is None or not breached:
            self._rule(case, number, judgement.verdict, show)

    def _doubted(self, series: Series, number: int) -> list[int]:
        """Windows that a new member of the family makes one look more."""
        family = self.book.family(series.key)
        return sorted({end for member in family for end, w in member.windows.items() if number in w.doubts})

    def _discover(self, case: _Case, number: int, rate: float, end_ms: int) -> None:
        """Judge the segments of this window anew: one more p-value moves the cutoff for all."""
        family = list(self.book.family(case.series.key))
        members = [
            (member, window, doubt)
            for member in family
            if (window := member.windows.get(end_ms)) and (doubt := window.doubts.get(number))
        ]
        limit = cutoff([doubt.p_value for _, _, doubt in members], rate, looks=len(family))
        for member, window, doubt in members:
            if doubt.evidence is not None and not self._too_old(member.alerts[number], end_ms):
                verdict = BREACHED if doubt.p_value <= limit else HOLDING
                one = case if member is case.series else _Case(member, window, end_ms, case.now_ms)
                self._rule(one, number, verdict, partial(_same, doubt.evidence))
                self.journal.put(member.row_key(end_ms), window)

    def _rule(self, case: _Case, number: int, verdict: Verdict, show: Show) -> None:
        """The verdict of this rule on this window is now this one."""
        verdicts, alert = case.window.verdicts, case.series.alerts[number]
        old = verdicts.pop(number, UNKNOWN)
        if verdict is not UNKNOWN:
            verdicts[number] = verdict
        if verdict is not UNKNOWN and (alert.newest_ms is None or case.end_ms > alert.newest_ms):
            closed = self._append(case, number, alert, verdict)
        elif verdict is old or (verdict is FINE and old is UNKNOWN and alert.state.since_ms is None):
            return  # one more fine window between others cannot start or prolong an incident
        else:
            closed = alert.refold(case.series.judged(number))
            alert.newest_ms = case.series.newest_judged(number)
        event = alert.row.event
        if closed or alert.state.firing is (event is None) or (event is not None and event.historic):
            self.teller.tell(case.series.key, alert, closed, show, (case.end_ms, case.now_ms))

    def _append(self, case: _Case, number: int, alert: Alert, verdict: Verdict) -> list[Incident]:
        """The alert's newest window; those that it leaves behind the look-back go into the alert's base."""
        before_ms = alert.newest_ms
        closed = alert.append(verdict, case.end_ms)
        if before_ms is not None:
            floor_ms = case.end_ms - self.lookback_ms
            for end_ms in case.leave(before_ms - self.lookback_ms, floor_ms):
                settled = case.series.windows[end_ms].verdicts.pop(number, None)
                if settled is not None and alert.settle(settled, end_ms, floor_ms):
                    self.teller.keep(case.series.key, alert)
        return closed

    def _forget(self, series: Series, ends_ms: Iterable[int]) -> None:
        """Let go of windows on which no verdict hangs, once they are too old to be taken for new."""
        horizon_ms = series.newest_ms - self.lookback_ms
        for end_ms in ends_ms:
            if end_ms <= horizon_ms and not series.windows[end_ms].verdicts:
                series.forget(end_ms)
                self.journal.drop(series.row_key(end_ms))
            else:
                self.journal.put(series.row_key(end_ms), series.windows[end_ms])


def _revise(series: Series, end_ms: int, revision: int) -> Window | None:
    """The window as of this revision; None where as new a one was seen."""
    window = series.windows.get(end_ms)
    if window is None:
        window = Window(revision)
        series.add(end_ms, window)
        return window
    if revision <= window.revision:
        return None
    window.revision = revision
    return window


def _show(judge: Judge, record: Record, baseline: Lookup, window_ms: tuple[int, int]) -> Evidence:
    return _evidence(judge.judge(record, baseline), record, window_ms)


def _same(evidence: Evidence) -> Evidence:
    return evidence


def _evidence(judgement: Judgement, record: Record, window_ms: tuple[int, int]) -> Evidence:
    start_ms, end_ms = window_ms
    shown = wording.main_finding(judgement)
    if shown is None:
        return Evidence(None, None, None, start_ms, "")
    sentence = wording.sentence(judgement, shown, record, end_ms)
    return Evidence(shown.value, shown.threshold, shown.interval, start_ms, sentence)
