"""Dead letters of a day: how many by code and topic, and the newest of them as a sample."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from typing import Final

from dashboard.message import DAY_MS, Message
from models.letter import Letter, read_letter

SAMPLE_MAX: Final = 200
_HOUR_MS: Final = 3_600_000


class LetterStore:
    """Counted by the hour in which they were written; never what stands in them, only what the headers say."""

    def __init__(self) -> None:
        self.sample: list[Letter] = []
        """Oldest first."""
        self._counts: Counter[tuple[int, str, str]] = Counter()

    def add(self, message: Message) -> Letter:
        """Take in a letter; every one is news."""
        letter = read_letter(
            message.partition, message.offset, message.written_ms, message.headers, len(message.value or b"")
        )
        hour_ms = message.written_ms // _HOUR_MS * _HOUR_MS
        self._counts[hour_ms, letter.code, letter.source_topic] += 1
        insort(self.sample, letter, key=lambda one: (one.at_ms, one.partition, one.offset))
        del self.sample[:-SAMPLE_MAX]
        return letter

    def counts(self) -> Counter[tuple[str, str]]:
        """(code, source topic) -> how many."""
        found: Counter[tuple[str, str]] = Counter()
        for (_, code, topic), count in self._counts.items():
            found[code, topic] += count
        return found

    def expire(self, now_ms: int) -> None:
        """Let go of what is older than a day; counts go by the hour."""
        since_ms = now_ms - DAY_MS
        self.sample = [letter for letter in self.sample if letter.at_ms >= since_ms]
        self._counts = Counter({key: count for key, count in self._counts.items() if key[0] + _HOUR_MS > since_ms})
