"""The alert record: what the rules say on ``hindcast-alerts``, as other programs read it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from models.metric_record import iso_ms, ms_of_iso

SCHEMA: Final = "hindcast.alert/1"

Priority = Literal["P1", "P2", "P3"]
Severity = Literal["critical", "warning", "info"]
Status = Literal["firing", "resolved"]
Cause = Literal["outcome", "prediction", "drift", "quality", "service", "traffic", "labels"]
"""What an alert is about. The label feed's own alerts hide those that a missing label would falsify."""


class AlertEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one alert. Times are milliseconds since the epoch, in event time.

    fingerprint: rule and labels, the same for firing and resolved. incident: fingerprint and start,
    so that two incidents of one alert are told apart. value, threshold, interval: as judged in the
    window that made the change; None where the condition has none (no traffic).
    """

    fingerprint: str
    rule: str
    priority: Priority
    severity: Severity
    status: Status
    model: str
    model_version: str
    segment: str
    metric: str
    cause: Cause = "outcome"
    value: float | None = None
    threshold: float | None = None
    interval: tuple[float, float] | None = None
    window_start_ms: int
    starts_at_ms: int
    ends_at_ms: int | None = None
    historic: bool = False
    summary: str = ""
    runbook: str = ""

    @property
    def incident(self) -> str:
        """Names this incident: the same alert firing again later is another one."""
        return f"{self.fingerprint}-{self.starts_at_ms}"

    def labels(self) -> dict[str, str]:
        """What routes, inhibition and silences match on."""
        return {
            "rule": self.rule,
            "priority": self.priority,
            "severity": self.severity,
            "model": self.model,
            "model_version": self.model_version,
            "segment": self.segment,
            "metric": self.metric,
            "cause": self.cause,
        }

    def as_record(self) -> dict[str, object]:
        """The record of the alerts topic; also what a webhook's body lists."""
        record: dict[str, object] = {"schema": SCHEMA, **msgspec.structs.asdict(self)}
        for name in ("window_start", "starts_at", "ends_at"):
            time_ms = record.pop(f"{name}_ms")
            record[name] = iso_ms(time_ms) if isinstance(time_ms, int) else None
        return record


_encode = msgspec.json.Encoder().encode


def encode_alert(event: AlertEvent) -> bytes:
    """The record as JSON."""
    return _encode(event.as_record())


def decode_alert(value: bytes) -> AlertEvent:
    """The inverse; raises ValueError for what is not an alert record."""
    record = msgspec.json.decode(value)
    if not isinstance(record, dict) or record.pop("schema", None) != SCHEMA:
        raise ValueError(f"not a {SCHEMA} record")
    for name in ("window_start", "starts_at", "ends_at"):
        text = record.pop(name, None)
        record[f"{name}_ms"] = None if text is None else ms_of_iso(text)
    return msgspec.convert(record, AlertEvent)
