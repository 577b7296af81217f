"""What a channel needs to know, as plain values: settings make them, `build_channel` takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from alerting.channels.secret import SecretSource


@dataclass(frozen=True, slots=True)
class Texts:
    """Templates of a message (Jinja2, sandboxed); empty = ours."""

    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts (names or addresses, no port) that may be private and may be spoken to by plain http."""

    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Links:
    """Pages that messages point at, beside each alert's runbook."""

    dashboard_url: str | None = None


@dataclass(frozen=True, slots=True)
class ConsoleSpec:
    """Plain lines to the log."""

    kind: ClassVar[str] = "console"
    per_alert: ClassVar[bool] = False
    min_interval_ms: ClassVar[int] = 0

    texts: Texts = Texts()


@dataclass(frozen=True, slots=True)
class SlackSpec:
    """An incoming webhook; Slack takes one message a second on each."""

    kind: ClassVar[str] = "slack"
    per_alert: ClassVar[bool] = False
    min_interval_ms: ClassVar[int] = 1_000

    webhook_url: SecretSource
    texts: Texts = Texts()


@dataclass(frozen=True, slots=True)
class PagerDutySpec:
    """Events API v2: one event an alert, its fingerprint is the dedup key; PagerDuty takes two a second."""

    kind: ClassVar[str] = "pagerduty"
    per_alert: ClassVar[bool] = True
    min_interval_ms: ClassVar[int] = 1_000

    routing_key: SecretSource
    url: str = "https://events.pagerduty.com/v2/enqueue"
    texts: Texts = Texts()


@dataclass(frozen=True, slots=True)
class EmailSpec:
    """SMTP. starttls: refuse to go on unless the connection is encrypted by it; False = plain text is allowed."""

    kind: ClassVar[str] = "email"
    per_alert: ClassVar[bool] = False
    min_interval_ms: ClassVar[int] = 1_000

    to: tuple[str, ...]
    from_: str
    host: str
    port: int = 587
    starttls: bool = True
    username: str = ""
    password: SecretSource | None = None
    ca_file: str | None = None
    texts: Texts = Texts()


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """The alert records as JSON; signed when there is a secret."""

    kind: ClassVar[str] = "webhook"
    per_alert: ClassVar[bool] = False
    min_interval_ms: ClassVar[int] = 1_000

    url: str
    secret: SecretSource | None = None


@dataclass(frozen=True, slots=True)
class AlertmanagerSpec:
    """Prometheus Alertmanager, every replica. renew_every_ms: how often the notifier says again what fires."""

    kind: ClassVar[str] = "alertmanager"
    per_alert: ClassVar[bool] = False
    min_interval_ms: ClassVar[int] = 1_000

    urls: tuple[str, ...]
    renew_every_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class AppriseSpec:
    """Everything else (Teams, Telegram, Opsgenie, Discord ...); one Apprise URL a line."""

    kind: ClassVar[str] = "apprise"
    per_alert: ClassVar[bool] = False
    min_interval_ms: ClassVar[int] = 1_000

    urls: SecretSource
    texts: Texts = Texts()


ChannelSpec = ConsoleSpec | SlackSpec | PagerDutySpec | EmailSpec | WebhookSpec | AlertmanagerSpec | AppriseSpec
