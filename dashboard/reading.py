"""How far the reader is, for `/readyz`, `/api/v1/status` and the page."""

from __future__ import annotations

from dataclasses import dataclass, field


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
