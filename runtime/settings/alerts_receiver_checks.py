"""Whether receivers, routes, inhibitions and silences hold together, and name what there is."""

from collections.abc import Iterator
from typing import Final

from models.silence import Matchers
from runtime.settings.alerts import AlertSettings, Match
from runtime.settings.alerts_build import pack_rules
from runtime.settings.alerts_receivers import ReceiverSettings
from runtime.settings.alerts_rule_checks import unknown_names
from runtime.settings.base import Section
from runtime.settings.problem import KeyPath, Problem

CHANNELS: Final = ("pagerduty", "slack", "email", "webhook", "alertmanager", "apprise", "console")
IMPLICIT_TLS_PORT: Final = 465
_SECRETS: Final = {
    "pagerduty": ("routing_key", True),
    "slack": ("webhook_url", True),
    "webhook": ("secret", False),
    "apprise": ("urls", True),
}
"""Channel -> its secret's key, and whether it cannot do without."""
_VALUES: Final = {
    "priority": ("P1", "P2", "P3"),
    "severity": ("critical", "warning", "info"),
    "cause": ("outcome", "prediction", "drift", "quality", "service", "traffic", "labels"),
}


def check_receivers(alerts: AlertSettings) -> Iterator[Problem]:
    """Every fault of ``alerts.receivers``."""
    for name, receiver in alerts.receivers.items():
        at: KeyPath = ("alerts", "receivers", name)
        yield from _channels(at, receiver)
        yield from _links(at, name, receiver, alerts)
        missing = [*_missing(at, receiver), *_readable(at, receiver)]
        yield from missing
        if not missing:
            yield from _specs(at, receiver, frozenset(alerts.allow_hosts))


def _channels(at: KeyPath, receiver: ReceiverSettings) -> Iterator[Problem]:
    used = [name for name in CHANNELS if getattr(receiver, name) is not None]
    empty = [name for name in CHANNELS if name in receiver.model_fields_set and name not in used]
    for name in empty:
        yield Problem((*at, name), f"has no value{', write console: {}' if name == 'console' else ''}")
    if receiver.digest is None and not used and not empty:
        yield Problem(at, f"needs one of {', '.join(CHANNELS)}, or digest")
    if receiver.digest is not None and used:
        yield Problem((*at, "digest"), f"stands alone, {', '.join(used)} belong to the receiver that it goes via")


def _links(at: KeyPath, name: str, receiver: ReceiverSettings, alerts: AlertSettings) -> Iterator[Problem]:
    """Fallbacks and digests lead to receivers with channels, and in no circle."""
    via = receiver.digest.via if receiver.digest else None
    for key, other in ((("fallback",), receiver.fallback), (("digest", "via"), via)):
        if other is None:
            continue
        depends: tuple[KeyPath, ...] = (("alerts", "receivers", other),)
        if other not in alerts.receivers:
            for problem in unknown_names((*at, *key), [other], alerts.receivers, "receiver"):
                yield Problem(problem.path, problem.text, depends)
        elif alerts.receivers[other].digest is not None:
            yield Problem((*at, *key), f"{other} is a digest itself", depends)
        elif key == ("fallback",) and name in _fallbacks(other, alerts):
            yield Problem((*at, *key), "leads back to this receiver", depends)


def _fallbacks(name: str | None, alerts: AlertSettings) -> set[str]:
    """Every receiver that is told when this one cannot be, itself among them."""
    seen = set[str]()
    while name is not None and name in alerts.receivers and name not in seen:
        seen.add(name)
        name = alerts.receivers[name].fallback
    return seen


def _missing(at: KeyPath, receiver: ReceiverSettings) -> Iterator[Problem]:
    """A secret comes from one place, and from none only where it is not needed."""
    for channel, section, key, needed in _secrets(receiver):
        value, file = getattr(section, key), getattr(section, f"{key}_file")
        path = (*at, *channel)
        if value is not None and file is not None:
            yield Problem((*path, key), f"give either {key} or {key}_file", ((*path, f"{key}_file"),))
        if value is None and file is None and needed:
            yield Problem((*path, f"{key}_file"), f"is needed, or {key} as ${{ENV_VAR}}", (path,))


