"""From the receivers of the file to the channels' plain values."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from alerting.channels.secret import SecretSource
from alerting.channels.specs import (
    AlertmanagerSpec,
    AppriseSpec,
    ChannelSpec,
    ConsoleSpec,
    EmailSpec,
    PagerDutySpec,
    SlackSpec,
    Texts,
    WebhookSpec,
)
from runtime.settings.alerts_receivers import (
    AlertmanagerSettings,
    AppriseSettings,
    ConsoleSettings,
    EmailSettings,
    PagerDutySettings,
    ReceiverSettings,
    SlackSettings,
    WebhookSettings,
    Written,
)


def specs_of(receiver: ReceiverSettings) -> dict[str, ChannelSpec]:
    """Kind of channel -> what it needs to know, for each channel of the receiver."""
    given = {kind: getattr(receiver, kind) for kind in CHANNELS}
    return {kind: CHANNELS[kind](settings) for kind, settings in given.items() if settings is not None}


def _secret(value: SecretStr | None, file: str | None) -> SecretSource:
    return SecretSource(value.get_secret_value() if value else "", Path(file) if file else None)


def _optional_secret(value: SecretStr | None, file: str | None) -> SecretSource | None:
    return _secret(value, file) if value or file else None


def _texts(settings: Written) -> Texts:
    return Texts(settings.title, settings.body)


def _pagerduty(settings: PagerDutySettings) -> PagerDutySpec:
    return PagerDutySpec(_secret(settings.routing_key, settings.routing_key_file), settings.url, _texts(settings))


def _slack(settings: SlackSettings) -> SlackSpec:
    return SlackSpec(_secret(settings.webhook_url, settings.webhook_url_file), _texts(settings))


def _email(settings: EmailSettings) -> EmailSpec:
    smtp = settings.smtp
    return EmailSpec(
        to=tuple(settings.to),
        from_=settings.sender,
        host=smtp.host,
        port=smtp.port,
        starttls=smtp.starttls,
        username=smtp.username,
        password=_optional_secret(smtp.password, smtp.password_file),
        ca_file=smtp.ca_file,
        texts=_texts(settings),
    )


def _webhook(settings: WebhookSettings) -> WebhookSpec:
    return WebhookSpec(settings.url, _optional_secret(settings.secret, settings.secret_file))


def _alertmanager(settings: AlertmanagerSettings) -> AlertmanagerSpec:
    return AlertmanagerSpec(tuple(settings.urls), settings.renew_every_ms)


def _apprise(settings: AppriseSettings) -> AppriseSpec:
    return AppriseSpec(_secret(settings.urls, settings.urls_file), _texts(settings))


def _console(settings: ConsoleSettings) -> ConsoleSpec:
    return ConsoleSpec(_texts(settings))


CHANNELS: Final[Mapping[str, Callable[[Any], ChannelSpec]]] = {
    "pagerduty": _pagerduty,
    "slack": _slack,
    "email": _email,
    "webhook": _webhook,
    "alertmanager": _alertmanager,
    "apprise": _apprise,
    "console": _console,
}
"""Kind of channel -> how its settings are read; each kind is a key of a receiver."""
