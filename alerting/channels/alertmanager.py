"""Prometheus Alertmanager, API v2: every replica is told, for they tell each other only what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from alerting.channels import text
from alerting.channels.http import Http
from alerting.channels.specs import AlertmanagerSpec, Links
from alerting.notification import ChannelError, Notification
from models.alert_event import AlertEvent
from models.metric_record import iso_ms

RENEWALS: Final = 4
"""A firing alert ends by itself after so many renewals stayed away: as long as Prometheus gives its own."""


class AlertmanagerChannel:
    """Posts to all replicas at once; one that accepts is enough (F75). What fires is renewed before its `endsAt`."""

    def __init__(self, spec: AlertmanagerSpec, links: Links, http: Http, now_ms: Callable[[], int]) -> None:
        self._spec = spec
        self._links = links
        self._http = http
        self._now_ms = now_ms

    async def send(self, notification: Notification) -> None:
        """Post; raises ChannelError if no replica took it."""
        body = orjson.dumps([self._alert(alert) for alert in notification.alerts])
        headers = {"Content-Type": "application/json"}
        await self._any(lambda url: self._http.post(f"{url.rstrip('/')}/api/v2/alerts", body, headers))

    async def check(self) -> None:
        await self._any(self._http.reach)

    async def close(self) -> None:
        await self._http.close()

    async def _any(self, ask: Callable[[str], Awaitable[None]]) -> None:
        async def attempt(url: str) -> ChannelError | None:
            try:
                await ask(url)
            except ChannelError as error:
                return error
            return None

        errors = await asyncio.gather(*map(attempt, self._spec.urls))
        failed = [error for error in errors if error is not None]
        if len(failed) == len(errors):
            raise _worth_most(failed)

    def _alert(self, alert: AlertEvent) -> dict[str, object]:
        found: dict[str, object] = {
            "labels": _labels(alert),
            "annotations": _annotations(alert),
            "startsAt": iso_ms(alert.starts_at_ms),
            "endsAt": iso_ms(self._ends_at_ms(alert)),
        }
        if (url := text.link(self._links.dashboard_url)) is not None:
            found["generatorURL"] = url
        return found

    def _ends_at_ms(self, alert: AlertEvent) -> int:
        """Never before its start, which Alertmanager refuses; what is over ends now at the latest."""
        now_ms = self._now_ms()
        if alert.status == "firing":
            return max(now_ms, alert.starts_at_ms) + RENEWALS * self._spec.renew_every_ms
        ends_at_ms = now_ms if alert.ends_at_ms is None else min(alert.ends_at_ms, now_ms)
        return max(ends_at_ms, alert.starts_at_ms)


def _labels(alert: AlertEvent) -> dict[str, str]:
    """The same for the whole life of the alert; an empty label is the same as none."""
    labels = {"alertname": alert.rule, **alert.labels()}
    return {name: shown for name, value in labels.items() if (shown := text.clean(value))}


def _annotations(alert: AlertEvent) -> dict[str, str]:
    shown = {
        "summary": alert.summary,
        "value": text.value_with_interval(alert),
        "threshold": text.number(alert.threshold),
        "runbook_url": text.link(alert.runbook) or "",
        "fingerprint": alert.fingerprint,
    }
    return {name: text.clean(value) for name, value in shown.items() if value}


def _worth_most(failed: list[ChannelError]) -> ChannelError:
    """One that a retry may cure, if there is one."""
    return next((error for error in failed if error.retryable), failed[0])
