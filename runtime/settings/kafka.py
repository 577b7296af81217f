"""The ``kafka`` section: where the brokers are and how to speak with them."""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema

from runtime.settings.base import Section, topic_name
from runtime.settings.registry import RegistrySettings
from runtime.settings.units import PositiveDurationMs

Protocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


def _servers(value: object) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("not a list of brokers, write host:port,host:port")
    servers = [part.strip() for part in parts if part.strip()]
    if not servers:
        raise ValueError("at least one broker is needed, as host:port")
    for server in servers:
        _check_server(server)
    return servers


def _check_server(server: str) -> None:
    match = re.match(r"^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$", server)
    if match is None or not 0 < int(match[1]) < 65_536:
        raise ValueError("each broker is written as host:port")


Servers: TypeAlias = Annotated[
    list[str],
    BeforeValidator(_servers),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class OAuthSettings(Section):
    """Where tokens come from, for OAUTHBEARER: the client credentials grant (RFC 6749, section 4.4)."""

    token_url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr | None = Field(default=None, description="written as ${ENV_VAR}")
    client_secret_file: str | None = None
    scope: str | None = None


class SecuritySettings(Section):
    """How to authenticate. Secrets come from the environment or from a file, never as text."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: SecretStr | None = Field(default=None, description="written as ${ENV_VAR}")
    password_file: str | None = None
    oauth: OAuthSettings | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    allow_plaintext: bool = Field(
        default=False, description="allow mechanism PLAIN without TLS (the password is readable)"
    )

    @property
    def sasl(self) -> bool:
        """Whether the protocol asks for a user and a password."""
        return self.protocol.startswith("SASL_")

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol.endswith("SSL")


class KafkaSettings(Section):
    """Brokers, names and sizes of our own topics."""

    bootstrap_servers: Servers = Field(default="localhost:9092", validate_default=True)
    security: SecuritySettings = SecuritySettings()
    topic_prefix: Annotated[str, AfterValidator(topic_name)] = "hindcast-"
    replication_factor: Annotated[int, Field(ge=1, le=32_767)] | None = Field(
        default=None, description="3, or as many as there are brokers"
    )
    partitions: int = Field(default=8, ge=1, le=10_000, description="of the internal topics")
    session_timeout_ms: PositiveDurationMs = Field(
        default="45s",
        alias="session_timeout",
        validate_default=True,
        description="a worker silent for so long loses its partitions to the others",
    )
    on_topic_recreated: Literal["stop", "reset"] = Field(
        default="stop", description="what to do when a source topic was deleted and made anew"
    )
    schema_registry: RegistrySettings | None = None
