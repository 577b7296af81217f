"""What the notifier asks to be attempted, and what it is told of the attempt."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.notification import ChannelError, Failure, Notification


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. delivery_id: the notification's key, the same for every attempt. channel: ``receiver/kind``."""

    delivery_id: str
    channel: str
    notification: Notification


@dataclass(frozen=True, slots=True)
class Outcome:
    """failure: None when the channel took it, else as ChannelError says."""

    failure: Failure | None = None
    retryable: bool = True
    retry_after_seconds: float | None = None


SENT = Outcome()


def failed(error: ChannelError) -> Outcome:
    """The outcome of an attempt that raised."""
    return Outcome(error.failure, error.retryable, error.retry_after_seconds)
