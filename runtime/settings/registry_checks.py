"""What several keys together can get wrong about the schema registry and the formats that need it."""

from collections.abc import Iterator

from runtime.settings.model import Format, ModelSettings
from runtime.settings.problem import KeyPath, Problem
from runtime.settings.registry import RegistrySettings
from runtime.settings.root import Settings
from runtime.settings.secrets import unreadable

_AT: KeyPath = ("kafka", "schema_registry")


def check_registry(settings: Settings) -> Iterator[Problem]:
    """Everything that shows before a schema is asked for."""
    registry = settings.kafka.schema_registry
    first: dict[str, tuple[KeyPath, Format]] = {}
    for name, model in settings.models.items():
        for path, topic, its_format in _formats(name, model):
            if its_format != "json" and registry is None:
                yield Problem(path, f"{its_format} records need kafka.schema_registry", (_AT,))
            other, known = first.setdefault(topic, (path, its_format))
            if known != its_format:
                yield Problem(path, f"must be {known} as elsewhere: both read {topic}", (other,))
    if registry is not None:
        yield from _login(registry)
        yield from _certificates(registry)


def _formats(name: str, model: ModelSettings) -> Iterator[tuple[KeyPath, str, Format]]:
    for side, source in (("predictions", model.predictions), ("labels", model.labels)):
        yield ("models", name, side, "format"), source.topic, source.format


def _login(registry: RegistrySettings) -> Iterator[Problem]:
    has_password = registry.password is not None or registry.password_file is not None
    if registry.username is None and has_password:
        yield Problem((*_AT, "username"), "is needed beside a password")
    if registry.username is not None and not has_password:
        yield Problem((*_AT, "password_file"), "is needed beside username", ((*_AT, "username"),))
    if registry.password is not None and registry.password_file is not None:
        yield Problem((*_AT, "password"), "give either password or password_file", ((*_AT, "password_file"),))
    if registry.password_file is not None:
        yield from unreadable((*_AT, "password_file"), registry.password_file)
    if has_password and not registry.tls and not registry.allow_plaintext:
        text = "without https the password can be read on the way: use https, or set allow_plaintext: true"
        yield Problem((*_AT, "url"), text, ((*_AT, "allow_plaintext"),))


def _certificates(registry: RegistrySettings) -> Iterator[Problem]:
    given = {name: path for name in ("ca_file", "cert_file", "key_file") if (path := getattr(registry, name))}
    for name, path in given.items():
        yield from unreadable((*_AT, name), path)
        if not registry.tls:
            yield Problem((*_AT, name), "has no meaning without https", ((*_AT, "url"),))
    for name, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if name in given and other not in given:
            yield Problem((*_AT, other), f"is needed beside {name}", ((*_AT, name),))
