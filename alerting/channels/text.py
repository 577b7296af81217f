"""The words of a message, as plain text that no field of a record can break."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from alerting.notification import Notification
from models.alert_event import AlertEvent
from models.metric_record import iso_ms

FIELD_CHARACTERS_MAX: Final = 1_000
TITLE_CHARACTERS_MAX: Final = 250
ALERTS_SHOWN_MAX: Final = 50
_HTTP_URL: Final = re.compile(r"https?://[^\s<>\"'|\\`]+")


def cut(text: str, characters_max: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


def clean(text: str, characters_max: int = FIELD_CHARACTERS_MAX) -> str:
    """One line without control characters, format characters (which turn text around) and half surrogates.

    Names come from records, so from anybody: a line break would forge a log line or a mail header.
    """
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 4 * characters_max])
    return cut(" ".join(shown.split()), characters_max)


def link(url: str | None) -> str | None:
    """The URL if a message may link to it: http or https, nothing that could end the link."""
    return url if url is not None and len(url) <= FIELD_CHARACTERS_MAX and _HTTP_URL.fullmatch(url) else None


def number(value: float | None) -> str:
    """Four digits that count; a dash for what is not there."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"


def value_with_interval(alert: AlertEvent) -> str:
    """`0.81 [0.79, 0.83]`."""
    if alert.interval is None:
        return number(alert.value)
    low, high = alert.interval
    return f"{number(alert.value)} [{number(low)}, {number(high)}]"


def subject(alert: AlertEvent) -> str:
    """Whose alert it is: model, version, segment."""
    return clean(" ".join(part for part in (alert.model, alert.model_version, alert.segment) if part))


def when(alert: AlertEvent) -> str:
    """Since when it fires, or from when to when it fired; event time, UTC."""
    since = iso_ms(alert.starts_at_ms)
    return since if alert.ends_at_ms is None else f"{since} to {iso_ms(alert.ends_at_ms)}"


def title(notification: Notification) -> str:
    """`[FIRING P1] accuracy-critical: fraud rf_v2`, or the group and how many fire and are over."""
    shown = notification.alerts
    prefix = "" if notification.why in {"FIRST", "NEW", "RESOLVED"} else f"{notification.why} "
    if len(shown) == 1 and not notification.omitted:
        [alert] = shown
        text = f"[{prefix}{alert.status.upper()} {alert.priority}] {alert.rule}: {subject(alert)}"
    else:
        counts = f"{len(notification.firing)} firing, {len(notification.resolved)} resolved"
        more = f", {notification.omitted} more" if notification.omitted else ""
        group = ", ".join(f"{name}={value}" for name, value in notification.group) or notification.receiver
        text = f"[{prefix}{counts}{more}] {group}"
    return clean(text, TITLE_CHARACTERS_MAX)


def line(alert: AlertEvent) -> str:
    """Everything of one alert on one line."""
    head = f"{alert.status.upper()} {alert.priority} {clean(alert.rule)} {subject(alert)}"
    judged = f"{clean(alert.metric)} {value_with_interval(alert)}, threshold {number(alert.threshold)}, {when(alert)}"
    tail = [clean(part) for part in (alert.summary, alert.runbook) if part]
    return "; ".join([f"{head}: {judged}", *tail])


def body(notification: Notification) -> str:
    """A line for each alert; what is not shown is counted."""
    return "\n".join(_lines(notification))


def hidden(notification: Notification, shown: int) -> int:
    """How many alerts of the group are not among the first `shown`."""
    return notification.omitted + max(0, len(notification.alerts) - shown)


def remarks(notification: Notification, shown: int) -> list[str]:
    """What is to be said besides the first `shown` alerts: how many more there are, and were without being told."""
    more, missed = hidden(notification, shown), notification.missed
    remark = f"{missed} {'incident' if missed == 1 else 'incidents'} came and went untold before"
    return [f"and {more} more"] * bool(more) + [remark] * bool(missed)


def _lines(notification: Notification) -> Iterator[str]:
    yield from (line(alert) for alert in notification.alerts[:ALERTS_SHOWN_MAX])
    yield from remarks(notification, ALERTS_SHOWN_MAX)
