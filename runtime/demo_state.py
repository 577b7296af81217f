"""What the demo has seen so far: the newest revision of every metric record, the fates, the pace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from models.alert_event import AlertEvent

WINDOWS_KEPT = 600
ALERTS_KEPT = 100


class MetricRecord(TypedDict):
    """The parts of a metric record (CONTRACT section 2) that the view reads."""

    model: str
    model_version: str
    segment: str
    window_start: str
    window_end: str
    span: str
    revision: int
    final: bool
    total: int
    labelled: int
    label_coverage: float | None
    metrics: dict[str, float | None]
    intervals: dict[str, list[float] | None]
    label_latency_seconds: dict[str, float] | None


Place = tuple[str, str]
"""(window_start or span, version)."""


@dataclass(slots=True)
class DemoState:
    """Everything `demo_view.render` shows; whole-model records only, segments are counted."""

    window_name: str = "60s"
    windows: dict[Place, MetricRecord] = field(default_factory=dict)
    spans: dict[Place, MetricRecord] = field(default_factory=dict)
    records: int = 0
    """Metric records read, revisions and segments included."""
    segments: set[str] = field(default_factory=set)
    fates: Mapping[str, int] = field(default_factory=dict)
    consumed: int = 0
    events_per_second: float = 0.0
    elapsed_seconds: float = 0.0
    for_seconds: float | None = None
    degraded: bool = False
    alerts: dict[str, AlertEvent] = field(default_factory=dict)
    """The newest event of every incident, in the order in which they began."""
    changes: list[AlertEvent] = field(default_factory=list)
    """Alerts that have begun to fire or were resolved, in order."""
    note: str = "starting"
    page: str = ""
    """Where the live page is."""

    def add(self, records: Iterable[MetricRecord]) -> None:
        """Take in metric records; an older revision of a known one changes nothing."""
        for record in records:
            self.records += 1
            if record["segment"]:
                self.segments.add(record["segment"])
                continue
            windowed = record["span"] == self.window_name
            held, name = (self.windows, record["window_start"]) if windowed else (self.spans, record["span"])
            place = name, record["model_version"]
            if place not in held or record["revision"] >= held[place]["revision"]:
                held[place] = record
        while len(self.windows) > WINDOWS_KEPT:
            del self.windows[min(self.windows)]

    def alert(self, events: Iterable[AlertEvent]) -> None:
        """Take in alerts; a copy of what is known changes nothing."""
        for event in events:
            known = self.alerts.get(event.incident)
            if known is None or known.status != event.status:
                self.changes.append(event)
            self.alerts[event.incident] = event
        while len(self.alerts) > ALERTS_KEPT:
            del self.alerts[next(iter(self.alerts))]

    def count(self, consumed: int, fates: Mapping[str, int], seconds: float) -> None:
        """Take in the worker's counters, read `seconds` after the last time."""
        if seconds > 0 and consumed >= self.consumed:
            self.events_per_second = (consumed - self.consumed) / seconds
        self.consumed, self.fates = consumed, fates

    def shown(self, windows: int) -> list[MetricRecord]:
        """The newest windows, newest first, every version; the newest final one is always among them."""
        starts = sorted({start for start, _ in self.windows}, reverse=True)
        chosen = starts[:windows]
        finals = [start for start, _ in sorted(self.windows, reverse=True) if self._is_final(start)]
        if finals and finals[0] not in chosen:
            chosen[-1] = finals[0]
        places = sorted(self.windows, key=lambda place: place[1])
        return [self.windows[place] for start in chosen for place in places if place[0] == start]

    def finals(self) -> int:
        """Final records of whole-model windows."""
        return sum(record["final"] for record in self.windows.values())

    def _is_final(self, start: str) -> bool:
        return all(record["final"] for place, record in self.windows.items() if place[0] == start)
