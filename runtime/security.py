"""How the three Kafka clients authenticate, built in one place from the settings.

Faust's ``SASLCredentials`` without an ``ssl_context`` of its own silently speak SASL_PLAINTEXT, even if the
app has one. So nobody else makes credentials, and the context is always given where TLS was asked for.
"""

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.errors import WorldError
from runtime.settings.kafka import Mechanism, Protocol, SecuritySettings
from runtime.settings.secrets import read_secret

if TYPE_CHECKING:
    from faust.auth import Credentials


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """Everything a client needs to log in; the password is in no repr."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def sasl(self) -> bool:
        """Whether a user and a password are sent."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}


def kafka_security(settings: SecuritySettings) -> KafkaSecurity:
    """Resolve the password (environment or file). Raises WorldError if the file went away since loading."""
    return KafkaSecurity(
        protocol=settings.protocol,
        mechanism=settings.mechanism,
        username=settings.username,
        password=_password(settings),
        ca_file=settings.ca_file,
    )


def _password(settings: SecuritySettings) -> str | None:
    if settings.password is not None:
        return settings.password.get_secret_value()
    if settings.password_file is None:
        return None
    try:
        return read_secret(settings.password_file)
    except ValueError as error:
        raise WorldError(f"kafka.security.password_file: {error}") from None


def ssl_context(security: KafkaSecurity) -> ssl.SSLContext | None:
    """A context that verifies the broker (by ``ca_file`` or the system's authorities); None without TLS."""
    if not security.tls:
        return None
    try:
        return ssl.create_default_context(cafile=security.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise WorldError(f"kafka.security.ca_file: cannot use {security.ca_file}: {error.strerror or error}") from None


def aiokafka_kwargs(security: KafkaSecurity) -> dict[str, str | ssl.SSLContext | None]:
    """Keyword arguments for aiokafka's consumer, producer and admin client."""
    kwargs: dict[str, str | ssl.SSLContext | None] = {"security_protocol": security.protocol}
    if security.tls:
        kwargs["ssl_context"] = ssl_context(security)
    if security.sasl:
        kwargs |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password,
        }
    return kwargs


def faust_credentials(security: KafkaSecurity) -> "Credentials | None":
    """Credentials for ``faust.App(broker_credentials=…)``; None without TLS and login."""
    from faust.auth import SASLCredentials, SSLCredentials  # slow to import, and only workers need it

    if security.sasl:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.mechanism,
            ssl_context=ssl_context(security),
        )
    context = ssl_context(security)
    return None if context is None else SSLCredentials(context)


def confluent_config(security: KafkaSecurity) -> dict[str, str]:
    """Configuration for confluent-kafka (librdkafka)."""
    config: dict[str, str] = {"security.protocol": security.protocol}
    if security.tls and security.ca_file is not None:
        config["ssl.ca.location"] = security.ca_file
    if security.sasl:
        config["sasl.mechanism"] = security.mechanism or ""
        config["sasl.username"] = security.username or ""
        config["sasl.password"] = security.password or ""
    return config
