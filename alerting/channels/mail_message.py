"""The mail itself: headers that nothing can be put into, a text and an HTML part."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from html import escape

from alerting.channels import text
from alerting.channels.specs import EmailSpec, Links
from alerting.channels.templates import Renderer
from alerting.notification import Notification
from models.alert_event import AlertEvent

COLOURS = {"critical": "#D00000", "warning": "#B7791F", "info": "#2B6CB0"}
RESOLVED_COLOUR = "#2F855A"


def mail_message(spec: EmailSpec, links: Links, renderer: Renderer, notification: Notification, now_ms: int) -> bytes:
    """The mail as bytes; every attempt at one notification carries the same Message-ID."""
    title = text.clean(renderer.title(notification), text.TITLE_CHARACTERS_MAX)
    own = renderer.body(notification)
    url = text.link(links.dashboard_url)
    message = EmailMessage(policy=SMTP)
    message["From"] = spec.from_
    message["To"] = ", ".join(spec.to)
    message["Subject"] = title
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1000, UTC))
    message["Message-ID"] = message_id(notification.key, spec.from_)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
    message.set_content((text.body(notification) if own is None else own) + (f"\n\n{url}" if url else ""))
    message.add_alternative(_html(title, own, notification, url), subtype="html")
    # 7-bit by construction: not every server on the way takes more
    return message.as_bytes(policy=SMTP.clone(cte_type="7bit"))


def message_id(key: str, from_: str) -> str:
    """RFC 5322: unique, in angle brackets, at the sender's domain."""
    domain = from_.rstrip("> ").rpartition("@")[2] or "hindcast"
    return f"<{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}@{domain}>"


def _html(title: str, own: str | None, notification: Notification, url: str | None) -> str:
    if own is None:
        rows = "".join(_row(alert) for alert in notification.alerts[: text.ALERTS_SHOWN_MAX])
        remarks = text.remarks(notification, text.ALERTS_SHOWN_MAX)
        content = f"<table cellpadding=6>{rows}</table>" + "".join(f"<p>{escape(remark)}</p>" for remark in remarks)
    else:
        content = f'<pre style="white-space:pre-wrap">{escape(own)}</pre>'
    dashboard = f'<p><a href="{escape(url)}">Dashboard</a></p>' if url else ""
    return f"<html><body style='font-family:sans-serif'><h3>{escape(title)}</h3>{content}{dashboard}</body></html>"


def _row(alert: AlertEvent) -> str:
    colour = COLOURS[alert.severity] if alert.status == "firing" else RESOLVED_COLOUR
    mark = f"<b style='color:{colour}'>{alert.status.upper()} {alert.priority}</b>"
    value = f"{text.clean(alert.metric)} {text.value_with_interval(alert)}, threshold {text.number(alert.threshold)}"
    runbook = text.link(alert.runbook)
    cells = [mark, *map(escape, (text.clean(alert.rule), text.subject(alert), value, text.clean(alert.summary)))]
    cells += [escape(text.when(alert)), f'<a href="{escape(runbook)}">Runbook</a>' if runbook else ""]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