def _readable(at: KeyPath, receiver: ReceiverSettings) -> Iterator[Problem]:
    """A password is not said where everybody can hear it."""
    smtp = receiver.email.smtp if receiver.email else None
    if smtp is not None and not smtp.starttls and smtp.port != IMPLICIT_TLS_PORT and (smtp.username or smtp.password):
        yield Problem((*at, "email", "smtp", "starttls"), "false would send the password readably")


def _secrets(receiver: ReceiverSettings) -> Iterator[tuple[KeyPath, Section, str, bool]]:
    """Where a secret belongs: section, key, and whether it cannot be left out."""
    for channel, (key, needed) in _SECRETS.items():
        section = getattr(receiver, channel)
        if section is not None:
            yield (channel,), section, key, needed
    if receiver.email is not None:
        smtp = receiver.email.smtp
        yield ("email", "smtp"), smtp, "password", bool(smtp.username)


def _specs(at: KeyPath, receiver: ReceiverSettings, allowed: frozenset[str]) -> Iterator[Problem]:
    """What the channels themselves find: addresses, secret files, templates."""
    # The channels bring an HTTP client and more with them, which `--help` need not wait for.
    from alerting.channels.build import channel_problems
    from alerting.channels.specs import Hosts
    from runtime.settings.alerts_specs import specs_of

    for kind, spec in specs_of(receiver).items():
        for said in channel_problems(kind, spec, Hosts(allowed)):
            where, _, text = said.partition(": ")
            path = _written(receiver, tuple(int(part) if part.isdigit() else part for part in where.split(".")))
            yield Problem((*at, *path), text, (("alerts", "allow_hosts"),))


def _written(receiver: ReceiverSettings, path: KeyPath) -> KeyPath:
    """The key as it stands in the file: a secret's own, or the one of its file."""
    for where, section, key, _ in _secrets(receiver):
        if path == (*where, key) and getattr(section, f"{key}_file") is not None:
            return (*where, f"{key}_file")
    return path


def check_routing(alerts: AlertSettings, models: list[str]) -> Iterator[Problem]:
    """Every fault of ``routes``, ``inhibit`` and ``silences``."""
    for index, route in enumerate(alerts.routes or []):
        at: KeyPath = ("alerts", "routes", index)
        yield from check_match((*at, "match"), route.match, alerts, models)
        for problem in unknown_names((*at, "receivers"), route.receivers, alerts.receivers, "receiver"):
            yield Problem(problem.path, problem.text, (("alerts", "receivers"),))
    for index, one in enumerate(alerts.inhibit or []):
        for side in ("source", "target"):
            yield from check_match(("alerts", "inhibit", index, side), getattr(one, side), alerts, models)
    for index, silence in enumerate(alerts.silences):
        at = ("alerts", "silences", index)
        yield from check_match((*at, "match"), silence.match, alerts, models)
        if silence.ends_at_ms <= silence.starts_at_ms:
            yield Problem((*at, "ends"), "must lie after starts", ((*at, "starts"),))


def check_match(at: KeyPath, match: Match | Matchers, alerts: AlertSettings, models: list[str]) -> Iterator[Problem]:
    """Values that no alert can have; what ends in ``*`` stands for many."""
    rules = [*pack_rules(alerts), *(own.name for own in alerts.rules)]
    known = {**_VALUES, "rule": rules} | ({} if "*" in models else {"model": models})
    for label, values in match.items():
        if label in known:
            plain = [value for value in values if not value.endswith("*")]
            for problem in unknown_names((*at, label), plain, known[label], label):
                closed = label in _VALUES and "did you mean" not in problem.text
                text = f"{problem.text}, there are {', '.join(_VALUES[label])}" if closed else problem.text
                yield Problem(problem.path, text, (("alerts", "rules"), ("alerts", "packs"), ("models",)))
