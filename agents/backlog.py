"""What stands on the topics when a notifier starts, and how one without a past takes it.

Nothing is notified before the end of the topics is reached once: what fired and resolved meanwhile, or was silenced,
is then known as a whole. The alerts topic keeps alerts of long ago. Told from its beginning, a notifier whose own log
is empty would page for all that has fired and resolved since; so for such a one the records are first folded by
alert, and only those that still fire are taken as news.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faust.types import TP

from agents.context import AppContext
from agents.stream import ChunkEvent
from models.alert_event import AlertEvent

SILENT_MS = 5_000
"""A topic whose records have all been deleted says nothing and ends at no record either."""


@dataclass(slots=True)
class Backlog:
    """Until the end of the topics is reached. Chunks may come again: later offsets win."""

    since_ms: int
    held: list[ChunkEvent] = field(default_factory=list)
    _newest: dict[str, tuple[int, AlertEvent]] = field(default_factory=dict)

    def add(self, offset: int, alert: AlertEvent) -> None:
        """One record of the alerts topic."""
        known = self._newest.get(alert.fingerprint)
        if known is None or known[0] <= offset:
            self._newest[alert.fingerprint] = offset, alert

    def hold(self, event: ChunkEvent) -> None:
        """All records of the chunk are added; it is acknowledged with the block that takes the backlog."""
        self.held.append(event)

    def last(self) -> int:
        """The last offset that was collected, -1 if none."""
        return max((event.value.last for event in self.held), default=-1)

    def firing(self) -> list[AlertEvent]:
        """The alerts that still fire, in the order of the topic."""
        newest = sorted(self._newest.values(), key=lambda one: one[0])
        return [alert for _, alert in newest if alert.status == "firing"]

    def is_complete(self, context: AppContext, taken: Mapping[TP, int]) -> bool:
        """Whether all of the topics has come; taken: up to which offset each was read."""
        return all(self._is_read(context, tp, last) for tp, last in taken.items())

    def _is_read(self, context: AppContext, tp: TP, last: int) -> bool:
        if context.idle(tp, last):
            return True
        polled_ms, now_ms = context.consumer.polled_ms(tp), context.now_ms()
        listening = polled_ms is not None and now_ms - polled_ms < SILENT_MS
        return listening and now_ms - self.since_ms > SILENT_MS
