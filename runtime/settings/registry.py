"""The section ``kafka.schema_registry``: where schemas of Avro, Protobuf and JSON Schema records come from."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field, SecretStr

from runtime.settings.base import Section

_URL: Final = re.compile(r"https?://[^\s,/@]+(/[^\s,@]*)?")


def _urls(text: str) -> str:
    if not all(_URL.fullmatch(url.strip()) for url in text.split(",")):
        raise ValueError("not the URL of a registry, write https://host:port (a user has a key of its own)")
    return text


RegistryUrl: TypeAlias = Annotated[str, AfterValidator(_urls)]


class RegistrySettings(Section):
    """A registry that speaks Confluent's protocol. Secrets come from the environment or from a file, never as text."""

    url: RegistryUrl
    username: Annotated[str, Field(pattern=r"^[^:]+$")] | None = None
    password: SecretStr | None = Field(default=None, description="written as ${ENV_VAR}")
    password_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    allow_plaintext: bool = Field(default=False, description="allow a password without TLS (it can be read on the way)")

    @property
    def tls(self) -> bool:
        """Whether every connection is encrypted."""
        return all(url.strip().startswith("https:") for url in self.url.split(","))
