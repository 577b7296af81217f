"""Pages: where every alert is a message of its own, a storm of them is told as one that stands for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from alerting.alert_table import AlertTable
from alerting.channel_queue import COVERED_MAX, ChannelQueue
from alerting.message import Item

Owed = Callable[[str, str], Item | None]
"""What is owed of a group's alert, by their keys; None and it waits no more."""


class Pages:
    """Knows what each page stands for. It is opened once, repeated as one, and closed with the last of its alerts.

    storm_pages: when more alerts than this wait for one channel, those of one group become one page, or all of them
    where it is many groups that have a few each.
    """

    def __init__(self, table: AlertTable, storm_pages: int) -> None:
        self._table = table
        self._storm_pages = storm_pages
        self._members: dict[tuple[str, str], set[str]] = {}
        for entry in table:
            for channel, told in entry.alert.told.items():
                self.opened(channel, told.page, entry.fingerprint)

    def of(self, channel: str, item: Item) -> str:
        """The page by which the channel was told of the item's alert; empty: by one of its own."""
        entry = self._table.get(item.fingerprint)
        return "" if entry is None or item.reason == "NEW" else entry.alert.told_to(channel).page

    def opened(self, channel: str, page: str, fingerprint: str) -> None:
        """The channel was told of the alert by this page."""
        if page:
            self._members.setdefault((channel, page), set()).add(fingerprint)

    def closes(self, channel: str, page: str, fingerprint: str, now_ms: int) -> bool:
        """Whether nothing but this alert, which is over, keeps the page open."""
        members = self._members.get((channel, page), set())
        members.discard(fingerprint)
        while members:
            other = next(iter(members))
            entry = self._table.get(other)
            told = entry.alert.told_to(channel) if entry is not None else None
            if entry is not None and told is not None and told.page == page and self._table.awaited(entry, now_ms):
                return False
            members.discard(other)
        self._members.pop((channel, page), None)
        return True

    def items(self, queue: ChannelQueue, first: Item, owed: Owed) -> list[Item]:
        """What the next message tells: the item, and in a storm what else belongs on the same page."""
        page = self.of(queue.name, first)
        if first.reason == "RESOLVED" or (first.reason == "REPEAT" and not page):
            return [first]
        if first.reason == "NEW" and len(queue) <= self._storm_pages:
            return [first]
        items: list[Item] = []
        for group, fingerprint in self._together(queue, first):
            item = owed(group, fingerprint)
            if item is not None and item.reason == first.reason and self.of(queue.name, item) == page:
                items.append(item)
            if len(items) == COVERED_MAX:
                break
        return items

    def _together(self, queue: ChannelQueue, first: Item) -> Iterator[tuple[str, str]]:
        one_group = first.reason == "NEW" and len(queue.waiting[first.group]) > self._storm_pages
        for group in [first.group] if one_group else list(queue.waiting):
            for fingerprint in list(queue.waiting.get(group, ())):
                yield group, fingerprint
