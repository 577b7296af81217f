"""The schema registry: one client for all topics, asked in a thread and with a bound of time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from models.errors import RegistryError, WorldError
from models.schemas.registered import RegistryFormat, Schema
from runtime.settings.registry import RegistrySettings
from runtime.settings.secrets import read_secret

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import Schema as ConfluentSchema
    from confluent_kafka.schema_registry import SchemaRegistryClient

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 5.0
REFERENCES_MAX: Final = 500
_NEVER_GIVEN: Final = 2**31 - 1
"""Ids are given from 1 on: this one asks whether the registry answers, and whom."""
_NOT_FOUND: Final = 404
_UNKNOWN: Final = frozenset({40401, 40402, 40403})
"""The registry's own codes for: no such subject, version, schema."""
_REFUSED: Final = frozenset({401, 403})


class SchemaRegistry:
    """Gives out schemas by their id; remembers none: what is made of them is kept by topic."""

    def __init__(self, settings: RegistrySettings) -> None:
        """Raises WorldError for certificates that cannot be used, and where the client is not installed."""
        self.url = settings.url
        self._settings = settings
        self._client = _client(settings)

    async def schema(self, schema_id: int, topic_format: RegistryFormat) -> Schema | None:
        """As `fetch`, without holding up the event loop."""
        return await asyncio.to_thread(self.fetch, schema_id, topic_format)

    def fetch(self, schema_id: int, topic_format: RegistryFormat) -> Schema | None:
        """The schema with this id and all that it builds on; None: the registry says that there is none. Blocks.

        Raises RegistryError where it says nothing, or nothing that can be understood.
        """
        fmt = "serialized" if topic_format == "protobuf" else None  # descriptors instead of the text of .proto files
        try:
            found = self._client.get_schema(schema_id, fmt=fmt)
            references = dict(self._references(found, fmt, set()))
        except Exception as error:  # noqa: BLE001  # its HTTP library's errors have no class of their own
            if _code(error) in _UNKNOWN:
                return None
            refused = _is_refusal(error)
            if refused:
                self._client = _client(self._settings)  # the password's file may have been written anew
            raise RegistryError(f"schema registry {self.url}: {_told(error)}", refused=refused) from None
        finally:
            self._client.clear_caches()  # type: ignore[no-untyped-call]  # has no types; the caches have no bound
        kind, text = found.schema_type or "AVRO", found.schema_str or ""
        if not text:
            raise RegistryError(f"schema registry {self.url}: answered without a schema")
        if kind == "PROTOBUF" and fmt and ";" in text:
            raise RegistryError(f"schema registry {self.url}: gives Protobuf schemas as text only, not as descriptors")
        return Schema(kind, text, tuple(references.items()))

    def _references(
        self, schema: ConfluentSchema, fmt: str | None, seen: set[tuple[str, int]]
    ) -> Iterator[tuple[str, str]]:
        """(name, text) of all that a schema builds on, what others build on first."""
        for one in schema.references or ():
            key = (one.subject or "", one.version or 0)
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > REFERENCES_MAX:
                raise ValueError(f"a schema builds on more than {REFERENCES_MAX} others")
            found = self._client.get_version(*key, deleted=True, fmt=fmt).schema
            yield from self._references(found, fmt, seen)
            yield one.name or "", found.schema_str or ""

    def check(self) -> None:
        """Ask for a schema that there cannot be. Raises RegistryError unless that is the answer."""
        self.fetch(_NEVER_GIVEN, "json-schema")

    def check_login(self) -> None:
        """As `check`, but a registry that is away may come back. Raises RegistryError if it is there and refuses us."""
        try:
            self.check()
        except RegistryError as error:
            if error.refused:
                raise
            log.warning("%s: topics that need it are held until it answers", error)


def _client(settings: RegistrySettings) -> SchemaRegistryClient:
    try:
        from confluent_kafka.schema_registry import SchemaRegistryClient  # slow to import, and not always installed
    except ImportError as error:
        raise WorldError(f"kafka.schema_registry: install hindcast-monitor[registry] ({error})") from None
    config: dict[str, Any] = {"url": settings.url, "timeout": TIMEOUT_SECONDS, "max.retries": 0}
    files = {"ca": settings.ca_file, "certificate": settings.cert_file, "key": settings.key_file}
    config |= {f"ssl.{name}.location": path for name, path in files.items() if path is not None}
    if settings.username is not None:
        config["basic.auth.user.info"] = f"{settings.username}:{_password(settings)}"
    try:
        return SchemaRegistryClient(config)
    except OSError as error:  # ssl.SSLError is one
        raise WorldError(f"kafka.schema_registry: cannot use its certificates: {error.strerror or error}") from None


def _password(settings: RegistrySettings) -> str:
    if settings.password is not None:
        return settings.password.get_secret_value()
    try:
        return read_secret(settings.password_file or "")
    except ValueError as error:
        raise WorldError(f"kafka.schema_registry.password_file: {error}") from None


def _code(error: Exception) -> int | None:
    """The registry's own code for what is not there; nobody else's 404 has one."""
    status: int | None = getattr(error, "http_status_code", None)
    return getattr(error, "error_code", None) if status == _NOT_FOUND else None


def _is_refusal(error: Exception) -> bool:
    return getattr(error, "http_status_code", None) in _REFUSED or "CERTIFICATE_VERIFY_FAILED" in str(error)


def _told(error: Exception) -> str:
    status: int | None = getattr(error, "http_status_code", None)
    if status in _REFUSED:
        return f"refused the login ({status}): look at kafka.schema_registry.username and its password"
    if status is not None:  # the text of the answer may be a page of anything
        return f"answered {status}"
    return f"no answer ({str(error) or type(error).__name__})"
