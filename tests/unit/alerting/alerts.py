"""Alert events for tests: what a test does not name is as for the rule `accuracy-low` of the model fraud."""

from typing import Any

import msgspec

from models.alert_event import AlertEvent

T0 = 1_800_000_000_000 - 1_800_000_000_000 % 86_400_000
"""A midnight in UTC."""


def firing(fingerprint: str = "f1", starts_at_ms: int = T0, **labels: str) -> AlertEvent:
    given: dict[str, Any] = {
        "rule": "accuracy-low",
        "priority": "P2",
        "severity": "warning",
        "model": "fraud",
        "model_version": "v1",
        "segment": "",
        "metric": "accuracy",
        **labels,
    }
    return AlertEvent(
        fingerprint=fingerprint, status="firing", starts_at_ms=starts_at_ms, window_start_ms=starts_at_ms, **given
    )


def resolved(event: AlertEvent, ends_at_ms: int | None = None) -> AlertEvent:
    ends_at_ms = event.starts_at_ms + 1 if ends_at_ms is None else ends_at_ms
    return msgspec.structs.replace(event, status="resolved", ends_at_ms=ends_at_ms, window_start_ms=ends_at_ms)


def labels_of(**labels: str) -> dict[str, str]:
    return firing().labels() | labels
