"""What is held of each version of a model: its windows, its rolling spans, how many segments."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboard.metric_record import ROLLING, Held
from dashboard.metric_store import MetricStore


@dataclass(slots=True)
class Version:
    """Records of the whole model of one version."""

    model: str
    version: str
    span: str = ""
    """The length of its windows, as the records name it."""
    windows: list[Held] = field(default_factory=list)
    """Of that length, oldest first. Those of a length that was configured before are left out."""
    rolling: list[tuple[str, Held]] = field(default_factory=list)
    """Span and record, shortest first."""
    segments: set[str] = field(default_factory=set)

    @property
    def newest(self) -> Held | None:
        """The newest closed window."""
        return self.windows[-1] if self.windows else None


def versions(store: MetricStore, model: str | None = None) -> list[Version]:
    """Every version, or those of one model, by their names."""
    found: dict[tuple[str, str], Version] = {}
    for name in sorted(store.series):
        if model not in {None, name.model}:
            continue
        one = found.setdefault((name.model, name.version), Version(name.model, name.version))
        if name.segment:
            one.segments.add(name.segment)
            continue
        held = list(store.windows(name))
        if ROLLING in store.series[name]:
            one.rolling.append((name.span, held.pop(0)))
        if held and (one.newest is None or held[-1].end_ms > one.newest.end_ms):
            one.span, one.windows = name.span, held
    for one in found.values():
        one.rolling.sort(key=lambda rolling: rolling[1].end_ms - rolling[1].start_ms)
    return list(found.values())
