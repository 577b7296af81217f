"""Deliveries: each is attempted by itself, so that no channel waits for another, and its outcome becomes a block.

A delivery is attempted only once the block that says so is on the broker. A crash between the attempt and the block
with its outcome makes the next process attempt it again, under the same key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.context import AlertContext
from agents.keyed import Keyed
from alerting.delivery import SENT, Delivery, Outcome, failed
from alerting.notification import Channel, ChannelError
from alerting.notifier import Notifier
from tables.partition import BlockPartition

ATTEMPT_SECONDS_MAX = 60.0
"""Channels have shorter limits of their own; this one is for those that forget them."""

CLOSE_SECONDS_MAX = 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Out:
    """What is on its way for one notifier."""

    attempts: set[asyncio.Task[None]] = field(default_factory=set)
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    counted: dict[tuple[str, str], int] = field(default_factory=dict)


class Deliveries:
    """Attempts under way, by the partition whose notifier asked for them."""

    def __init__(self, context: AlertContext, rows: Keyed[Notifier], channels: Mapping[str, Channel]) -> None:
        self.context = context
        self.rows = rows
        self.channels = channels
        self._out: dict[BlockPartition, _Out] = {}
        self._closing = False
        self._failing: set[str] = set()

    def forget_closed(self) -> None:
        """Partitions that have moved away are somebody else's: so are their deliveries."""
        for partition in [partition for partition in self._out if partition.closed]:
            for attempt in self._out.pop(partition).attempts:
                attempt.cancel()

    async def close(self) -> None:
        """Begin no more, and give those under way a moment: what is not recorded is attempted again."""
        self._closing = True
        attempts = {attempt for out in self._out.values() for attempt in out.attempts}
        if attempts:
            _, late = await asyncio.wait(attempts, timeout=CLOSE_SECONDS_MAX)
            for attempt in late:
                attempt.cancel()
        for channel in self.channels.values():
            await channel.close()

    async def round(self, partition: BlockPartition, notifier: Notifier) -> None:
        """Record what has come of attempts, and begin those that are due."""
        if self._closing:
            return
        out, now_ms = self._out.setdefault(partition, _Out()), self.context.now_ms()
        await self._record(partition, notifier, out)
        notifier.tick(now_ms)
        due = notifier.due(now_ms)
        self._count(notifier, out)
        await self.rows.append(partition, notifier)
        if not due:
            return
        await partition.settle()
        if partition.closed or self._closing:
            return  # whoever owns it next does it
        for delivery in due:
            attempt = asyncio.ensure_future(self._attempt(partition, notifier, out, delivery))
            out.attempts.add(attempt)
            attempt.add_done_callback(out.attempts.discard)

    async def _record(self, partition: BlockPartition, notifier: Notifier, out: _Out) -> None:
        """Outcomes become durable, at the next round if the partition cannot be written to now."""
        if not out.outcomes or not partition.ready or partition.closed:
            return
        done, out.outcomes = out.outcomes, []
        for delivery_id, outcome in done:
            notifier.outcome(delivery_id, outcome, self.context.now_ms())
        self._count(notifier, out)
        await self.rows.append(partition, notifier)

    def _count(self, notifier: Notifier, out: _Out) -> None:
        """What the notifier has counted since the last time."""
        counts = notifier.counts()
        for labels, number in counts.items():
            if number > out.counted.get(labels, 0):
                self.context.telemetry.notifications.add(*labels, n=number - out.counted.get(labels, 0))
        out.counted = counts

    async def _attempt(self, partition: BlockPartition, notifier: Notifier, out: _Out, delivery: Delivery) -> None:
        outcome = await self._send(delivery)
        out.outcomes.append((delivery.delivery_id, outcome))
        await self.context.guard("recording a notification", self._record(partition, notifier, out))

    async def _send(self, delivery: Delivery) -> Outcome:
        """What came of it; a channel that begins to fail, or works again, is logged."""
        outcome = await self._outcome(delivery)
        if outcome is SENT and delivery.channel in self._failing:
            self._failing.discard(delivery.channel)
            log.info("%s works again", delivery.channel)
        return outcome

    def _failed(self, delivery: Delivery, error: ChannelError) -> Outcome:
        if delivery.channel not in self._failing:
            self._failing.add(delivery.channel)
            log.warning("%s fails: %s", delivery.channel, error)
        return failed(error)

    async def _outcome(self, delivery: Delivery) -> Outcome:
        """A channel's bug is a failure of this message only: the next process would meet it, too."""
        channel = self.channels.get(delivery.channel)
        if channel is None:
            return self._failed(
                delivery, ChannelError("not_found", "there is no such channel any more", retryable=False)
            )
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                await channel.send(delivery.notification)
        except ChannelError as error:
            return self._failed(delivery, error)
        except TimeoutError:
            return self._failed(delivery, ChannelError("timeout", "no answer", retryable=True))
        except Exception as error:  # noqa: BLE001  # its text may hold a secret, so its kind has to do
            what = f"the channel failed: {type(error).__name__}"
            return self._failed(delivery, ChannelError("invalid", what, retryable=False))
        return SENT
