"""Alerts and notifications as tests want them: an accuracy alert of the model `fraud`, changed where it matters."""

from typing import Any

from alerting.notification import Notification
from models.alert_event import AlertEvent

START_MS = 1_795_000_000_000  # 18 November 2026
MINUTE_MS = 60_000


def alert(**changes: Any) -> AlertEvent:  # noqa: ANN401  any field of an alert
    """A firing alert; `status="resolved"` gives it an end, too."""
    fields: dict[str, Any] = {
        "fingerprint": "a1b2c3d4e5f60718",
        "rule": "accuracy-critical",
        "priority": "P1",
        "severity": "critical",
        "status": "firing",
        "model": "fraud",
        "model_version": "rf_v2",
        "segment": "",
        "metric": "accuracy",
        "value": 0.8123,
        "threshold": 0.9,
        "interval": (0.79, 0.83),
        "window_start_ms": START_MS,
        "starts_at_ms": START_MS,
        "summary": "accuracy is below 0.9",
        "runbook": "https://runbooks.example/accuracy",
    }
    if changes.get("status") == "resolved":
        fields["ends_at_ms"] = START_MS + 5 * MINUTE_MS
    return AlertEvent(**(fields | changes))


def notification(*alerts: AlertEvent, **changes: Any) -> Notification:  # noqa: ANN401  any field of a notification
    """A first message about these alerts; about one alert if none is named."""
    fields: dict[str, Any] = {
        "key": "oncall/fraud/1",
        "receiver": "oncall",
        "channel": "oncall/slack",
        "why": "FIRST",
        "group": (("model", "fraud"),),
        "alerts": alerts or (alert(),),
        "omitted": 0,
        "at_ms": START_MS + MINUTE_MS,
    }
    return Notification(**(fields | changes))
