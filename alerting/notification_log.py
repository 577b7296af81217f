"""What is known of one alert and what each channel was told of it: one row an alert."""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterable
from typing import Final

import msgspec

from models.alert_event import AlertEvent

PREFIX: Final = "alert|"
NEVER: Final = -(2**53)
_SEEN_MAX: Final = 8

_encode = msgspec.msgpack.Encoder().encode


class Told(msgspec.Struct, array_like=True):
    """What one channel was told last of one alert.

    starts_at_ms: the incident. fired_at_ms: when it was last told that the alert fires, by wall clock. missed:
    incidents that came and went since, untold; missed_ms: the latest of them. failed: the channel refused it for good.
    page: the message that told it along with others, where each usually is told by itself.
    """

    starts_at_ms: int = NEVER
    firing: bool = False
    fired_at_ms: int = NEVER
    missed: int = 0
    missed_ms: int = NEVER
    failed: bool = False
    page: str = ""


class Alert(msgspec.Struct, array_like=True):
    """One alert. changed_at_ms: when its latest event came, by wall clock.

    hidden: it is silenced or inhibited now. owed: its incident was on the way to somebody. excused: it was hidden
    when its incident ended and had not been on the way, so only those hear of it who know already. seen: checks of
    the incident's events, so that a copy is known. closed: how earlier incidents ended of which somebody is still to
    hear. told: by channel. fallbacks: receiver -> the incident that it is told of in another's place.
    """

    event: AlertEvent
    changed_at_ms: int
    hidden: bool = False
    owed: bool = False
    excused: bool = False
    seen: list[int] = []
    closed: dict[int, AlertEvent] = {}
    told: dict[str, Told] = {}
    fallbacks: dict[str, int] = {}

    @property
    def starts_at_ms(self) -> int:
        """The present or latest incident."""
        return self.event.starts_at_ms

    @property
    def fires(self) -> bool:
        """Whether it is not over."""
        return self.event.status == "firing"

    def told_to(self, channel: str) -> Told:
        """What that channel was told; nothing yet is a value, too."""
        return self.told.get(channel) or Told()

    def as_told(self, starts_at_ms: int) -> AlertEvent:
        """The latest event of that incident, which is the present one or one that somebody is still to hear of."""
        if starts_at_ms == self.starts_at_ms:
            return self.event
        return self.closed.get(starts_at_ms) or _ended(self.event, starts_at_ms, self.starts_at_ms)

    def is_news(self, event: AlertEvent) -> bool:
        """Whether the event is neither of an older incident nor a copy of one that was taken."""
        if event.starts_at_ms != self.starts_at_ms:
            return event.starts_at_ms > self.starts_at_ms
        return _check(event) not in self.seen

    def take(self, event: AlertEvent, now_ms: int, *, channels: Iterable[str], under_way: Container[int]) -> None:
        """Go on to what the event says.

        channels: who is told of this alert. under_way: incidents in messages whose end is not known yet.
        """
        if event.starts_at_ms != self.starts_at_ms:
            self._close(event, channels, under_way)
        if event.status == "resolved":
            self.excused = (self.hidden or event.historic) and not self.owed
        if event.status != self.event.status or event.starts_at_ms != self.starts_at_ms:
            self.changed_at_ms = now_ms
        self.event = event
        self.seen = [*self.seen[1 - _SEEN_MAX :], _check(event)]

    def hears(
        self, channel: str, starts_at_ms: int, *, firing: bool, missed: int, now_ms: int, failed: bool, page: str = ""
    ) -> None:
        """The channel was told of that incident and of so many missed before it, or refused to be for good."""
        told = self.told_to(channel)
        if told.starts_at_ms != starts_at_ms or firing:
            told.fired_at_ms = now_ms
        if told.starts_at_ms != starts_at_ms:
            # It is counted as missed itself if the next one began before the channel knew.
            told.missed = max(0, told.missed - missed - (starts_at_ms != self.starts_at_ms))
        told.starts_at_ms, told.firing, told.failed = starts_at_ms, firing, failed
        told.page = page if firing and not failed else ""
        self.told[channel] = told

    def misses(self, channel: str, incidents: int, latest_ms: int) -> None:
        """So many incidents came and went without the channel being told."""
        told = self.told.setdefault(channel, Told())
        told.missed += incidents
        told.missed_ms = max(told.missed_ms, latest_ms)

    def forget_closed(self, under_way: Container[int]) -> None:
        """Forget how incidents ended of which nobody is to hear."""
        awaited = {told.starts_at_ms for told in self.told.values() if told.firing}
        awaited |= {told.missed_ms for told in self.told.values() if told.missed}
        self.closed = {start: event for start, event in self.closed.items() if start in awaited or start in under_way}

    def _close(self, event: AlertEvent, channels: Iterable[str], under_way: Container[int]) -> None:
        """The next incident begins."""
        start = self.starts_at_ms
        self.closed[start] = _ended(self.event, start, event.starts_at_ms) if self.fires else self.event
        if self.owed or not (self.hidden if self.fires else self.excused):
            for channel in channels:
                if self.told_to(channel).starts_at_ms != start:
                    self.misses(channel, 1, start)
        self.forget_closed(under_way)
        self.seen, self.excused, self.owed = [], False, False


def new_alert(event: AlertEvent, now_ms: int) -> Alert:
    """The alert of its first event."""
    return Alert(event, now_ms, seen=[_check(event)])


def _ended(event: AlertEvent, starts_at_ms: int, ends_at_ms: int) -> AlertEvent:
    """The end of an incident whose own end was never heard of."""
    return msgspec.structs.replace(event, status="resolved", starts_at_ms=starts_at_ms, ends_at_ms=ends_at_ms)


def _check(event: AlertEvent) -> int:
    return zlib.crc32(_encode(event))
