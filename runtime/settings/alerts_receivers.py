"""``alerts.receivers``: who can be told, and over which channels."""

from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema

from runtime.settings.base import Names, Section, matching
from runtime.settings.units import PositiveDurationMs

Text: TypeAlias = Annotated[str, Field(min_length=1)]
FromEnvironment: TypeAlias = Annotated[SecretStr | None, Field(default=None, description="written as ${ENV_VAR}")]

_TIME_OF_DAY: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"
TimeOfDay: TypeAlias = Annotated[
    str,
    AfterValidator(matching(_TIME_OF_DAY, "not a time of day, write it as 09:00, in UTC")),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIME_OF_DAY}$", "description": "HH:MM, UTC"}),
]


class Written(Section):
    """A channel whose messages have a text that may be changed: Jinja2, sandboxed."""

    title: str = ""
    body: str = ""


class ConsoleSettings(Written):
    """Lines in the worker's log."""


class SlackSettings(Written):
    """An incoming webhook of Slack."""

    webhook_url: FromEnvironment
    webhook_url_file: Text | None = None


class PagerDutySettings(Written):
    """Events API v2: the integration key of a service."""

    routing_key: FromEnvironment
    routing_key_file: Text | None = None
    url: Text = "https://events.pagerduty.com/v2/enqueue"


class SmtpSettings(Section):
    """The mail server."""

    host: Text
    port: int = Field(default=587, ge=1, le=65_535)
    starttls: bool = True
    username: str = ""
    password: FromEnvironment
    password_file: Text | None = None
    ca_file: Text | None = None


class EmailSettings(Written):
    """Mail with a text and an HTML part."""

    to: Names = Field(min_length=1)
    sender: Text = Field(alias="from")
    smtp: SmtpSettings


class WebhookSettings(Section):
    """The alert records as a JSON list, signed where there is a secret."""

    url: Text
    secret: FromEnvironment
    secret_file: Text | None = None


class AlertmanagerSettings(Section):
    """Prometheus Alertmanager, API v2: every replica."""

    urls: Names = Field(min_length=1)
    renew_every_ms: PositiveDurationMs = Field(default="60s", alias="renew_every", validate_default=True)


class AppriseSettings(Written):
    """Everything else, by the URLs of Apprise: one a line."""

    urls: FromEnvironment
    urls_file: Text | None = None


class DigestSettings(Section):
    """One message a day with everything that came for this receiver, through another one."""

    at: TimeOfDay = "09:00"
    via: Text


class ReceiverSettings(Section):
    """Who is told: all the channels named here, or a digest."""

    pagerduty: PagerDutySettings | None = None
    slack: SlackSettings | None = None
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
    alertmanager: AlertmanagerSettings | None = None
    apprise: AppriseSettings | None = None
    console: ConsoleSettings | None = None
    digest: DigestSettings | None = None
    fallback: Text | None = None
    max_per_minute: int | None = Field(default=None, ge=1)
