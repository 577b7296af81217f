"""How the three Kafka clients authenticate, built in one place from the settings.

Faust's ``SASLCredentials`` without an ``ssl_context`` of its own silently speak SASL_PLAINTEXT, even if the
app has one. So nobody else makes credentials, and the context is always given where TLS was asked for.
"""

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from models.errors import WorldError
from runtime.clock import now_ms
from runtime.oauth import OAuthClient, TokenProvider
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
    cert_file: str | None = None
    key_file: str | None = None
    oauth: OAuthClient | None = None

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def sasl(self) -> bool:
        """Whether a user and a password are sent."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}


def kafka_security(settings: SecuritySettings) -> KafkaSecurity:
    """Resolve the secrets (environment or file). Raises WorldError if a file went away since loading."""
    return KafkaSecurity(
        protocol=settings.protocol,
        mechanism=settings.mechanism,
        username=settings.username,
        password=_secret("password_file", settings.password, settings.password_file),
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        oauth=_oauth_client(settings),
    )


def _oauth_client(settings: SecuritySettings) -> OAuthClient | None:
    oauth = settings.oauth
    if oauth is None:
        return None
    secret = _secret("oauth.client_secret_file", oauth.client_secret, oauth.client_secret_file)
    return OAuthClient(oauth.token_url, oauth.client_id, secret or "", oauth.scope, settings.ca_file)


def _secret(key: str, value: SecretStr | None, path: str | None) -> str | None:
    if value is not None:
        return value.get_secret_value()
    if path is None:
        return None
    try:
        return read_secret(path)
    except ValueError as error:
        raise WorldError(f"kafka.security.{key}: {error}") from None


def ssl_context(security: KafkaSecurity) -> ssl.SSLContext | None:
    """A context that verifies the broker (by ``ca_file`` or the system's authorities); None without TLS."""
    if not security.tls:
        return None
    key = "ca_file"
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.cert_file is not None:
            key = "cert_file"
            context.load_cert_chain(security.cert_file, security.key_file)
    except (OSError, ssl.SSLError) as error:
        path = getattr(security, key)
        raise WorldError(f"kafka.security.{key}: cannot use {path}: {error.strerror or error}") from None
    return context


def aiokafka_kwargs(security: KafkaSecurity) -> dict[str, str | ssl.SSLContext | TokenProvider | None]:
    """Keyword arguments for aiokafka's consumer, producer and admin client."""
    kwargs: dict[str, str | ssl.SSLContext | TokenProvider | None] = {"security_protocol": security.protocol}
    if security.tls:
        kwargs["ssl_context"] = ssl_context(security)
    if security.oauth is not None:
        kwargs |= {"sasl_mechanism": security.mechanism, "sasl_oauth_token_provider": TokenProvider(security.oauth)}
    elif security.sasl:
        kwargs |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password,
        }
    return kwargs


def faust_credentials(security: KafkaSecurity) -> "Credentials | None":
    """Credentials for ``faust.App(broker_credentials=…)``; None without TLS and login."""
    from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials  # slow to import, only workers need it

    if security.oauth is not None:
        return OAuthCredentials(oauth_cb=TokenProvider(security.oauth), ssl_context=ssl_context(security))
    if security.sasl:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.mechanism,
            ssl_context=ssl_context(security),
        )
    context = ssl_context(security)
    return None if context is None else SSLCredentials(context)


def confluent_config(security: KafkaSecurity) -> dict[str, Any]:
    """Configuration for confluent-kafka (librdkafka)."""
    config: dict[str, Any] = {"security.protocol": security.protocol}
    if security.tls:
        files = {"ca": security.ca_file, "certificate": security.cert_file, "key": security.key_file}
        config |= {f"ssl.{name}.location": path for name, path in files.items() if path is not None}
    if security.sasl:
        config["sasl.mechanism"] = security.mechanism or ""
    if security.oauth is not None:
        provider = TokenProvider(security.oauth)
        config["oauth_cb"] = lambda _: _until(provider)
    elif security.sasl:
        config["sasl.username"] = security.username or ""
        config["sasl.password"] = security.password or ""
    return config


def _until(provider: TokenProvider) -> tuple[str, float]:
    """A token and the Unix time at which it runs out, as librdkafka wants it."""
    token = provider.current()
    return token.text, now_ms() / 1000 + token.lifetime_seconds
