"""Checks across keys: pure, each finding with every key it rests on."""

from collections.abc import Iterator

from models.smoke import SMOKE_MODEL
from runtime.settings.alerts_receiver_checks import check_receivers, check_routing
from runtime.settings.alerts_rule_checks import check_rules
from runtime.settings.kafka_checks import check_security
from runtime.settings.model import ModelSettings
from runtime.settings.privacy_checks import check_privacy
from runtime.settings.problem import KeyPath, Problem
from runtime.settings.registry_checks import check_registry
from runtime.settings.root import Settings
from runtime.settings.secrets import unreadable
from runtime.settings.web import WebSettings

_OWN_NAMES = ("metrics", "alerts", "decisions", "dead-letters", "smoke-predictions", "smoke-labels")
_OF_A_TOPIC = ("partitioned_by_id", "task", "classes_max")
_OWN_PARTS = ("-changelog", "-partials", "-by-id")


def check(settings: Settings) -> list[Problem]:
    """Everything that only several keys together can get wrong."""
    problems = [*check_security(settings.kafka.security), *check_privacy(settings.privacy)]
    problems += _secret_files(settings.web)
    if SMOKE_MODEL in settings.models:
        problems.append(Problem(("models", SMOKE_MODEL), "is the name of the smoke test's model: set smoke_test: true"))
    for name, model in settings.models.items():
        at: KeyPath = ("models", name)
        problems += [*_times(at, model), *_spans(at, model), *_segments(at, model), *_carried(at, model)]
        problems += _own_topics(at, model, settings.kafka.topic_prefix)
    problems += [*_clashes(settings), *_shared(settings), *check_registry(settings)]
    problems += check_rules(settings.alerts, settings.models)
    problems += check_receivers(settings.alerts)
    return [*problems, *check_routing(settings.alerts, list(settings.models))]


def _secret_files(web: WebSettings) -> Iterator[Problem]:
    at: KeyPath = ("web", "auth")
    if web.auth is not None and web.auth.bearer_file is not None:
        yield from unreadable((*at, "bearer_file"), web.auth.bearer_file)
    if web.auth is not None and web.auth.basic is not None:
        yield from unreadable((*at, "basic", "password_file"), web.auth.basic.password_file)


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


def _carried(at: KeyPath, model: ModelSettings) -> Iterator[Problem]:
    if model.business is not None and model.task != "binary":
        text = f"the worth of confusion cells is known of binary models only, not of task {model.task}"
        yield Problem((*at, "business"), text, ((*at, "task"),))
    if model.class_scores and model.task != "multiclass":
        text = f"scores of single classes are of multiclass models only, not of task {model.task}"
        yield Problem((*at, "class_scores"), text, ((*at, "task"),))


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
