"""One message as it was fixed before its first attempt: a copy of it says the same under the same key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec

from alerting.notification import Notification, Why
from alerting.stages import Reason
from models.alert_event import AlertEvent

_encode = msgspec.msgpack.Encoder().encode


class Item(msgspec.Struct, array_like=True, frozen=True):
    """What a message says of one alert. group: the place that it is told for; missed: earlier incidents it covers."""

    group: str
    fingerprint: str
    reason: Reason
    starts_at_ms: int
    firing: bool
    missed: int


class Message(msgspec.Struct, array_like=True):
    """items: all that it tells; alerts: those that it shows. doubtful: an earlier attempt may have got through.

    page: what it is called where it stands for many alerts of which each usually has a message of its own.
    """

    key: str
    why: Why
    receiver: str
    channel: str
    group: tuple[tuple[str, str], ...]
    items: list[Item]
    alerts: list[AlertEvent]
    at_ms: int
    doubtful: bool = False
    page: str = ""

    def notification(self) -> Notification:
        """It, as the channel takes it."""
        return Notification(
            key=self.key,
            receiver=self.receiver,
            channel=self.channel,
            why=self.why,
            group=self.group,
            alerts=tuple(self.alerts),
            omitted=len(self.items) - len(self.alerts),
            at_ms=self.at_ms,
            missed=sum(item.missed for item in self.items),
            page=self.page,
        )


def key_of(channel: str, concluded: int, items: Iterable[Item]) -> str:
    """A key of 32 hex digits: the same for the same news after the same history, whoever asks and whenever.

    concluded: how many messages the channel has behind it.
    """
    said = sorted((item.fingerprint, item.starts_at_ms, item.firing) for item in items)
    return blake2b(_encode((channel, concluded, said)), digest_size=16).hexdigest()


def worst_first(alerts: Sequence[AlertEvent]) -> list[AlertEvent]:
    """Firing before resolved, then by priority, severity and age."""
    return sorted(alerts, key=_rank)


def _rank(alert: AlertEvent) -> tuple[bool, str, int, int]:
    severity = ("critical", "warning", "info").index(alert.severity)
    return (alert.status != "firing", alert.priority, severity, alert.starts_at_ms)
