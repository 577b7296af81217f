"""The pace of one channel: its rate, what the other side asks for, and ever longer pauses while it fails."""

from __future__ import annotations

from random import Random
from typing import Final

import msgspec

from alerting.message import Message
from alerting.routing_config import MINUTE, SECOND, ChannelLimits, Receiver

PREFIX: Final = "channel|"
_FIRST_PAUSE_MS: Final = SECOND
_LONGEST_PAUSE_MS: Final = 5 * MINUTE


def interval_ms(limits: ChannelLimits, receiver: Receiver) -> int:
    """The least time between two attempts."""
    per_minute = receiver.max_per_minute
    return max(limits.min_interval_ms, -(-MINUTE // per_minute) if per_minute else 0)


def pause_ms(failures: int, random: Random) -> int:
    """How long to wait after so many failures in a row: 1 s, doubling to 5 min; up to a fifth less, at random,
    so that channels which failed together do not come back together.

    >>> [pause_ms(n, Random(1)) for n in (1, 2, 3, 99)]
    [973, 1946, 3892, 291938]
    """
    whole = min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS << min(failures - 1, 20))
    return int(whole * (1 - 0.2 * random.random()))


class Pace(msgspec.Struct, array_like=True):
    """One channel's row. next_at_ms: the earliest time of the next attempt. failures: in a row.

    concluded: how many messages got through or were given up, which tells a repetition from a copy.
    message: the one that is under way; nobody may know whether it got through.
    """

    next_at_ms: int = 0
    failures: int = 0
    failing_since_ms: int | None = None
    concluded: int = 0
    message: Message | None = None

    def attempts(self, message: Message, interval_ms: int, now_ms: int) -> None:
        """The message goes out now."""
        self.message = message
        self.next_at_ms = now_ms + interval_ms

    def ends(self, interval_ms: int, now_ms: int) -> None:
        """The message is done with: through, or refused for good."""
        self.message = None
        self.failures, self.failing_since_ms = 0, None
        self.concluded += 1
        self.next_at_ms = max(self.next_at_ms, now_ms + interval_ms)

    def fails(self, wait_ms: int, now_ms: int) -> None:
        """It did not go through, or nobody knows; wait_ms: not again before."""
        self.failures += 1
        if self.failing_since_ms is None:
            self.failing_since_ms = now_ms
        self.next_at_ms = max(self.next_at_ms, now_ms + wait_ms)

    def failing_for_ms(self, now_ms: int) -> int:
        """How long it has been failing; 0 when it is not."""
        return 0 if self.failing_since_ms is None else now_ms - self.failing_since_ms
