"""From the settings of a model to the plain values that decoding and joining take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from models.batch import Kind
from models.carried import Carrier, ScoresCarrier, ValueCarrier
from models.errors import ConfigError
from models.mapping import NAMES, ModelFields, field_map
from runtime.alert_spans import drift_span, rule_spans
from runtime.settings import ModelSettings, Settings
from runtime.settings.alerts_build import resolved
from runtime.settings.baseline import performance_by_path
from runtime.watch_plan import watch, whole_layout
from tables.plan import ModelPlan, Span
from tables.tasks import layout_of

TEXT_MEANINGS = ("id", "model", "version", "status", "error_type")


def model_fields(name: str, model: ModelSettings, kind: Kind) -> ModelFields:
    """How the records of one kind are read."""
    fields = model.predictions.fields if kind == "predictions" else model.labels.fields
    return ModelFields(
        name=name,
        kind=kind,
        fields={str(meaning): path for meaning, path in fields.items()},
        segments=tuple(model.segments) if kind == "predictions" else (),
        positive_class=model.positive_class,
        threshold=model.threshold,
        out_of_orderness_ms=model.out_of_orderness_ms,
        observer=watch(model).observer if kind == "predictions" else None,
        carrier=carrier(model) if kind == "predictions" else None,
        task=model.task,
    )


def carrier(model: ModelSettings) -> Carrier | None:
    """What its predictions carry until their label comes; None if nothing."""
    mapped = field_map("predictions", {str(meaning): path for meaning, path in model.predictions.fields.items()})
    if model.class_scores:
        return ScoresCarrier(mapped["scores"], model.classes_max)
    return None if model.business is None else ValueCarrier(mapped["value"])


def chosen_model(settings: Settings, name: str | None) -> tuple[str, ModelSettings]:
    """The model that ``--model`` names, or the only one there is. Raises ConfigError."""
    known = ", ".join(settings.models)
    if name is None:
        if len(settings.models) > 1:
            raise ConfigError([f"--model: several are configured, name one of {known}"])
        return next(iter(settings.models.items()))
    found = settings.models.get(name) or settings.models.get("*")
    if found is None:
        raise ConfigError([f"--model: {name} is not configured, known are {known}"])
    return name, found


def model_plans(settings: Settings) -> dict[str, ModelPlan]:
    """The plan of every model, with the spans that alert rules judge among its own."""
    rules = resolved(settings.alerts)
    return {
        name: _with_spans(model_plan(name, model), rule_spans(rules, name, model))
        for name, model in settings.models.items()
    }


def _with_spans(plan: ModelPlan, spans: Iterable[Span]) -> ModelPlan:
    """Of several spans of one name, one that stands for them all."""
    named: dict[str, Span] = {}
    for span in (*plan.spans, *spans):
        known = named.setdefault(span.name, span)
        named[span.name] = replace(known, whole_only=known.whole_only and span.whole_only)
    return replace(plan, spans=tuple(named.values()))


def model_plan(name: str, model: ModelSettings) -> ModelPlan:
    """The rules of time, and the slices and spans that are kept."""
    watched, carries = watch(model), carrier(model)
    business = None if model.business is None else model.business.rates
    plan = ModelPlan(
        name=name,
        predictions_topic=model.predictions.topic,
        labels_topic=model.labels.topic,
        window_ms=model.window_ms,
        horizon_ms=model.horizon_ms,
        allowed_lateness_ms=model.allowed_lateness_ms,
        label_skew_ms=model.label_skew_ms,
        emit_every_ms=model.emit_every_ms,
        idle_timeout_ms=model.idle_timeout_ms,
        segments=tuple(model.segments),
        spans=tuple(Span(span.name, span.ms, span.labelled, records=span.records) for span in model.spans),
        window_name=model.window.name,
        task=model.task,
        classes_max=model.classes_max,
        whole=whole_layout(model.task, model.classes_max, business, watched, has_class_scores=model.class_scores),
        of_segment=layout_of(model.task, model.classes_max, business, has_class_scores=model.class_scores, whole=False),
        watch=watched,
        carried_bytes=carries.itemsize if carries else 0,
        reference_errors=_reference_errors(model),
    )
    return _with_spans(plan, drift_span(model))


def _reference_errors(model: ModelSettings) -> tuple[int, int] | None:
    """(errors, labelled records) of a binary model's baseline; None where it does not say both."""
    baseline = model.baseline
    if model.task != "binary" or baseline is None or baseline.scores is None:
        return None
    labelled = sum(baseline.scores.negatives or ()) + sum(baseline.scores.positives or ())
    accuracy = performance_by_path(baseline).get("metrics.accuracy")
    if accuracy is None or not 0 <= accuracy <= 1 or not labelled:
        return None
    return round((1 - accuracy) * labelled), labelled


def text_columns(fields: ModelFields) -> set[str]:
    """Columns of a file whose cells are text although they may look like numbers."""
    meanings = set(TEXT_MEANINGS)
    if fields.task == "binary" and isinstance(fields.positive_class, str):
        meanings |= {"prediction", "actual"}
    found = set(fields.segments)
    for meaning in meanings & NAMES[fields.kind].keys():
        configured = fields.fields.get(meaning)
        found |= {configured} if configured else set(NAMES[fields.kind][meaning])
    return found
