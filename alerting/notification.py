"""What is handed to a channel, and how a channel says that it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from models.alert_event import AlertEvent
from models.errors import HindcastError

Why = Literal["FIRST", "NEW", "RESOLVED", "REPEAT", "DIGEST", "TEST"]
"""Why a receiver hears something now."""

Failure = Literal["rate_limited", "unreachable", "timeout", "server", "refused", "unauthorised", "not_found", "invalid"]


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one channel of a receiver: a group of alerts and why it is sent.

    key: the same for every attempt and every copy of it, so that the other side can drop copies.
    alerts: firing first, worst first; omitted: how many more there are than are shown here. missed: incidents
    of these alerts that came and went untold before: the alerts flap, or the channel could not be reached. An alert
    that is resolved in a message that is FIRST or NEW fired and was over before the channel could be told.
    page: set where a channel that is told one by one gets one message for many; it is repeated, and at last resolved,
    under this name.
    """

    key: str
    receiver: str
    channel: str
    why: Why
    group: tuple[tuple[str, str], ...]
    alerts: tuple[AlertEvent, ...]
    omitted: int
    at_ms: int
    missed: int = 0
    page: str = ""

    @property
    def firing(self) -> tuple[AlertEvent, ...]:
        """The alerts that fire."""
        return tuple(a for a in self.alerts if a.status == "firing")

    @property
    def resolved(self) -> tuple[AlertEvent, ...]:
        """The alerts that are over."""
        return tuple(a for a in self.alerts if a.status == "resolved")


class ChannelError(HindcastError):
    """A channel did not take a notification.

    retryable: the world is down, try again; otherwise the fallback receiver is told. retry_after_seconds: what
    the other side asked for. The message names no secret and no payload.
    """

    def __init__(
        self, failure: Failure, message: str, *, retryable: bool, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.failure: Failure = failure
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class Channel(Protocol):
    """One way to reach somebody. Safe to call again with the same notification."""

    async def send(self, notification: Notification) -> None:
        """Deliver; raises ChannelError."""

    async def check(self) -> None:
        """Whether it could be reached, without posting anything; raises ChannelError."""

    async def close(self) -> None:
        """Let go of connections."""
