"""All series and their rows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from alerting import wording
from alerting.incidents import Alert, Row
from alerting.journal import Journal
from alerting.judge import Judge
from alerting.keys import join, split
from alerting.rule import Rule
from alerting.series import Series, SeriesKey, Window
from alerting.telling import PREFIX as ALERT
from alerting.telling import Teller

WINDOW: Final = "window|"

_decode_window = msgspec.msgpack.Decoder(Window).decode
_decode_alert = msgspec.msgpack.Decoder(Row).decode


def number_of(rule: Rule) -> int:
    """Names the rule in the rows of windows."""
    return zlib.crc32(rule.name.encode())


class Book:
    """Finds the series of a record and the rules on it; rebuilt from rows, rules may have changed meanwhile."""

    def __init__(self, rules: Sequence[Rule], rows: Mapping[str, bytes], journal: Journal, teller: Teller) -> None:
        self.judges = {number_of(rule): Judge(rule) for rule in rules}
        if len(self.judges) < len(rules):
            raise ValueError("two rules have the same name, or names that look alike to a 32-bit sum: rename one")
        self._journal = journal
        self._teller = teller
        self._series: dict[SeriesKey, Series] = {}
        self._families: dict[tuple[str, str, str], dict[str, Series]] = {}
        self._interested: dict[tuple[str, str, bool], dict[int, Judge]] = {}
        self._load_windows(rows)
        self._load_alerts(rows)

    def interested(self, model: str, span: str, *, whole: bool) -> dict[int, Judge]:
        """The rules, by number, that judge such records."""
        key = (model, span, whole)
        if key not in self._interested:
            self._interested[key] = {
                number: judge
                for number, judge in self.judges.items()
                if judge.rule.span == span and judge.rule.is_for(model) and (whole or judge.rule.segments == "all")
            }
        return self._interested[key]

    def series(self, key: SeriesKey) -> Series:
        """The series, made where it is new."""
        return self._series.get(key) or self._make(key)

    def _make(self, key: SeriesKey) -> Series:
        rules = self.interested(key.model, key.span, whole=not key.segment)
        alerts = {number: Alert(judge.rule) for number, judge in rules.items()}
        series = self._series[key] = Series(key, WINDOW + join(*key) + "|", alerts)
        self._families.setdefault((key.model, key.version, key.span), {})[key.segment] = series
        return series

    def family(self, key: SeriesKey) -> Iterator[Series]:
        """The segments of the same model, version and span."""
        every = self._families[key.model, key.version, key.span]
        return (series for segment, series in every.items() if segment)

    def all(self) -> list[Series]:
        """Every series."""
        return list(self._series.values())

    def of_segment(self, model: str, segment: str) -> bool:
        """Whether any series of that segment is left."""
        return any(key.model == model and key.segment == segment for key in self._series)

    def forget(self, series: Series) -> None:
        """Drop a series that sends nothing any more; its alerts are over."""
        del self._series[series.key]
        self._families[series.key.model, series.key.version, series.key.span].pop(series.key.segment)
        why = wording.gone(series.key.version, series.newest_ms)
        for alert in series.alerts.values():
            self._teller.end(series.key, alert, series.newest_ms, why)
        for end_ms in series.ends_ms:
            self._journal.drop(series.row_key(end_ms))

    def _load_windows(self, rows: Mapping[str, bytes]) -> None:
        for key, row in rows.items():
            if key.startswith(WINDOW):
                *names, end = split(key)[1:]
                self._load_window(key, SeriesKey(*names), int(end), _decode_window(row))
        for series in self._series.values():
            for number, alert in series.alerts.items():
                alert.newest_ms = series.newest_judged(number)

    def _load_window(self, key: str, name: SeriesKey, end_ms: int, window: Window) -> None:
        rules = self.interested(name.model, name.span, whole=not name.segment)
        if not rules:
            self._journal.drop(key)
            return
        if not window.verdicts.keys() <= rules.keys():
            window.verdicts = {number: v for number, v in window.verdicts.items() if number in rules}
            window.doubts = {number: d for number, d in window.doubts.items() if number in rules}
            self._journal.put(key, window)
        self.series(name).add(end_ms, window)

    def _load_alerts(self, rows: Mapping[str, bytes]) -> None:
        for key, encoded in rows.items():
            if key.startswith(ALERT):
                _, rule, *names = split(key)
                self._load_alert(rule, SeriesKey(*names), _decode_alert(encoded))
        for series in self._series.values():
            for number, alert in series.alerts.items():
                alert.refold(series.judged(number))

    def _load_alert(self, rule: str, key: SeriesKey, row: Row) -> None:
        series = self._series.get(key)
        alert = next((a for a in series.alerts.values() if a.rule.name == rule), None) if series else None
        if series is None or alert is None:
            last_ms = series.newest_ms if series else 0
            self._teller.end(key, Alert(Rule(rule, ()), row), last_ms, wording.removed(rule))
            return
        alert.row, alert.stored = row, True
