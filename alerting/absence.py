"""Nothing came: no traffic, no labels, a metric undefined. The only thing judged by the wall clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from alerting import wording
from alerting.computed import Record
from alerting.events import decision, firing, resolved
from alerting.journal import Journal
from alerting.keys import join, split
from alerting.options import Options
from alerting.paths import compile_path
from alerting.rule import Rule
from alerting.series import Evidence, SeriesKey
from alerting.unsent import Outbox
from models.alert_event import AlertEvent
from models.metric_record import ms_of_iso

PREFIX: Final = "absent|"
_TRAFFIC: Final = frozenset({"total", "throughput_per_second"})
_COUNTS: Final = _TRAFFIC | {"labelled", "correct", "label_coverage"}


class _Row(msgspec.Struct, array_like=True):
    """last_ms: mark of the newest record that had it; event: while it is missed."""

    last_ms: int
    event: AlertEvent | None = None


_decode = msgspec.msgpack.Decoder(_Row).decode


def is_absence(rule: Rule) -> bool:
    """Whether the rule waits for nothing; raises ValueError where that is mixed with other conditions."""
    kinds = [c.kind for c in rule.conditions]
    if "absent_for" in kinds and len(kinds) > 1:
        raise ValueError(f"rule {rule.name}: absent_for stands alone, it judges no record")
    return "absent_for" in kinds


class Absences:
    """Of whole models over all their versions, and only of models once seen.

    Only time during which records could have been taken counts: after a start the clock begins anew.
    """

    def __init__(
        self, rules: Sequence[Rule], options: Options, rows: Mapping[str, bytes], outbox: Outbox, journal: Journal
    ) -> None:
        self._rules = {rule.name: rule for rule in rules}
        self._readers = {rule.name: compile_path(rule.conditions[0].metric) for rule in rules}
        self._options = options
        self._outbox = outbox
        self._journal = journal
        self._seen_ms: dict[tuple[str, str], int] = {}
        self._awake_ms: int | None = None
        self._interested: dict[tuple[str, str], list[Rule]] = {}
        self._rows: dict[tuple[str, str], _Row] = {}
        for key, row in rows.items():
            if key.startswith(PREFIX):
                _, name, model = split(key)
                self._load(name, model, _decode(row))

    def _load(self, name: str, model: str, row: _Row) -> None:
        if name in self._rules and self._rules[name].is_for(model):
            self._rows[name, model] = row
            return
        if row.event is not None:
            self._outbox.add(resolved(row.event, None, row.last_ms, wording.removed(name)))
        self._journal.drop(join("absent", name, model))

    def interested(self, model: str, span: str) -> list[Rule]:
        """The rules that such records of the whole model matter to."""
        if (model, span) not in self._interested:
            found = [rule for rule in self._rules.values() if rule.span == span and rule.is_for(model)]
            self._interested[model, span] = found
        return self._interested[model, span]

    def take(self, rules: Sequence[Rule], record: Record, model: str, end_ms: int, now_ms: int) -> None:
        """Something came; is it what the rules wait for?"""
        self._wake(now_ms)
        for rule in rules:
            mark_ms = self._mark(rule, record, end_ms)
            if mark_ms is not None:
                self._saw(rule, model, mark_ms, end_ms, now_ms)

    def _mark(self, rule: Rule, record: Record, end_ms: int) -> int | None:
        """Traffic is new where the window is; the rest where a record says so that is not a mere last word."""
        metric = rule.conditions[0].metric
        values = [one.value for one in self._readers[rule.name].read(record, lambda _: None)]
        if not any(value is not None and (value > 0 or metric not in _COUNTS) for value in values):
            return None
        if metric in _TRAFFIC:
            return end_ms
        emitted_at = record.get("emitted_at")
        if record.get("final"):
            return None
        return ms_of_iso(emitted_at) if isinstance(emitted_at, str) else end_ms

    def _saw(self, rule: Rule, model: str, mark_ms: int, end_ms: int, now_ms: int) -> None:
        row = self._rows.get((rule.name, model))
        if row is not None and mark_ms <= row.last_ms:
            return
        if row is not None and row.event is not None:
            over_ms = max(end_ms, row.event.starts_at_ms)
            self._outbox.add(resolved(row.event, None, over_ms, wording.sound(rule.conditions[0], end_ms)))
        self._seen_ms[rule.name, model] = now_ms
        self._put(rule, model, _Row(mark_ms))

    def tick(self, now_ms: int) -> None:
        """Time passes."""
        awake_ms = self._wake(now_ms)
        for (name, model), row in self._rows.items():
            since_ms = max(awake_ms, self._seen_ms.get((name, model), awake_ms))
            if row.event is None and now_ms - since_ms >= self._patience_ms(self._rules[name], model):
                self._miss(self._rules[name], model, row, now_ms)

    def _patience_ms(self, rule: Rule, model: str) -> int:
        """One record a window is all that comes, so a shorter wait would miss what is not late."""
        return max(int(rule.conditions[0].limits[0] * 1000), 2 * self._options.window_of(model)) + rule.for_ms

    def _miss(self, rule: Rule, model: str, row: _Row, now_ms: int) -> None:
        evidence = Evidence(None, None, None, row.last_ms, wording.silence(rule.conditions[0], row.last_ms))
        event = firing(rule, SeriesKey(model, "", "", rule.span), evidence, row.last_ms, historic=False)
        self._outbox.add(event)
        proposal = decision(rule, event, now_ms)
        if proposal is not None:
            self._outbox.add(proposal)
        self._rows[rule.name, model].event = event
        self._put(rule, model, row)

    def _wake(self, now_ms: int) -> int:
        if self._awake_ms is None:
            self._awake_ms = now_ms
        return self._awake_ms

    def _put(self, rule: Rule, model: str, row: _Row) -> None:
        self._rows[rule.name, model] = row
        self._journal.put(join("absent", rule.name, model), row)

    def firing(self) -> list[AlertEvent]:
        """What is missed now."""
        return [row.event for row in self._rows.values() if row.event is not None]
