"""Alert events and decisions that have been made and not yet been sent, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from alerting.journal import Journal
from models.alert_event import AlertEvent
from models.decision import Decision

PREFIX: Final = "outbox|"


class _Row(msgspec.Struct, array_like=True):
    number: int
    event: AlertEvent | None = None
    decision: Decision | None = None


_decode = msgspec.msgpack.Decoder(_Row).decode


def key_of(item: AlertEvent | Decision) -> str:
    """What to call it when it has been sent: the same after any crash."""
    if isinstance(item, Decision):
        return f"{PREFIX}decision|{item.decision_id}"
    return f"{PREFIX}{item.status}|{item.incident}"


class Outbox:
    """Lives in rows, so that what was not known to be sent is sent again after a crash."""

    def __init__(self, rows: Mapping[str, bytes], journal: Journal) -> None:
        found = {key: _decode(row) for key, row in rows.items() if key.startswith(PREFIX)}
        self._rows = dict(sorted(found.items(), key=lambda pair: pair[1].number))
        self._next = 1 + max((row.number for row in self._rows.values()), default=0)
        self._journal = journal

    def add(self, item: AlertEvent | Decision) -> None:
        """Behind all others; a newer word on the same change of an alert replaces what is still here."""
        row = _Row(self._next, decision=item) if isinstance(item, Decision) else _Row(self._next, item)
        self._next += 1
        key = key_of(item)
        self._rows.pop(key, None)
        self._rows[key] = row
        self._journal.put(key, row)

    def events(self) -> list[AlertEvent]:
        """In the order in which they came about."""
        return [row.event for row in self._rows.values() if row.event is not None]

    def decisions(self) -> list[Decision]:
        """In the order in which they came about."""
        return [row.decision for row in self._rows.values() if row.decision is not None]

    def sent(self, keys: Iterable[str]) -> None:
        """These need not be sent again."""
        for key in keys:
            if self._rows.pop(key, None) is not None:
                self._journal.drop(key)
