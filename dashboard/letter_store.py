"""Dead letters of a day: how many by code and topic, and the newest of them as a sample."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from typing import Final, NamedTuple

from dashboard.message import DAY_MS, Message
from models.letter import Letter, read_letter

SAMPLE_MAX: Final = 200
CONTENT_BYTES_MAX: Final = 1_000
"""So much of a letter is shown, where letters are."""
_HOUR_MS: Final = 3_600_000


class Sampled(NamedTuple):
    """A letter, and the beginning of what stands in it; None where that is not to be shown."""

    letter: Letter
    content: bytes | None


class LetterStore:
    """Counted by the hour in which they were written. with_content: keep the beginning of the newest ones, too."""

    def __init__(self, *, with_content: bool = False) -> None:
        self.with_content = with_content
        self.sample: list[Sampled] = []
        """Oldest first."""
        self._counts: Counter[tuple[int, str, str]] = Counter()

    def add(self, message: Message) -> Sampled:
        """Take in a letter; every one is news."""
        letter = read_letter(
            message.partition, message.offset, message.written_ms, message.headers, len(message.value or b"")
        )
        hour_ms = message.written_ms // _HOUR_MS * _HOUR_MS
        self._counts[hour_ms, letter.code, letter.source_topic] += 1
        shown = self.with_content and not letter.redacted
        sampled = Sampled(letter, (message.value or b"")[:CONTENT_BYTES_MAX] if shown else None)
        insort(self.sample, sampled, key=lambda one: (one.letter.at_ms, one.letter.partition, one.letter.offset))
        del self.sample[:-SAMPLE_MAX]
        return sampled

    def counts(self) -> Counter[tuple[str, str]]:
        """(code, source topic) -> how many."""
        found: Counter[tuple[str, str]] = Counter()
        for (_, code, topic), count in self._counts.items():
            found[code, topic] += count
        return found

    def expire(self, now_ms: int) -> None:
        """Let go of what is older than a day; counts go by the hour."""
        since_ms = now_ms - DAY_MS
        self.sample = [one for one in self.sample if one.letter.at_ms >= since_ms]
        self._counts = Counter({key: count for key, count in self._counts.items() if key[0] + _HOUR_MS > since_ms})
