"""What waits for one channel, group by group, and the one message that is under way to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from alerting.message import Item, Message
from alerting.rates import Pace, interval_ms
from alerting.routing_config import ChannelLimits, Receiver

COVERED_MAX: Final = 1_000
"""A message that counts what it does not show tells of so many alerts at most."""


@dataclass(slots=True, eq=False)
class ChannelQueue:
    """waiting: group -> alerts, in order. out: the message is being attempted by this process."""

    limits: ChannelLimits
    receiver: Receiver
    pace: Pace
    waiting: dict[str, dict[str, None]] = field(default_factory=dict)
    out: bool = False
    under_way: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pace.message is not None:  # from before a crash, which may have come after the attempt
            self.pace.message.doubtful = True
            self._set_under_way(self.pace.message)

    @property
    def name(self) -> str:
        """``receiver/kind``."""
        return self.limits.name

    @property
    def interval_ms(self) -> int:
        """The least time between two attempts."""
        return interval_ms(self.limits, self.receiver)

    @property
    def portion(self) -> int:
        """How many alerts one message tells of at most."""
        if self.limits.per_alert:
            return 1
        return self.limits.alerts_max if self.limits.complete else COVERED_MAX

    def __len__(self) -> int:
        """How many alerts wait, each once for every group."""
        return sum(map(len, self.waiting.values()))

    def is_free(self, now_ms: int) -> bool:
        """Whether a message may be attempted now."""
        return not self.out and now_ms >= self.pace.next_at_ms

    def add(self, group: str, fingerprint: str) -> None:
        """There is something to tell."""
        self.waiting.setdefault(group, {})[fingerprint] = None

    def remove(self, group: str, fingerprint: str) -> None:
        """There is not, or it is in a message now."""
        alerts = self.waiting.get(group)
        if alerts is not None:
            alerts.pop(fingerprint, None)
            if not alerts:
                del self.waiting[group]

    def in_order(self, *, storm_groups: int) -> Iterator[tuple[str, str]]:
        """What the next message may tell of: the first group; in a storm, when more than so many wait, all of them."""
        everything = len(self.waiting) > storm_groups and not self.limits.per_alert
        groups = list(self.waiting) if everything else list(islice(self.waiting, 1))
        for group in groups:
            for fingerprint in list(self.waiting.get(group, ())):
                yield group, fingerprint

    def send(self, message: Message, now_ms: int) -> None:
        """The message goes out now, for the first time or again."""
        if message is not self.pace.message:
            for item in message.items:
                self.remove(item.group, item.fingerprint)
            self._set_under_way(message)
        self.pace.attempts(message, self.interval_ms, now_ms)
        self.out = True

    def done(self) -> None:
        """Nothing is under way any more."""
        self.out = False
        self.under_way = {}

    def take_back(self, items: list[Item]) -> None:
        """It did not get through: what it told waits again, before everything else."""
        rest, self.waiting = self.waiting, {}
        for item in items:
            self.add(item.group, item.fingerprint)
        for group, alerts in rest.items():
            self.waiting.setdefault(group, {}).update(alerts)

    def _set_under_way(self, message: Message) -> None:
        self.under_way = {item.fingerprint: item.starts_at_ms for item in message.items}
