"""How far the reader is, for `/readyz`, `/api/v1/status` and the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Reading:
    """Written by whoever reads the topics."""

    connected: bool = False
    caught_up: bool = False
    """Whether everything had been read once; it stays true when the broker goes away."""
    behind: int = 0
    read: int = 0
    problem: str | None = None
    missing_topics: list[str] = field(default_factory=list)
    _goal: Mapping[Any, int] | None = None

    def look(self, ends: Mapping[Any, int], positions: Mapping[Any, int]) -> None:
        """The broker has said where each partition ends, and we are so far."""
        self.connected, self.problem = True, None
        self.behind = sum(end - positions[partition] for partition, end in ends.items())
        if self._goal is None:
            self._goal = dict(ends)  # what comes later than the first look need not be awaited: it never ends
        self.caught_up = self.caught_up or all(positions[one] >= end for one, end in self._goal.items())

    def begin_anew(self) -> None:
        """All is to be read again."""
        self._goal, self.caught_up, self.read = None, False, 0

    @property
    def share(self) -> float:
        """Of what there was and has come since: from 0 to 1."""
        total = self.read + self.behind
        return self.read / total if total else float(self.caught_up)

    def why_not_ready(self) -> str | None:
        """The reason, None once everything had been read."""
        if self.caught_up:
            return None
        if not self.connected:
            return self.problem or "not connected to the broker yet"
        return f"reading the last day: {self.share:.0%}"
