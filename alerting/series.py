"""What is remembered of one series of records: the verdicts on its recent windows, and its alerts."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from alerting.incidents import Alert
from alerting.judge import Verdict


class SeriesKey(NamedTuple):
    """span: empty for the model's own window."""

    model: str
    version: str
    segment: str
    span: str


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """What an alert shows of the record that was judged."""

    value: float | None
    threshold: float | None
    interval: tuple[float, float] | None
    window_start_ms: int
    summary: str


class Doubt(msgspec.Struct, frozen=True, array_like=True):
    """A verdict that its family has a say in; evidence where it is a breach by itself."""

    p_value: float
    evidence: Evidence | None


class Window(msgspec.Struct, array_like=True):
    """The last revision seen, and what the rules (by number) made of it; unknown is left out."""

    revision: int
    verdicts: dict[int, Verdict] = {}
    doubts: dict[int, Doubt] = {}


class Series:
    """Windows by their ends, and one alert for each rule (by number) that judges them."""

    __slots__ = ("alerts", "ends_ms", "key", "prefix", "windows")

    def __init__(self, key: SeriesKey, prefix: str, alerts: dict[int, Alert]) -> None:
        self.key = key
        self.prefix = prefix
        self.alerts = alerts
        self.windows: dict[int, Window] = {}
        self.ends_ms: list[int] = []

    @property
    def newest_ms(self) -> int:
        """End of the newest window seen."""
        return self.ends_ms[-1]

    def add(self, end_ms: int, window: Window) -> None:
        """A window that was not there."""
        self.windows[end_ms] = window
        insort(self.ends_ms, end_ms)

    def row_key(self, end_ms: int) -> str:
        """Where a window's row is kept."""
        return f"{self.prefix}{end_ms}"

    def judged(self, rule: int) -> Iterator[tuple[int, Verdict]]:
        """The windows that this rule could judge, in order."""
        for end_ms in self.ends_ms:
            verdict = self.windows[end_ms].verdicts.get(rule)
            if verdict is not None:
                yield end_ms, verdict

    def newest_judged(self, rule: int) -> int | None:
        """End of the newest of them."""
        return next((end for end in reversed(self.ends_ms) if rule in self.windows[end].verdicts), None)

    def between(self, after_ms: int, until_ms: int) -> list[int]:
        """Ends of windows in (after, until]."""
        return self.ends_ms[bisect_right(self.ends_ms, after_ms) : bisect_right(self.ends_ms, until_ms)]

    def forget(self, end_ms: int) -> None:
        """Let go of a window on which nothing hangs."""
        del self.windows[end_ms]
        del self.ends_ms[bisect_right(self.ends_ms, end_ms) - 1]
