"""PagerDuty Events API v2: one event for each alert."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Final, Literal

import orjson

from alerting.channels import text
from alerting.channels.http import Http
from alerting.channels.specs import Links, PagerDutySpec
from alerting.channels.templates import Renderer
from alerting.notification import ChannelError, Notification
from models.alert_event import AlertEvent
from models.metric_record import iso_ms

DEDUP_KEY_CHARACTERS_MAX: Final = 255
SUMMARY_CHARACTERS_MAX: Final = 1_024
RATE_LIMIT_SECONDS: Final = 180.0
"""PagerDuty says "retry later, preferably with a back off" and usually not when."""

Action = Literal["trigger", "resolve"]


class PagerDutyChannel:
    """Triggers and resolves with the alert's fingerprint as key: a copy changes nothing, a repeat pages nobody.

    An alert that was over before its trigger could be sent (a message that is new tells of it as resolved) is
    triggered and resolved, so that it is on record. A page that stands for many alerts (a storm) is one event under
    the page's name, until the last of them is over.
    """

    def __init__(self, spec: PagerDutySpec, links: Links, renderer: Renderer, http: Http) -> None:
        self._spec = spec
        self._links = links
        self._renderer = renderer
        self._http = http

    async def send(self, notification: Notification) -> None:
        """Post the events one after another, in the order of the alerts; raises ChannelError."""
        routing_key = self._spec.routing_key.read()
        for action, alert in _page_events(notification) if notification.page else _events(notification):
            event = self._event(notification, action, alert)
            await self._post(orjson.dumps({"routing_key": routing_key, **event}))

    async def check(self) -> None:
        self._spec.routing_key.read()
        await self._http.reach(self._spec.url)

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, body: bytes) -> None:
        try:
            await self._http.post(self._spec.url, body, {"Content-Type": "application/json"}, explain=_explain)
        except ChannelError as error:
            if error.failure == "rate_limited" and error.retry_after_seconds is None:
                error.retry_after_seconds = RATE_LIMIT_SECONDS
            raise

    def _event(self, notification: Notification, action: Action, alert: AlertEvent) -> dict[str, object]:
        key = notification.page or dedup_key(alert)
        event: dict[str, object] = {"event_action": action, "dedup_key": key}
        if action == "trigger":
            event |= {"payload": self._payload(notification, alert), "client": "Hindcast", "links": _links(alert)}
            if (url := text.link(self._links.dashboard_url)) is not None:
                event["client_url"] = url
        return event

    def _payload(self, notification: Notification, alert: AlertEvent) -> dict[str, object]:
        alone = len(notification.alerts) == 1 or bool(notification.page)
        summary = self._renderer.title(notification) if alone else text.line(alert)
        return {
            "summary": text.cut(summary, SUMMARY_CHARACTERS_MAX),
            "source": text.clean(alert.model) or "hindcast",
            "severity": alert.severity,
            "timestamp": iso_ms(alert.starts_at_ms),
            "component": text.clean(alert.model_version),
            "group": text.clean(alert.segment),
            "class": text.clean(alert.metric),
            "custom_details": _details(notification, alert) | self._body(notification),
        }

    def _body(self, notification: Notification) -> dict[str, str]:
        body = self._renderer.body(notification)
        return {} if body is None else {"message": body}


def dedup_key(alert: AlertEvent) -> str:
    """The fingerprint, or its hash where it is longer than PagerDuty takes."""
    if len(alert.fingerprint) <= DEDUP_KEY_CHARACTERS_MAX:
        return alert.fingerprint
    return sha256(alert.fingerprint.encode("utf-8", "replace")).hexdigest()


def _events(notification: Notification) -> Iterator[tuple[Action, AlertEvent]]:
    told = {alert.fingerprint for alert in notification.firing}
    # beside others, what is resolved in a message that is not the first may have been told before
    untold = notification.why == "FIRST" or (notification.why == "NEW" and len(notification.alerts) == 1)
    for alert in notification.alerts:
        if alert.status == "firing":
            yield "trigger", alert
            continue
        if untold and alert.fingerprint not in told:
            yield "trigger", alert
        yield "resolve", alert


def _page_events(notification: Notification) -> Iterator[tuple[Action, AlertEvent]]:
    """One trigger with the worst alert; at once its resolve where all are over, else that alone at the end."""
    if notification.why != "RESOLVED":
        yield "trigger", notification.alerts[0]
    if not notification.firing:
        yield "resolve", notification.alerts[0]


def _details(notification: Notification, alert: AlertEvent) -> dict[str, str]:
    """Each cut to a thousand characters, so the whole stays far below the 512 KB that PagerDuty takes."""
    shown = {
        **alert.labels(),
        "value": text.value_with_interval(alert),
        "threshold": text.number(alert.threshold),
        "window_start": iso_ms(alert.window_start_ms),
        "reason": alert.summary,
        "runbook": alert.runbook,
        "remark": "; ".join(text.remarks(notification, len(notification.alerts))),
        "alerts": ", ".join(f"{a.rule} {text.subject(a)}" for a in notification.alerts) if notification.page else "",
    }
    return {name: text.clean(value) for name, value in shown.items() if value}


def _links(alert: AlertEvent) -> list[dict[str, str]]:
    url = text.link(alert.runbook)
    return [] if url is None else [{"href": url, "text": "Runbook"}]


def _explain(body: bytes) -> str:
    return "the routing key is not accepted" if b"routing_key" in body else ""
