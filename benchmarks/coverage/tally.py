"""Windows counted: how many had an interval, and how many of these held the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SIZES = (50, 500, 5000)
"""Labelled records of a window."""
LOWEST, HIGHEST = 0.93, 0.97
"""Coverage that is wanted of a 95 % interval."""

Truths = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one interval at one size of window, or over several. known: windows that had an interval."""

    scenario: str
    metric: str
    records: int
    windows: int
    known: int
    covered: int

    @property
    def share(self) -> float | None:
        return self.covered / self.known if self.known else None

    @property
    def is_as_wanted(self) -> bool:
        return self.share is not None and LOWEST <= self.share <= HIGHEST


@dataclass
class Tally:
    """Of one scenario and one size of window."""

    scenario: str
    records: int
    windows: int = 0
    _known: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _covered: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, intervals: Mapping[str, Any], truths: Truths) -> None:
        """One window; truths without an interval, and intervals without a truth, are not looked at."""
        self.windows += 1
        for metric, truth in truths.items():
            interval = intervals.get(metric)
            if interval is not None and truth is not None:
                self._known[metric] += 1
                self._covered[metric] += interval[0] <= truth <= interval[1]

    def found(self) -> Iterator[Coverage]:
        for metric, known in self._known.items():
            yield Coverage(self.scenario, metric, self.records, self.windows, known, self._covered[metric])
