"""Who is told what, when: events in, deliveries out, everything that must outlive a crash in rows."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from alerting.alert_table import AlertTable, Entry
from alerting.changes import Changes
from alerting.delivery import Delivery, Outcome
from alerting.dispatch import Dispatcher
from alerting.grouping import Group, Groups
from alerting.inhibition import Inhibitor
from alerting.journal import Journal
from alerting.notification_log import new_alert
from alerting.routing_config import Routing
from alerting.silences import Silences
from alerting.stages import Verdict
from alerting.timers import Timers
from models.alert_event import AlertEvent
from models.silence import Silence


class Notifier:
    """Feed it events and silences, tick it, make `collect` durable, then attempt what `due` gave, say what came of it.

    rows: all that was collected before, put together. The same input twice changes nothing. Times are wall clock,
    in milliseconds since the epoch, and do not go back.
    """

    def __init__(self, routing: Routing, rows: Mapping[str, bytes], random: Random) -> None:
        self._journal = Journal()
        self._timers = Timers()
        self._watched: dict[str, Entry] = {}
        self._seen = -1
        self._restored = False
        self._inhibitor = Inhibitor(routing.inhibitions)
        self._silences = Silences(routing.silences, rows, self._journal)
        self._groups = Groups(_channels(routing), rows, self._journal)
        renewals = {limits.name: limits.renew_every_ms for r in routing.everyone for limits in r.channels}
        self._table = AlertTable(routing, self._groups, self._inhibitor, renewals, self._journal)
        self._table.load(rows)
        self._dispatcher = Dispatcher(routing, self._table, self._groups, rows, self._journal, random, self._look)

    def take_alert(self, event: AlertEvent, now_ms: int) -> None:
        """One event of the alerts topic."""
        self._turn(now_ms)
        entry = self._table.get(event.fingerprint)
        if entry is None:
            if event.historic:
                return
            entry = self._table.add(new_alert(event, now_ms))
        elif not self._take_next(entry, event, now_ms):
            return
        self._table.changed(entry)
        entry.alert.hidden = self._hides(entry)
        self._watched[entry.fingerprint] = entry
        self._look(entry, now_ms)

    def take_silence(self, silence_id: str, silence: Silence | None, now_ms: int) -> None:
        """One record of the silences topic; None takes the silence back."""
        if silence is None:
            self._silences.drop(silence_id)
        else:
            self._silences.put(silence_id, silence)
        self._watch(now_ms)

    def tick(self, now_ms: int) -> None:
        """Let happen what is to happen by now."""
        self._watch(now_ms)
        self._restore(now_ms)
        for fingerprint in self._timers.due(now_ms):
            entry = self._table.get(fingerprint)
            if entry is not None:
                self._look(entry, now_ms)
        for group, changed in self._groups.due(now_ms):
            self._flush(group, changed, now_ms)
        self._dispatcher.stand_in(now_ms)

    def due(self, now_ms: int) -> list[Delivery]:
        """What to attempt now, once `collect` is durable; each is given again only after its outcome (or a crash)."""
        self._watch(now_ms)
        self._restore(now_ms)
        return list(self._dispatcher.due(now_ms))

    def outcome(self, delivery_id: str, outcome: Outcome, now_ms: int) -> None:
        """What came of an attempt."""
        self._dispatcher.outcome(delivery_id, outcome, now_ms)

    def collect(self) -> Changes:
        """The rows that changed since the last call."""
        return self._journal.collect()

    def firing(self) -> list[AlertEvent]:
        """The alerts that fire, silenced and inhibited ones, too."""
        return [entry.alert.event for entry in self._table if entry.alert.fires]

    def hidden(self) -> frozenset[str]:
        """The fingerprints of those that fire and are silenced or inhibited."""
        return frozenset(entry.fingerprint for entry in self._table if entry.alert.fires and entry.alert.hidden)

    def counts(self) -> dict[tuple[str, str], int]:
        """(channel, outcome) -> attempts since the start; outcomes are sent, a Failure, or fallback (alerts)."""
        return dict(self._dispatcher.counts)

    def _take_next(self, entry: Entry, event: AlertEvent, now_ms: int) -> bool:
        """Whether the event says something new of an alert that is known."""
        alert = entry.alert
        is_other = event.starts_at_ms != alert.starts_at_ms
        if not alert.is_news(event) or (event.historic and (is_other or event.status == "firing")):
            return False
        alert.hidden = alert.hidden or self._hides(entry)
        under_way = self._dispatcher.under_way(event.fingerprint)
        alert.take(event, now_ms, channels=list(entry.channels()), under_way=under_way)
        return True

    def _hides(self, entry: Entry) -> bool:
        return self._inhibitor.hides(entry.standing) or self._silences.hides(entry.labels)

    def _watch(self, now_ms: int) -> None:
        """Alerts that are silenced or hidden now, or are no longer, when anything of that changed."""
        self._turn(now_ms)
        if self._inhibitor.version != self._seen:
            self._review(now_ms)

    def _turn(self, now_ms: int) -> None:
        if self._silences.turn(now_ms):
            self._review(now_ms)

    def _review(self, now_ms: int) -> None:
        self._seen = self._inhibitor.version
        for entry in list(self._watched.values()):
            hidden = self._hides(entry)
            if hidden != entry.alert.hidden:
                entry.alert.hidden = hidden
                self._table.touch(entry)
                self._look(entry, now_ms)

    def _look(self, entry: Entry, now_ms: int) -> None:
        """See to it that everybody is told what he is owed of the alert, now or when the time comes."""
        open_to_anybody = entry.alert.fires
        for group in entry.groups:
            for channel in group.channels:
                verdict = self._table.owed(entry, group, channel, now_ms)
                self._arrange(entry, group, channel, verdict, now_ms)
                open_to_anybody |= verdict.reason != "QUIET"
        if not open_to_anybody:
            self._rest(entry, now_ms)

    def _arrange(self, entry: Entry, group: Group, channel: str, verdict: Verdict, now_ms: int) -> None:
        if verdict.at_ms is not None:
            self._timers.at_latest(entry.fingerprint, verdict.at_ms)
        if verdict.reason == "REPEAT" and not group.is_daily:
            self._dispatcher.add(channel, group, entry.fingerprint, now_ms)
        elif verdict.tells:
            self._groups.news(group, entry.fingerprint, now_ms)

    def _rest(self, entry: Entry, now_ms: int) -> None:
        """It is over and everybody knows: remember it for as long as its flapping would matter."""
        self._watched.pop(entry.fingerprint, None)
        if now_ms < entry.kept_until_ms:
            self._timers.at_latest(entry.fingerprint, entry.kept_until_ms)
        else:
            self._table.forget(entry)
            self._timers.cancel(entry.fingerprint)

    def _flush(self, group: Group, changed: list[str], now_ms: int) -> None:
        for entry in filter(None, map(self._table.get, changed)):
            for channel in group.channels if group in entry.groups else ():
                item = self._table.item(entry, group, channel, now_ms)
                if item is not None:
                    self._dispatcher.add(channel, group, entry.fingerprint, now_ms)
                    group.timing.flushed_at_ms = now_ms
                    if item.starts_at_ms == entry.alert.starts_at_ms and not entry.alert.owed:
                        entry.alert.owed = True
                        self._table.touch(entry)

    def _restore(self, now_ms: int) -> None:
        """Once after the start: what was ready to be told is so again, in the same order."""
        if self._restored:
            return
        self._restored = True
        ready: list[tuple[int, str, Group, str]] = []
        for entry in list(self._table):
            self._watched[entry.fingerprint] = entry
            entry.alert.hidden = self._hides(entry)
            for group in entry.groups:
                for channel, since_ms in group.timing.ready.items():
                    if self._table.owed(entry, group, channel, now_ms).tells:
                        ready.append((since_ms, channel, group, entry.fingerprint))
        for _, channel, group, fingerprint in sorted(ready, key=lambda found: found[0]):
            self._dispatcher.add(channel, group, fingerprint, now_ms)
        for entry in list(self._table):
            self._look(entry, now_ms)
        self._groups.drop_rest()


def _channels(routing: Routing) -> dict[str, tuple[str, ...]]:
    """The channels of each receiver; a digest's are those of whom it is told through."""
    own = {receiver.name: tuple(limits.name for limits in receiver.channels) for receiver in routing.everyone}
    return {r.name: own[r.digest.via] if r.digest else own[r.name] for r in routing.everyone}
