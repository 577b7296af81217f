"""Checks across keys: pure, each finding with every key it rests on."""

from collections.abc import Iterator
from pathlib import Path

from runtime.settings.alerts_receiver_checks import check_receivers, check_routing
from runtime.settings.alerts_rule_checks import check_rules
from runtime.settings.kafka import SecuritySettings
from runtime.settings.model import ModelSettings
from runtime.settings.problem import KeyPath, Problem
from runtime.settings.root import Settings
from runtime.settings.secrets import read_secret
from runtime.settings.web import WebSettings

_OWN_NAMES = ("metrics", "alerts", "decisions", "dead-letters")
_OF_A_TOPIC = ("partitioned_by_id", "task", "classes_max")
_OWN_PARTS = ("-changelog", "-partials", "-by-id")


def check(settings: Settings) -> list[Problem]:
    """Everything that only several keys together can get wrong."""
    problems = [*_security(settings.kafka.security), *_secret_files(settings.web)]
    for name, model in settings.models.items():
        at: KeyPath = ("models", name)
        problems += [*_times(at, model), *_spans(at, model), *_segments(at, model)]
        problems += _own_topics(at, model, settings.kafka.topic_prefix)
    problems += [*_clashes(settings), *_shared(settings)]
    problems += check_rules(settings.alerts, settings.models)
    problems += check_receivers(settings.alerts)
    return [*problems, *check_routing(settings.alerts, list(settings.models))]


def _security(security: SecuritySettings) -> Iterator[Problem]:
    at: KeyPath = ("kafka", "security")
    protocol, mechanism = (*at, "protocol"), (*at, "mechanism")
    if security.sasl:
        yield from _sasl(at, security)
    elif security.mechanism is not None:
        yield Problem(mechanism, f"has no meaning with protocol {security.protocol}", (protocol,))
    if security.ca_file is not None:
        yield from _readable((*at, "ca_file"), security.ca_file)
        if not security.tls:
            yield Problem((*at, "ca_file"), f"has no meaning with protocol {security.protocol}", (protocol,))


def _sasl(at: KeyPath, security: SecuritySettings) -> Iterator[Problem]:
    protocol, mechanism = (*at, "protocol"), (*at, "mechanism")
    if security.mechanism is None:
        yield Problem(mechanism, f"is needed with protocol {security.protocol}", (protocol,))
    if security.username is None:
        yield Problem((*at, "username"), f"is needed with protocol {security.protocol}", (protocol,))
    if security.password is None and security.password_file is None:
        yield Problem((*at, "password_file"), f"is needed with protocol {security.protocol}", (protocol,))
    if security.password is not None and security.password_file is not None:
        yield Problem((*at, "password"), "give either password or password_file", ((*at, "password_file"),))
    if security.password_file is not None:
        yield from _readable((*at, "password_file"), security.password_file)
    if security.mechanism == "PLAIN" and not security.tls and not security.allow_plaintext:
        text = "PLAIN without TLS sends the password readable: use SASL_SSL, or set allow_plaintext: true"
        yield Problem(mechanism, text, (protocol, (*at, "allow_plaintext")))


def _secret_files(web: WebSettings) -> Iterator[Problem]:
    at: KeyPath = ("web", "auth")
    if web.auth is not None and web.auth.bearer_file is not None:
        yield from _readable((*at, "bearer_file"), web.auth.bearer_file)
    if web.auth is not None and web.auth.basic is not None:
        yield from _readable((*at, "basic", "password_file"), web.auth.basic.password_file)


def _readable(at: KeyPath, path: str) -> Iterator[Problem]:
    try:
        read_secret(str(Path(path)))
    except ValueError as error:
        yield Problem(at, str(error))


def _times(at: KeyPath, model: ModelSettings) -> Iterator[Problem]:
    window = (*at, "window")
    if model.window.ms is None:
        yield Problem(window, f"must be a duration, as 60s (got {model.window.name!r})")
    elif model.horizon_ms < model.window.ms:
        yield Problem((*at, "horizon"), f"must be at least one window ({model.window.name})", (window,))


def _spans(at: KeyPath, model: ModelSettings) -> Iterator[Problem]:
    window, seen = (*at, "window"), dict[tuple[int | None, ...], str]()
    for index, span in enumerate(model.spans):
        place = (*at, "spans", index)
        if span.amount in seen:
            yield Problem(place, f"{span.name} is the same span as {seen[span.amount]}")
        seen[span.amount] = span.name
        if span.ms is None or not model.window_ms:
            continue
        if span.ms % model.window_ms or span.ms < model.window_ms:
            yield Problem(place, f"{span.name} is not a multiple of the window ({model.window.name})", (window,))
        elif span.ms == model.window_ms:
            yield Problem(place, f"{span.name} is the window itself, which is emitted anyway", (window,))


def _segments(at: KeyPath, model: ModelSettings) -> Iterator[Problem]:
    for index, field in enumerate(model.segments):
        if field in model.segments[:index]:
            yield Problem((*at, "segments", index), f"{field} stands twice")


def _own_topics(at: KeyPath, model: ModelSettings, prefix: str) -> Iterator[Problem]:
    for side, topic in (("predictions", model.predictions.topic), ("labels", model.labels.topic)):
        own = topic.startswith(prefix) and topic.removeprefix(prefix) in _OWN_NAMES
        inner = topic.startswith(prefix) and any(part in topic for part in _OWN_PARTS)
        if own or inner:
            text = f"{topic} is a topic that Hindcast itself writes"
            yield Problem((*at, side, "topic"), text, (("kafka", "topic_prefix"),))


def _clashes(settings: Settings) -> Iterator[Problem]:
    predictions = {model.predictions.topic: name for name, model in settings.models.items()}
    for name, model in settings.models.items():
        other = predictions.get(model.labels.topic)
        if other is not None:
            text = f"{model.labels.topic} is already the predictions' topic of {other}"
            where: KeyPath = ("models", name, "labels", "topic")
            yield Problem(where, text, (("models", other, "predictions", "topic"),))


def _shared(settings: Settings) -> Iterator[Problem]:
    """A topic is consumed once, so what concerns the whole topic must be said once."""
    first: dict[str, tuple[str, ModelSettings]] = {}
    for name, model in settings.models.items():
        for topic in (model.predictions.topic, model.labels.topic):
            other_name, other = first.setdefault(topic, (name, model))
            apart = [key for key in _OF_A_TOPIC if getattr(other, key) != getattr(model, key)]
            for key in apart:
                text = f"must be as in {other_name}: both read {topic}"
                yield Problem(("models", name, key), text, (("models", other_name, key),))
            if apart:
                break
            if model.task == "multiclass" and other.labels.topic != model.labels.topic:
                text = f"must be as in {other_name}: both read {topic}, and their classes are one list"
                yield Problem(("models", name, "labels", "topic"), text, (("models", other_name, "labels", "topic"),))
