"""Tells each incident once: compares what an alert's state is with what has been said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from alerting.events import decision, firing, resolved
from alerting.incidents import Alert
from alerting.journal import Journal
from alerting.keys import join
from alerting.rule import Rule
from alerting.series import Evidence, SeriesKey
from alerting.state import Incident
from alerting.unsent import Outbox
from models.alert_event import AlertEvent

PREFIX = "alert|"
Show = Callable[[], Evidence]


class Teller:
    """Puts events into the outbox and keeps the alerts' rows."""

    def __init__(self, outbox: Outbox, journal: Journal, max_age_ms: int) -> None:
        self._outbox = outbox
        self._journal = journal
        self._max_age_ms = max_age_ms

    def tell(
        self, key: SeriesKey, alert: Alert, closed: Sequence[Incident], show: Show, times_ms: tuple[int, int]
    ) -> None:
        """Say what has to be said after a window (its end, now) changed the alert and closed these incidents."""
        end_ms, now_ms = times_ms
        event = alert.row.event
        if event is not None:
            if not alert.state.firing:
                self._outbox.add(resolved(event, show(), alert.close(closed, end_ms)))
            elif event.historic and self._reaches_now(alert, now_ms):
                self._fire(key, alert, show, event.starts_at_ms, now_ms)
            alert.untold(closed)
        else:
            for incident in alert.untold(closed):
                self._past(key, alert.rule, incident, show, now_ms)
            if alert.state.firing:
                self._fire(key, alert, show, alert.start_ms(), now_ms)
        self.keep(key, alert)

    def _fire(self, key: SeriesKey, alert: Alert, show: Show, start_ms: int, now_ms: int) -> None:
        historic = not self._reaches_now(alert, now_ms)
        alert.row.event = firing(alert.rule, key, show(), start_ms, historic=historic)
        self._begin(alert.rule, alert.row.event, now_ms)

    def _past(self, key: SeriesKey, rule: Rule, incident: Incident, show: Show, now_ms: int) -> None:
        """An incident that was over before it could be seen."""
        historic = incident.ends_at_ms < now_ms - self._max_age_ms
        event = firing(rule, key, show(), incident.starts_at_ms, historic=historic)
        self._begin(rule, event, now_ms)
        self._outbox.add(resolved(event, None, incident.ends_at_ms, event.summary))

    def _begin(self, rule: Rule, event: AlertEvent, now_ms: int) -> None:
        self._outbox.add(event)
        proposal = None if event.historic else decision(rule, event, now_ms)
        if proposal is not None:
            self._outbox.add(proposal)

    def _reaches_now(self, alert: Alert, now_ms: int) -> bool:
        return alert.newest_ms is not None and alert.newest_ms >= now_ms - self._max_age_ms

    def end(self, key: SeriesKey, alert: Alert, end_ms: int, why: str) -> None:
        """Nothing will ever judge this alert again."""
        if alert.row.event is not None:
            over = resolved(alert.row.event, None, max(end_ms, alert.row.event.starts_at_ms), why)
            self._outbox.add(msgspec.structs.replace(over, value=None, interval=None))
        self._journal.drop(row_key(key, alert.rule.name))

    def keep(self, key: SeriesKey, alert: Alert) -> None:
        """Write the alert's row; one that says nothing is dropped."""
        if alert.row:
            alert.stored = True
            self._journal.put(row_key(key, alert.rule.name), alert.row)
        elif alert.stored:
            alert.stored = False
            self._journal.drop(row_key(key, alert.rule.name))


def row_key(key: SeriesKey, rule: str) -> str:
    """Where an alert's row is kept."""
    return PREFIX + join(rule, *key)
