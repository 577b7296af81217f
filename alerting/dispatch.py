"""Messages to the channels: put together when a channel may be told, tried until they are through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from random import Random

import msgspec

from alerting.alert_table import AlertTable, Entry
from alerting.channel_queue import ChannelQueue
from alerting.delivery import Delivery, Outcome
from alerting.grouping import Group, Groups
from alerting.journal import Journal
from alerting.message import Item, Message, key_of, worst_first
from alerting.notification import Why
from alerting.pages import Pages
from alerting.rates import PREFIX, Pace, pause_ms
from alerting.routing_config import DAY, SECOND, Routing


class Dispatcher:
    """look: called for an alert of which somebody's knowledge changed. counts: (channel, outcome) -> how often."""

    def __init__(
        self,
        routing: Routing,
        table: AlertTable,
        groups: Groups,
        rows: Mapping[str, bytes],
        journal: Journal,
        random: Random,
        look: Callable[[Entry, int], None],
    ) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._routing = routing
        self._table = table
        self._groups = groups
        self._journal = journal
        self._random = random
        self._look = look
        self._pages = Pages(table, routing.storm_pages)
        self._queues = {queue.name: queue for queue in _queues(routing, rows)}
        for key in rows:
            if key.startswith(PREFIX) and key.removeprefix(PREFIX) not in self._queues:
                journal.drop(key)

    def add(self, channel: str, group: Group, fingerprint: str, now_ms: int) -> None:
        """The channel is to be told of the alert as soon as it can be."""
        self._queues[channel].add(group.place.key, fingerprint)
        if channel not in group.timing.ready:
            group.timing.ready[channel] = now_ms
            self._groups.touch(group)

    def under_way(self, fingerprint: str) -> set[int]:
        """The incidents of the alert in messages that may be with a channel or not."""
        found = (queue.under_way.get(fingerprint) for queue in self._queues.values())
        return {start for start in found if start is not None}

    def due(self, now_ms: int) -> Iterator[Delivery]:
        """What is to be attempted now, at most one message a channel."""
        for queue in self._queues.values():
            message = self._next(queue, now_ms) if queue.is_free(now_ms) else None
            if message is not None:
                queue.send(message, now_ms)
                self._touch(queue)
                yield Delivery(message.key, queue.name, message.notification())

    def outcome(self, delivery_id: str, outcome: Outcome, now_ms: int) -> None:
        """What came of an attempt; of one that is not out, nothing comes."""
        for queue in self._queues.values():
            message = queue.pace.message
            if queue.out and message is not None and message.key == delivery_id:
                self.counts[queue.name, outcome.failure or "sent"] += 1
                self._conclude(queue, message, outcome, now_ms)
                self._touch(queue)

    def stand_in(self, now_ms: int) -> None:
        """Tell the fallbacks of channels that have been failing for long what those channels were not told."""
        for queue in self._queues.values():
            if queue.pace.failing_for_ms(now_ms) >= self._routing.fallback_after_ms:
                self._hand_over(queue, self._not_told(queue, now_ms), now_ms)

    def _next(self, queue: ChannelQueue, now_ms: int) -> Message | None:
        message = queue.pace.message
        if message is not None and now_ms >= message.at_ms + self._routing.retry_ms:
            self._take_back(queue, message)
            message = None
        return message or self._compose(queue, now_ms)

    def _compose(self, queue: ChannelQueue, now_ms: int) -> Message | None:
        while queue.waiting:
            items: list[Item] = []
            for group_key, fingerprint in queue.in_order(storm_groups=self._routing.storm_groups):
                item = self._still_owed(queue, group_key, fingerprint, now_ms)
                if item is not None:
                    items.append(item)
                if len(items) == queue.portion:
                    break
            if items and queue.limits.per_alert:
                items = self._pages.items(queue, items[0], partial(self._still_owed, queue, now_ms=now_ms))
            if items:
                return self._message(queue, items, now_ms)
        return None

    def _still_owed(self, queue: ChannelQueue, group_key: str, fingerprint: str, now_ms: int) -> Item | None:
        group, entry = self._groups.get(group_key), self._table.get(fingerprint)
        if group is not None and entry is not None:
            item = self._table.item(entry, group, queue.name, now_ms)
            if item is not None and not self._ends_quietly(queue, entry, item, now_ms):
                return item
            self._look(entry, now_ms)
        queue.remove(group_key, fingerprint)
        self._clear(queue, group_key)
        return None

    def _ends_quietly(self, queue: ChannelQueue, entry: Entry, item: Item, now_ms: int) -> bool:
        """An alert is over that was told by a page which others keep open: the page alone has an end to be told."""
        page = self._pages.of(queue.name, item) if item.reason == "RESOLVED" else ""
        if not page or self._pages.closes(queue.name, page, entry.fingerprint, now_ms):
            return False
        entry.alert.hears(queue.name, item.starts_at_ms, firing=False, missed=item.missed, now_ms=now_ms, failed=False)
        entry.alert.forget_closed(self.under_way(entry.fingerprint))
        self._table.touch(entry)
        return True

    def _message(self, queue: ChannelQueue, items: list[Item], now_ms: int) -> Message:
        groups = [self._groups[key] for key in dict.fromkeys(item.group for item in items)]
        found = ((item, self._table.get(item.fingerprint)) for item in items)
        shown = [entry.alert.as_told(item.starts_at_ms) for item, entry in found if entry is not None]
        key, page = key_of(queue.name, queue.pace.concluded, items), self._pages.of(queue.name, items[0])
        return Message(
            key=key,
            why=_why(items, groups, queue.name),
            receiver=groups[0].place.receiver.name,
            channel=queue.name,
            group=groups[0].place.labels if len(groups) == 1 else (),
            items=items,
            alerts=worst_first(shown)[: queue.limits.alerts_max],
            at_ms=now_ms,
            page=key if queue.limits.per_alert and len(items) > 1 and not page else page,
        )

    def _conclude(self, queue: ChannelQueue, message: Message, outcome: Outcome, now_ms: int) -> None:
        if outcome.failure is not None and outcome.retryable:
            self._retry(queue, message, outcome, now_ms)
            return
        if outcome.failure is not None:
            self._hand_over(queue, message.items, now_ms)
        queue.done()
        queue.pace.ends(queue.interval_ms, now_ms)
        # A copy may have got through before this one was refused: then the end must be told there, too.
        refused = outcome.failure is not None and not message.doubtful
        for item in message.items:
            self._heard(queue, item, message.page, now_ms, refused=refused)

    def _retry(self, queue: ChannelQueue, message: Message, outcome: Outcome, now_ms: int) -> None:
        asked = outcome.retry_after_seconds
        wait_ms = pause_ms(queue.pace.failures + 1, self._random) if asked is None else int(min(asked * SECOND, DAY))
        queue.pace.fails(max(wait_ms, queue.interval_ms), now_ms)
        queue.out = False
        message.doubtful = message.doubtful or outcome.failure == "timeout"
        if not message.doubtful:
            # It is put together anew then, with what has come or gone until then.
            self._take_back(queue, message)

    def _take_back(self, queue: ChannelQueue, message: Message) -> None:
        queue.pace.message = None
        queue.done()
        queue.take_back(message.items)

    def _heard(self, queue: ChannelQueue, item: Item, page: str, now_ms: int, *, refused: bool) -> None:
        self._clear(queue, item.group, heard=True)
        entry = self._table.get(item.fingerprint)
        if entry is None:
            return
        entry.alert.hears(
            queue.name, item.starts_at_ms, firing=item.firing, missed=item.missed, now_ms=now_ms, failed=refused,
            page=page,
        )  # fmt: skip
        self._pages.opened(queue.name, entry.alert.told_to(queue.name).page, item.fingerprint)
        entry.alert.forget_closed(self.under_way(item.fingerprint))
        self._table.touch(entry)
        self._look(entry, now_ms)
        group = self._groups.get(item.group)
        if group is not None and group.is_daily and self._table.owed(entry, group, queue.name, now_ms).reason == "NEW":
            # The next incident of the day, after the end of the one before: not a matter for tomorrow.
            self.add(queue.name, group, item.fingerprint, now_ms)

    def _clear(self, queue: ChannelQueue, group_key: str, *, heard: bool = False) -> None:
        """The group's row says no more that something waits for the channel if nothing does."""
        group = self._groups.get(group_key)
        if group is None:
            return
        if heard and queue.name not in group.timing.heard:
            group.timing.heard.append(queue.name)
        if group_key not in queue.waiting:
            group.timing.ready.pop(queue.name, None)
        self._groups.touch(group)

    def _not_told(self, queue: ChannelQueue, now_ms: int) -> list[Item]:
        found = [] if queue.pace.message is None else list(queue.pace.message.items)
        for group_key, alerts in queue.waiting.items():
            group = self._groups.get(group_key)
            for entry in map(self._table.get, alerts):
                item = self._table.item(entry, group, queue.name, now_ms) if group and entry else None
                if item is not None and item.reason == "NEW":
                    found.append(item)
        return found

    def _hand_over(self, queue: ChannelQueue, items: Iterable[Item], now_ms: int) -> None:
        fallback = queue.receiver.fallback
        for item in items if fallback is not None else ():
            entry = self._table.get(item.fingerprint)
            if entry is not None and fallback is not None and not _knows(entry, fallback):
                self.counts[queue.name, "fallback"] += 1
                self._table.call(entry, fallback, item)
                self._look(entry, now_ms)

    def _touch(self, queue: ChannelQueue) -> None:
        self._journal.put(PREFIX + queue.name, queue.pace)


def _queues(routing: Routing, rows: Mapping[str, bytes]) -> Iterator[ChannelQueue]:
    decode = msgspec.msgpack.Decoder(Pace).decode
    for receiver in routing.everyone:
        for limits in receiver.channels:
            row = rows.get(PREFIX + limits.name)
            yield ChannelQueue(limits, receiver, Pace() if row is None else decode(row))


def _knows(entry: Entry, receiver: str) -> bool:
    """Whether the receiver is told of the alert soon anyway."""
    return any(g.place.receiver.name == receiver and not g.is_daily and entry.is_called(g) for g in entry.groups)


def _why(items: list[Item], groups: list[Group], channel: str) -> Why:
    reasons = {item.reason for item in items}
    if any(group.is_daily for group in groups):
        return "DIGEST"
    if "NEW" in reasons:
        return "NEW" if any(channel in group.timing.heard for group in groups) else "FIRST"
    return "RESOLVED" if "RESOLVED" in reasons else "REPEAT"
