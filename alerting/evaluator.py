"""Judges metric records by all rules and says what changed: pure, its state in rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from alerting.absence import Absences, is_absence
from alerting.baseline import Baselines, Shown
from alerting.book import Book
from alerting.changes import Changes
from alerting.journal import Journal
from alerting.judging import Judging
from alerting.options import Options
from alerting.rule import Rule
from alerting.series import Series, SeriesKey
from alerting.telling import Teller
from alerting.unsent import Outbox
from models.alert_event import AlertEvent
from models.decision import Decision
from models.metric_record import ms_of_iso

__all__ = ["Evaluator", "Options"]


class Evaluator:
    """Built from rows, fed with records and ticks; what `collect` returns has to be durable before the outbox goes.

    Taking a record again changes nothing, in whatever order: a revision counts if it is newer than the last
    one seen of its window, and the windows of an alert are folded in event-time order.
    """

    def __init__(self, rules: Sequence[Rule], options: Options, rows: Mapping[str, bytes]) -> None:
        self.options = options
        self._journal = Journal()
        self._outbox = Outbox(rows, self._journal)
        self._baselines = Baselines(rules, options.baselines, options.baseline_windows, rows, self._journal)
        waiting = [rule for rule in rules if is_absence(rule)]
        self._absences = Absences(waiting, options, rows, self._outbox, self._journal)
        teller = Teller(self._outbox, self._journal, options.max_age_ms)
        self._book = Book([rule for rule in rules if not is_absence(rule)], rows, self._journal, teller)
        self._judging = Judging(self._book, teller, self._journal, options.alert_lookback_ms)

    def take(self, record: dict[str, object], now_ms: int) -> None:
        """One decoded metric record; raises KeyError or ValueError for what is none."""
        model, segment = str(record["model"]), str(record["segment"])
        end_ms, start_ms = ms_of_iso(str(record["window_end"])), ms_of_iso(str(record["window_start"]))
        span = str(record["span"])
        span = "" if self.options.is_window(span, end_ms - start_ms, model) else span
        if not segment:
            waiting = self._absences.interested(model, span)
            self._absences.take(waiting, record, model, end_ms, now_ms)
        rules = self._book.interested(model, span, whole=not segment)
        if rules:
            key = SeriesKey(model, str(record["model_version"]), segment, span)
            self._judging.take(key, record, (start_ms, end_ms), self._baselines.of(model, segment), now_ms)
        if record.get("final") and not span:
            self._baselines.learn(record, model, segment)

    def wants(self, model: str, segment: str, span: str) -> bool:
        """Whether such records matter to any rule; most of those of segments do not, and need not be decoded."""
        name = self.options.window_name(model)
        if name is None:
            return True
        span = "" if span == name else span
        return bool(
            self._book.interested(model, span, whole=not segment)
            or (not span and self._baselines.learns(model, segment))
            or (not segment and self._absences.interested(model, span))
        )

    def tick(self, now_ms: int) -> None:
        """Nothing came: absences are judged, series that their models have left behind are forgotten."""
        self._absences.tick(now_ms)
        patience_ms = max(self.options.max_age_ms, self.options.alert_lookback_ms)
        every = self._book.all()
        newest: dict[tuple[str, str], int] = {}
        for one in every:
            name = (one.key.model, one.key.span)
            newest[name] = max(newest.get(name, one.newest_ms), one.newest_ms)
        for one in every:
            if newest[one.key.model, one.key.span] - one.newest_ms > patience_ms:
                self._forget(one)

    def _forget(self, series: Series) -> None:
        self._book.forget(series)
        model, segment = series.key.model, series.key.segment
        if segment and not self._book.of_segment(model, segment):
            self._baselines.forget(model, segment)

    def collect(self) -> Changes:
        """The rows that changed since the last time."""
        return self._journal.collect()

    def outbox(self) -> list[AlertEvent]:
        """Alert events that are not known to be sent, in order; send them once what was collected is durable."""
        return self._outbox.events()

    def decisions(self) -> list[Decision]:
        """Decisions that are not known to be sent, in order."""
        return self._outbox.decisions()

    def sent(self, keys: Iterable[str]) -> None:
        """These (`alerting.unsent.key_of`) have reached the broker."""
        self._outbox.sent(keys)

    def shown(self) -> list[Shown]:
        """The baselines learned so far."""
        return self._baselines.shown()

    def firing(self) -> list[AlertEvent]:
        """What fires now."""
        alerts = (alert for series in self._book.all() for alert in series.alerts.values())
        return [a.row.event for a in alerts if a.row.event is not None] + self._absences.firing()
