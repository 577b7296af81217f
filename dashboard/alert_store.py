"""Incidents and decisions: the last word on each, by its offset."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from dashboard.message import DAY_MS, Message
from dashboard.metric_record import one_line
from models.alert_event import AlertEvent, decode_alert
from models.decision import Decision, decode_decision

COUNT_MAX: Final = 2_000
_OPEN: Final = frozenset({"proposed", "approved"})

T = TypeVar("T")


class Said(NamedTuple, Generic[T]):
    """A record, where it stands on its partition, and its JSON on one line."""

    offset: int
    written_ms: int
    record: T
    value: bytes


class AlertStore:
    """Incidents: each alert's last one, and those of a day; at most `COUNT_MAX`."""

    def __init__(self) -> None:
        self.incidents: dict[str, Said[AlertEvent]] = {}
        self._last: dict[str, Said[AlertEvent]] = {}

    def add(self, message: Message) -> Said[AlertEvent] | None:
        """Take in a record; None where it is not news. Raises ValueError."""
        if message.value is None:
            self._forget((message.key or b"").decode())
            return None
        alert = decode_alert(message.value)
        said = Said(message.offset, message.written_ms, alert, one_line(message.value))
        before = self.incidents.get(alert.incident)
        if before is not None and before.offset >= said.offset:
            return None
        self.incidents[alert.incident] = said
        last = self._last.get(alert.fingerprint)
        if last is None or last.offset < said.offset:
            self._last[alert.fingerprint] = said
        return said

    def firing(self) -> list[AlertEvent]:
        """What fires now. Only the last incident of an alert can."""
        return [said.record for said in self._last.values() if said.record.status == "firing"]

    def expire(self, now_ms: int) -> None:
        """Let go of what was said more than a day ago and does not fire, and of the oldest beyond the maximum."""
        kept = [said for said in self.incidents.values() if self._fires(said) or said.written_ms >= now_ms - DAY_MS]
        kept.sort(key=lambda said: (self._fires(said), said.offset))
        self.incidents = {said.record.incident: said for said in kept[-COUNT_MAX:]}
        known = {said.record.fingerprint for said in self.incidents.values()}
        self._last = {fingerprint: said for fingerprint, said in self._last.items() if fingerprint in known}

    def _fires(self, said: Said[AlertEvent]) -> bool:
        return said.record.status == "firing" and self._last[said.record.fingerprint] is said

    def _forget(self, fingerprint: str) -> None:
        self._last.pop(fingerprint, None)
        self.incidents = {key: said for key, said in self.incidents.items() if said.record.fingerprint != fingerprint}


class DecisionStore:
    """Decisions by their id: the open ones, and those of a day; at most `COUNT_MAX`."""

    def __init__(self) -> None:
        self.decisions: dict[str, Said[Decision]] = {}

    def add(self, message: Message) -> Said[Decision] | None:
        """Take in a record; None where it is not news. Raises ValueError."""
        if message.value is None:
            gone = message.key or b""
            self.decisions = {key: said for key, said in self.decisions.items() if said.record.key() != gone}
            return None
        decision = decode_decision(message.value)
        before = self.decisions.get(decision.decision_id)
        if before is not None and before.offset >= message.offset:
            return None
        said = Said(message.offset, message.written_ms, decision, one_line(message.value))
        self.decisions[decision.decision_id] = said
        return said

    def expire(self, now_ms: int) -> None:
        """Let go of what was settled more than a day ago, and of the oldest beyond the maximum."""
        kept = [s for s in self.decisions.values() if s.record.state in _OPEN or s.written_ms >= now_ms - DAY_MS]
        kept.sort(key=lambda said: (said.record.state in _OPEN, said.written_ms, said.record.decision_id))
        self.decisions = {said.record.decision_id: said for said in kept[-COUNT_MAX:]}
