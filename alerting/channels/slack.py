"""Slack: one message with one attachment to an incoming webhook."""

from __future__ import annotations

import re
from typing import Final

import orjson

from alerting.channels import text
from alerting.channels.http import Http
from alerting.channels.specs import Links, SlackSpec
from alerting.channels.templates import Renderer
from alerting.notification import Notification
from models.alert_event import AlertEvent, Severity

COLOURS: Final[dict[Severity, str]] = {"critical": "#D00000", "warning": "#DAA038", "info": "#439FE0"}
RESOLVED_COLOUR: Final = "#2EB886"
# Slack cuts an attachment's text at 8,000 characters and folds it at 700; a field is meant to be short.
TEXT_CHARACTERS_MAX: Final = 7_900
FIELD_CHARACTERS_MAX: Final = 1_000
TITLE_CHARACTERS_MAX: Final = 1_000
TABLE_ROWS_MAX: Final = 10
RUNBOOKS_MAX: Final = 5
_SHOUT: Final = re.compile(r"@(?=channel\b|here\b|everyone\b)", re.IGNORECASE)
_HALF_ENTITY: Final = re.compile(r"&[a-z]{0,4}$")
_KNOWN: Final = re.compile(
    r"invalid_payload|invalid_token|user_not_found|channel_not_found|channel_is_archived|action_prohibited|no_service"
    r"|no_service_id|no_team|no_text|team_disabled|too_many_attachments|posting_to_general_channel_denied"
)
"""What Slack says when it refuses; anything else may be somebody else's words, and is not repeated."""


def escape(value: str) -> str:
    """Text that is only text: no links, no mentions, nobody called."""
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SHOUT.sub("@\u200b", value)


def cut(escaped: str, characters_max: int) -> str:
    """Cut what is escaped already, not through the middle of an entity."""
    if len(escaped) <= characters_max:
        return escaped
    return _HALF_ENTITY.sub("", escaped[: characters_max - 1]) + "…"


class SlackChannel:
    """Colour by what is worst of what fires; metric, value, message, timestamp, links and a table of the alerts."""

    def __init__(self, spec: SlackSpec, links: Links, renderer: Renderer, http: Http) -> None:
        self._spec = spec
        self._links = links
        self._renderer = renderer
        self._http = http

    async def send(self, notification: Notification) -> None:
        """Post; raises ChannelError."""
        body = orjson.dumps(self._message(notification))
        headers = {"Content-Type": "application/json"}
        await self._http.post(self._spec.webhook_url.read(), body, headers, explain=_explain)

    async def check(self) -> None:
        await self._http.reach(self._spec.webhook_url.read())

    async def close(self) -> None:
        await self._http.close()

    def _message(self, notification: Notification) -> dict[str, object]:
        title = cut(self._renderer.title(notification), TITLE_CHARACTERS_MAX)
        body = self._renderer.body(notification)
        attachment: dict[str, object] = {
            "fallback": title,
            "color": _colour(notification),
            "title": title,
            "text": cut(_text(notification) if body is None else body, TEXT_CHARACTERS_MAX),
            "fields": _fields(notification.alerts[0]) if notification.alerts else [],
            "footer": "Hindcast",
            "ts": notification.at_ms // 1000,
            "mrkdwn_in": ["text"],
        }
        if (url := text.link(self._links.dashboard_url)) is not None:
            attachment["title_link"] = url
        return {"attachments": [attachment], "unfurl_links": False, "unfurl_media": False}


def _colour(notification: Notification) -> str:
    firing = {alert.severity for alert in notification.firing}
    return next((colour for severity, colour in COLOURS.items() if severity in firing), RESOLVED_COLOUR)


def _fields(alert: AlertEvent) -> list[dict[str, object]]:
    """Those of the worst alert, as in the first one of the message."""
    shown = {
        "Metric": f"{alert.metric} of {text.subject(alert)}",
        "Value": f"{text.value_with_interval(alert)} (threshold {text.number(alert.threshold)})",
        "Message": alert.summary or f"{alert.rule} is {alert.status}",
        "Timestamp": text.when(alert),
    }
    return [
        {"title": name, "value": cut(escape(text.clean(value)), FIELD_CHARACTERS_MAX), "short": name != "Message"}
        for name, value in shown.items()
    ]


def _text(notification: Notification) -> str:
    """The table, where there is more than one alert, and the runbooks."""
    alerts = notification.alerts[:TABLE_ROWS_MAX]
    parts = [f"```{_table(alerts)}```"] if len(alerts) > 1 else []
    parts += text.remarks(notification, TABLE_ROWS_MAX)
    runbooks = {url: alert.rule for alert in alerts if (url := text.link(alert.runbook)) is not None}
    parts += [f"<{escape(url)}|Runbook of {_label(rule)}>" for url, rule in list(runbooks.items())[:RUNBOOKS_MAX]]
    return "\n".join(parts)


def _table(alerts: tuple[AlertEvent, ...]) -> str:
    rows = [("", "rule", "model", "metric", "value"), *map(_row, alerts)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return escape("\n".join(lines))


def _row(alert: AlertEvent) -> tuple[str, ...]:
    """Cells short enough that the whole table, escaped, stays below what Slack cuts."""
    mark = alert.priority if alert.status == "firing" else "ok"
    cells = (mark, alert.rule, text.subject(alert), alert.metric, text.value_with_interval(alert))
    return tuple(text.clean(cell, 28).replace("`", "'") for cell in cells)


def _label(rule: str) -> str:
    return escape(text.clean(rule, 60).replace("|", "/"))


def _explain(body: bytes) -> str:
    said = body[:64].decode("ascii", "replace").strip()
    return said if _KNOWN.fullmatch(said) else ""
