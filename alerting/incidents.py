"""One alert over time: its verdicts, and which of its incidents have been told."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from alerting.judge import Verdict
from alerting.rule import Rule
from alerting.state import INACTIVE, Incident, State, fold, step
from models.alert_event import AlertEvent


class Row(msgspec.Struct, array_like=True):
    """What is kept of an alert besides its windows' verdicts.

    base: the state after all windows that are too old to change. past: incidents told and over that a
    revision could still touch. event: the firing event while it is told and not over.
    """

    base: State = INACTIVE
    past: list[Incident] = []
    event: AlertEvent | None = None

    def __bool__(self) -> bool:
        return self != _TRIVIAL


_TRIVIAL = Row()


class Alert:
    """One rule on one series; verdicts may come in any order and be revised."""

    __slots__ = ("newest_ms", "row", "rule", "state", "stored")

    def __init__(self, rule: Rule, row: Row | None = None) -> None:
        self.rule = rule
        self.row = row or Row()
        self.state = self.row.base
        self.newest_ms: int | None = None
        self.stored = row is not None

    def append(self, verdict: Verdict, end_ms: int) -> list[Incident]:
        """One more window, the newest; the incidents that it closes."""
        self.newest_ms = end_ms
        self.state, closed = step(self.state, verdict, end_ms, self.rule.for_ms, self.rule.keep_firing_ms)
        return [] if closed is None else [closed]

    def refold(self, judged: Iterable[tuple[int, Verdict]]) -> list[Incident]:
        """All windows that are not in the base, in order; the incidents that they close."""
        self.state, closed = fold(self.row.base, judged, self.rule.for_ms, self.rule.keep_firing_ms)
        return closed

    def settle(self, verdict: Verdict, end_ms: int, floor_ms: int) -> bool:
        """This window cannot change any more, nor can incidents that ended by ``floor_ms``; was that news?"""
        rule, row = self.rule, self.row
        if row.base.since_ms is None and verdict is not Verdict.BREACHED and not row.past:
            return False
        base, _ = step(row.base, verdict, end_ms, rule.for_ms, rule.keep_firing_ms)
        past = [one for one in row.past if one.ends_at_ms > floor_ms] if row.past else row.past
        changed = base != row.base or len(past) != len(row.past)
        row.base, row.past = base, past
        return changed

    def untold(self, closed: Iterable[Incident]) -> list[Incident]:
        """Closed incidents that nobody was told of, now taken as told: late labels show such.

        One that overlaps what was told is the same incident, and what was told reaches as far from now on.
        """
        new: list[Incident] = []
        for incident in closed:
            known = next((told for told in self.row.past if _overlap(incident, told)), None)
            if known is None:
                new.append(incident)
                self._remember(incident)
            elif incident.ends_at_ms > known.ends_at_ms:
                self.row.past = [told for told in self.row.past if told is not known]
                self._remember(Incident(known.starts_at_ms, incident.ends_at_ms))
        return new

    def _remember(self, told: Incident) -> None:
        self.row.past = sorted([*self.row.past, told], key=lambda one: one.starts_at_ms)

    def start_ms(self) -> int:
        """When the incident that fires now began; later than what was told to be over, so that names differ."""
        start_ms = self.state.since_ms or 0
        for told in self.row.past:
            if told.starts_at_ms <= start_ms <= told.ends_at_ms:
                start_ms = max(told.ends_at_ms, told.starts_at_ms + 1)
        return start_ms

    def close(self, closed: Iterable[Incident], end_ms: int) -> int:
        """Take the open incident as told to be over; when it ended. It may never have been, says a revision."""
        event = self.row.event
        assert event is not None, "only what is open can be closed"
        start_ms = event.starts_at_ms
        ends = [c.ends_at_ms for c in closed if c.ends_at_ms > start_ms]
        told = Incident(start_ms, max([start_ms, *(ends[-1:] or [end_ms])]))
        self.row.event = None
        self._remember(told)
        return told.ends_at_ms


def _overlap(one: Incident, other: Incident) -> bool:
    return (one.starts_at_ms < other.ends_at_ms and other.starts_at_ms < one.ends_at_ms) or (
        one.starts_at_ms == other.starts_at_ms
    )
