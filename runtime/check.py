"""The verb ``hindcast check``: the configuration in words, then the channels' and the broker's answer."""

from collections.abc import Iterator
from pathlib import Path

import typer

from alerting.explain import explain
from metrics.reference import Baseline
from models.errors import WorldError
from models.mapping import NAMES
from runtime.alert_plan import AlertPlan, alert_plan
from runtime.alert_spans import silent_drift
from runtime.alerts_channels import check_channels, post_tests
from runtime.alerts_silences import line as silence_line
from runtime.decoders import registry_of
from runtime.preflight import is_mock
from runtime.settings import LabelSource, ModelSettings, PredictionSource, Settings, unused_line
from runtime.settings.units import duration_text
from runtime.try_out import embedded_allowed
from runtime.world import inspect

_READ_FROM_PREDICTIONS = ("id", "model", "version", "event_time", "score", "prediction")
_READ_FROM_LABELS = ("id", "actual", "label_time")


def run(settings: Settings, file: Path | None, *, send_test: bool = False) -> int:
    """Print everything; 0 if a worker would start and tell of alerts, 1 if the world keeps it from that.

    send_test: post a test through every channel, instead of asking whether it can be reached.
    """
    plan = alert_plan(settings)
    for line in (*summary(settings, file), *_alerts(plan)):
        typer.echo(line)
    told = unused_line(settings)
    for line in (*([told] if told else []), *unwatched(settings), *silent_drift(plan.rules, settings)):
        typer.echo(f"hindcast: warning: {line}", err=True)
    reached = post_tests(plan, plan.specs) if send_test else check_channels(plan)
    reached &= registry_answers(settings)
    try:
        found = inspect(settings)
    except WorldError as error:
        typer.echo(f"hindcast: {error}", err=True)
        return 1
    if is_mock(found.seen) and embedded_allowed():
        typer.echo("broker: an embedded one, to try things out; a worker would start")
        return 0 if reached else 1
    for problem in found.problems:
        typer.echo(f"hindcast: {problem}", err=True)
    verdict = "a worker would not start" if found.errors else "a worker would start"
    topics = f"{len(found.seen.topics)} of {len(found.expected.topics)} topics there"
    typer.echo(f"broker: {found.seen.brokers} broker(s), {topics}; {verdict}")
    return 1 if found.errors or not reached else 0


def registry_answers(settings: Settings) -> bool:
    """Whether schemas can be asked for, where a topic needs some; says so."""
    try:
        registry = registry_of(settings)
        if registry is not None:
            registry.check()
            typer.echo(f"schema registry: {registry.url} answers")
    except WorldError as error:
        typer.echo(f"hindcast: {error}", err=True)
        return False
    return True


def summary(settings: Settings, file: Path | None) -> Iterator[str]:
    """The configuration in words; no secrets, because none is read here."""
    kafka, limits = settings.kafka, settings.limits
    yield f"configuration: {file or 'no file, defaults'}"
    yield f"kafka: {', '.join(kafka.bootstrap_servers)} by {kafka.security.protocol}, topics {kafka.topic_prefix}*"
    yield f"state: {settings.state.directory}, at most {settings.state.memory_budget_bytes >> 20} MiB of memory"
    yield f"web: http://{settings.web.host}:{settings.web.port}/metrics"
    ids = "as keyed hashes" if settings.privacy.hash_ids else "as they are"
    yield f"privacy: ids {ids}, dead letters {settings.privacy.dead_letters}"
    yield f"limits: {limits.record_bytes_max} bytes a record, {limits.series_max} series, {limits.models_max} models"
    for name, model in settings.models.items():
        yield from describe(name, model)


def describe(name: str, model: ModelSettings) -> Iterator[str]:
    """One model's mapping and windows in words."""
    who = "every model named in the records" if name == "*" else f"model {name}"
    keyed = "partitioned by id" if model.partitioned_by_id else "re-keyed by id"
    yield f"{who}: {model.task}, {keyed}"
    yield f"  predictions from {_topic(model.predictions)}: {_prediction_fields(model.predictions)}"
    yield f"  labels from {_topic(model.labels)}: {_label_fields(model.labels)}"
    yield f"  positive class {model.positive_class!r}, from the score at {model.threshold} where no prediction stands"
    horizon, lateness = duration_text(model.horizon_ms), duration_text(model.allowed_lateness_ms)
    yield f"  windows of {model.window.name}, labels awaited for {horizon}, final {lateness} later"
    if model.baseline is not None:
        yield f"  baseline of {', '.join(_baseline(model.baseline))}; drift over {model.drift.over.name}"
    if model.spans:
        yield f"  rolling spans: {', '.join(span.name for span in model.spans)}"
    if model.segments:
        yield f"  segments by {', '.join(model.segments)}, {model.segment_values_max} values each"


def _baseline(baseline: Baseline) -> Iterator[str]:
    """What it holds; nothing but what is there is watched."""
    yield f"{baseline.records:,} records"
    yield f"{len(baseline.features)} features"
    if baseline.predictions or baseline.prediction is not None:
        yield "predictions with losses" if baseline.losses is not None else "predictions"
    if baseline.scores is None:
        yield "no scores"
    else:
        yield "scores with labels" if baseline.scores.negatives is not None else "scores without labels"
    if baseline.centroid:
        yield f"centroid of {len(baseline.centroid)} numbers"
    yield f"{len(baseline.performance)} metrics"


def unwatched(settings: Settings) -> Iterator[str]:
    """Features that the baseline has and `features` does not allow, and the reverse."""
    for name, model in settings.models.items():
        allowed, known = model.features, model.baseline_file.features if model.baseline_file else {}
        if allowed is None:
            continue
        kept_out = [feature for feature in known if feature not in allowed]
        unknown = [feature for feature in allowed if feature not in known]
        if kept_out:
            yield f"models.{name}.features: not among them, so not watched: {', '.join(kept_out)} of the baseline"
        if unknown:
            yield f"models.{name}.features: not in the baseline, so not watched: {', '.join(unknown)}"


def _alerts(plan: AlertPlan) -> Iterator[str]:
    """Every rule in a sentence, and who is told."""
    yield f"alerts: {len(plan.rules)} rules, told to {', '.join(one.name for one in plan.routing.everyone)}"
    for rule in plan.rules:
        yield f"  {explain(rule)}"
    for silence in plan.routing.silences:
        yield f"  silence {silence_line(silence)}"


def _topic(source: PredictionSource | LabelSource) -> str:
    return f"{source.topic}" + ("" if source.format == "json" else f" ({source.format})")


def _prediction_fields(source: PredictionSource) -> str:
    fields = {str(meaning): path for meaning, path in source.fields.items()}
    return _fields(fields, "predictions", _READ_FROM_PREDICTIONS)


def _label_fields(source: LabelSource) -> str:
    return _fields({str(meaning): path for meaning, path in source.fields.items()}, "labels", _READ_FROM_LABELS)


def _fields(configured: dict[str, str], kind: str, meanings: tuple[str, ...]) -> str:
    defaults = NAMES["predictions" if kind == "predictions" else "labels"]
    return ", ".join(f"{meaning} = {configured.get(meaning) or ' or '.join(defaults[meaning])}" for meaning in meanings)
