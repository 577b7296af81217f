"""Groups of alerts: what changed in one waits for company, then is told together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from alerting.digest import next_digest_ms
from alerting.journal import Journal
from alerting.notification_log import NEVER
from alerting.routes import Place
from alerting.timers import Timers

PREFIX: Final = "group|"


class Timing(msgspec.Struct, array_like=True):
    """One group's row. flush_at_ms: when its news are told. flushed_at_ms: when they last were.

    ready: channel -> since when something of the group waits for it. heard: the channels that were told of it.
    """

    flush_at_ms: int | None = None
    flushed_at_ms: int = NEVER
    ready: dict[str, int] = {}
    heard: list[str] = []


@dataclass(slots=True, eq=False)
class Group:
    """changed: alerts with news that were not flushed yet, in order. members: how many alerts belong to it."""

    place: Place
    channels: tuple[str, ...]
    timing: Timing
    changed: dict[str, None] = field(default_factory=dict)
    members: int = 0

    @property
    def repeat_ms(self) -> int:
        """How often what fires is told; a digest tells it every day."""
        return 0 if self.is_daily else self.place.route.repeat_every_ms

    @property
    def is_daily(self) -> bool:
        """Whether it is told at a time of the day. A fallback never is: that is urgent."""
        return self.place.receiver.digest is not None and not self.place.is_fallback

    def next_flush_ms(self, now_ms: int) -> int:
        """When news that come now are told."""
        if self.place.receiver.digest is not None and self.is_daily:
            return next_digest_ms(self.place.receiver.digest.at_minute, now_ms)
        route = self.place.route
        return max(now_ms + route.group_wait_ms, self.timing.flushed_at_ms + route.group_interval_ms)


class Groups:
    """The groups that have alerts; channels: the names of a receiver's channels."""

    def __init__(self, channels: Mapping[str, tuple[str, ...]], rows: Mapping[str, bytes], journal: Journal) -> None:
        self._channels = channels
        self._journal = journal
        self._groups: dict[str, Group] = {}
        self._flushes = Timers()
        decode = msgspec.msgpack.Decoder(Timing).decode
        self._left = {key.removeprefix(PREFIX): decode(row) for key, row in rows.items() if key.startswith(PREFIX)}

    def __getitem__(self, key: str) -> Group:
        return self._groups[key]

    def get(self, key: str) -> Group | None:
        """The group of that key, if it still has alerts."""
        return self._groups.get(key)

    def join(self, place: Place) -> Group:
        """The group of that place, for one alert more."""
        group = self._groups.get(place.key) or self._open(place)
        group.members += 1
        return group

    def leave(self, group: Group) -> None:
        """One alert less; the last one takes the group with it."""
        group.members -= 1
        if not group.members:
            del self._groups[group.place.key]
            self._flushes.cancel(group.place.key)
            self._journal.drop(PREFIX + group.place.key)

    def news(self, group: Group, fingerprint: str, now_ms: int) -> None:
        """There is something to tell of that alert at the next flush."""
        group.changed[fingerprint] = None
        if group.timing.flush_at_ms is None:
            group.timing.flush_at_ms = group.next_flush_ms(now_ms)
            self.touch(group)
            self._flushes.at_latest(group.place.key, group.timing.flush_at_ms)

    def due(self, now_ms: int) -> Iterator[tuple[Group, list[str]]]:
        """The groups to flush now, each with the alerts that have news."""
        for key in self._flushes.due(now_ms):
            group = self._groups[key]
            changed, group.changed = list(group.changed), {}
            group.timing.flush_at_ms = None
            self.touch(group)
            yield group, changed

    def touch(self, group: Group) -> None:
        """The group's row is to be written."""
        self._journal.put(PREFIX + group.place.key, group.timing)

    def drop_rest(self) -> None:
        """Forget rows of groups that have no alerts any more, once all alerts are in their places."""
        for key in self._left:
            self._journal.drop(PREFIX + key)
        self._left.clear()

    def _open(self, place: Place) -> Group:
        group = Group(
            place,
            self._channels[place.receiver.name],
            self._left.pop(place.key) if place.key in self._left else Timing(),
        )
        self._groups[place.key] = group
        if group.timing.flush_at_ms is not None:
            self._flushes.at_latest(place.key, group.timing.flush_at_ms)
        return group
