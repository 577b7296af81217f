"""The alerts that are known, each with its groups, and what each channel is owed of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from alerting.grouping import Group, Groups
from alerting.inhibition import Inhibitor, Standing
from alerting.journal import Journal
from alerting.message import Item
from alerting.notification_log import NEVER, PREFIX, Alert
from alerting.routes import Router
from alerting.routing_config import DAY, MINUTE, Routing
from alerting.stages import Question, Verdict, verdict

_KEPT_MS: Final = 10 * MINUTE
"""What is over is known at least so long, so that a copy of its events is known for one."""


@dataclass(slots=True, eq=False)
class Entry:
    """One alert, its labels, where it stands among those that hide others, and its groups."""

    alert: Alert
    labels: dict[str, str]
    standing: Standing
    groups: list[Group] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        return self.alert.event.fingerprint

    @property
    def kept_until_ms(self) -> int:
        """Until when it must be known although nobody is owed anything: flapping is judged by it."""
        last_ms = max([self.alert.changed_at_ms, *(told.fired_at_ms for told in self.alert.told.values())])
        return last_ms + max([_KEPT_MS, *(group.repeat_ms for group in self.groups)])

    def is_called(self, group: Group) -> bool:
        """Whether the group is told of the present incident: a fallback's group only when it stands in."""
        place = group.place
        return not place.is_fallback or self.alert.fallbacks.get(place.receiver.name) == self.alert.starts_at_ms

    def channels(self) -> Iterator[str]:
        """Who is told of the present incident."""
        yield from dict.fromkeys(name for group in self.groups if self.is_called(group) for name in group.channels)


class AlertTable:
    """renewals: channel -> how often it is told again of what fires, where it forgets; None elsewhere."""

    def __init__(
        self,
        routing: Routing,
        groups: Groups,
        inhibitor: Inhibitor,
        renewals: Mapping[str, int | None],
        journal: Journal,
    ) -> None:
        self._router = Router(routing)
        self._retry_ms = routing.retry_ms
        self._groups = groups
        self._inhibitor = inhibitor
        self._renewals = renewals
        self._journal = journal
        self._entries: dict[str, Entry] = {}

    def load(self, rows: Mapping[str, bytes]) -> None:
        """Take the alerts of these rows; what a channel was told that is gone is forgotten."""
        decode = msgspec.msgpack.Decoder(Alert).decode
        receivers = self._router.receivers
        for alert in (decode(row) for key, row in rows.items() if key.startswith(PREFIX)):
            alert.told = {name: told for name, told in alert.told.items() if name in self._renewals}
            alert.fallbacks = {name: start for name, start in alert.fallbacks.items() if name in receivers}
            self.add(alert)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, fingerprint: str) -> Entry | None:
        """The alert, unless it is forgotten or was never known."""
        return self._entries.get(fingerprint)

    def add(self, alert: Alert) -> Entry:
        """An alert that is not known yet."""
        labels = alert.event.labels()
        entry = Entry(alert, labels, self._inhibitor.standing(labels))
        self._entries[alert.event.fingerprint] = entry
        self._enter(entry)
        return entry

    def changed(self, entry: Entry) -> None:
        """The alert's event is another one: its row, its places if its labels changed, and what it hides follow."""
        labels = entry.alert.event.labels()
        if labels != entry.labels:
            self._inhibitor.is_over(entry.fingerprint, entry.standing)
            self._leave(entry)
            entry.labels, entry.standing = labels, self._inhibitor.standing(labels)
            self._enter(entry)
        self._set_source(entry)
        self.touch(entry)

    def touch(self, entry: Entry) -> None:
        """The alert's row is to be written."""
        self._journal.put(PREFIX + entry.fingerprint, entry.alert)

    def forget(self, entry: Entry) -> None:
        """Nobody needs it any more."""
        self._leave(entry)
        del self._entries[entry.fingerprint]
        self._journal.drop(PREFIX + entry.fingerprint)

    def call(self, entry: Entry, receiver: str, item: Item) -> None:
        """That receiver stands in for another, which was to hear what the item says."""
        alert, place = entry.alert, self._router.fallback(receiver)
        alert.fallbacks[receiver] = alert.starts_at_ms
        if all(group.place.key != place.key for group in entry.groups):
            entry.groups.append(self._groups.join(place))
        for channel in self._groups[place.key].channels:
            is_earlier = item.starts_at_ms != alert.starts_at_ms
            alert.misses(channel, item.missed + is_earlier, item.starts_at_ms if is_earlier else NEVER)
        self.touch(entry)

    def awaited(self, entry: Entry, now_ms: int) -> bool:
        """Whether it fires, or somebody may still be told of its end."""
        return entry.alert.fires or now_ms < entry.alert.changed_at_ms + self._retry_ms

    def owed(self, entry: Entry, group: Group, channel: str, now_ms: int) -> Verdict:
        """What the channel is to be told of the alert as one of the group."""
        return verdict(self._question(entry, group, channel, now_ms))

    def item(self, entry: Entry, group: Group, channel: str, now_ms: int) -> Item | None:
        """The same, as a message says it; None when it is nothing."""
        question = self._question(entry, group, channel, now_ms)
        alert, told, answer = entry.alert, question.told, verdict(question)
        match answer.reason:
            case "RESOLVED":
                said = told.starts_at_ms, False, 0
            case "NEW" if not question.present:
                said = told.missed_ms, False, told.missed - 1
            case "NEW" | "REPEAT":
                said = alert.starts_at_ms, alert.fires, told.missed
            case _:
                return None
        return Item(group.place.key, entry.fingerprint, answer.reason, *said)

    def _question(self, entry: Entry, group: Group, channel: str, now_ms: int) -> Question:
        return Question(
            alert=entry.alert,
            told=entry.alert.told_to(channel),
            repeat_ms=group.repeat_ms,
            renew_ms=None if group.is_daily else self._renewals[channel],
            retry_ms=self._retry_ms + (DAY if group.is_daily else 0),
            called=entry.is_called(group),
            now_ms=now_ms,
        )

    def _enter(self, entry: Entry) -> None:
        places = [*self._router.places(entry.labels), *map(self._router.fallback, entry.alert.fallbacks)]
        entry.groups = [self._groups.join(place) for place in places]
        self._set_source(entry)

    def _leave(self, entry: Entry) -> None:
        for group in entry.groups:
            self._groups.leave(group)
        entry.groups = []

    def _set_source(self, entry: Entry) -> None:
        if entry.alert.fires:
            self._inhibitor.fires(entry.fingerprint, entry.standing)
        else:
            self._inhibitor.is_over(entry.fingerprint, entry.standing)
