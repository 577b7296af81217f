"""One entry of ``models``: a monitored model, its topics, fields and windows."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from pydantic import AfterValidator, Field, JsonValue, PlainValidator, WithJsonSchema

from metrics.reference import Baseline
from models.carried import CLASSES_MAX
from models.outcome import Task
from runtime.settings.base import Section, topic_name
from runtime.settings.baseline import BaselineFile
from runtime.settings.business import BusinessSettings
from runtime.settings.drift import DriftSettings
from runtime.settings.units import DurationMs, PositiveDurationMs, Span

TopicName: TypeAlias = Annotated[str, AfterValidator(topic_name)]
Format: TypeAlias = Literal["json", "avro", "protobuf", "json-schema"]
PredictionField: TypeAlias = Literal[
    "id", "model", "version", "event_time", "score", "prediction", "scores", "features",
    "embedding", "latency_ms", "status", "error_type", "value",
    "active_requests", "queue_depth", "model_load_seconds", "cpu_ratio", "memory_bytes", "disk_ratio", "gpu_ratio",
]  # fmt: skip
LabelField: TypeAlias = Literal["id", "actual", "label_time"]


def _path(text: str) -> str:
    if not text or not all(text.split(".")):
        raise ValueError("not a field path, write name or outer.inner")
    return text


def _segment(text: str) -> str:
    if not text or any(sign in text for sign in "|=,%"):
        raise ValueError("not a segment field: its name may not be empty or contain | = , %")
    return text


def _class_value(value: object) -> bool | int | str:
    if not isinstance(value, bool | int | str):
        raise ValueError("must be a class as it stands in the records: a whole number, text, true or false")  # noqa: TRY004
    return value


ClassValue: TypeAlias = Annotated[
    bool | int | str,
    PlainValidator(_class_value),
    WithJsonSchema({"type": ["boolean", "integer", "string"]}),
]
FieldPath: TypeAlias = Annotated[str, AfterValidator(_path)]
SegmentField: TypeAlias = Annotated[str, AfterValidator(_segment)]
FeatureName: TypeAlias = Annotated[str, Field(min_length=1)]


class PredictionSource(Section):
    """The topic that predictions come from; ``fields`` maps our names to theirs (dotted paths)."""

    topic: TopicName
    fields: dict[PredictionField, FieldPath] = Field(default_factory=dict)
    format: Format = "json"


class LabelSource(Section):
    """The topic that labels come from. Without a name it follows from the predictions' topic."""

    topic: TopicName | None = None
    fields: dict[LabelField, FieldPath] = Field(default_factory=dict)
    format: Format = "json"


class NamedLabelSource(LabelSource):
    """A label source whose topic is known."""

    topic: TopicName


class ModelSettings(Section):
    """A monitored model. Keys in the file carry no unit (``window``), attributes do."""

    task: Task = "binary"
    predictions: PredictionSource
    label_source: LabelSource = Field(default=LabelSource(), alias="labels")
    partitioned_by_id: bool = False
    positive_class: ClassValue = 1
    classes_max: int = Field(default=50, ge=2, le=CLASSES_MAX)
    class_scores: bool = False
    threshold: float = Field(default=0.5, ge=0, le=1)
    window: Span = Field(default="60s", validate_default=True)
    horizon_ms: PositiveDurationMs = Field(default="6h", alias="horizon", validate_default=True)
    allowed_lateness_ms: DurationMs = Field(default="60s", alias="allowed_lateness", validate_default=True)
    out_of_orderness_ms: DurationMs = Field(default="30s", alias="out_of_orderness", validate_default=True)
    label_skew_ms: DurationMs = Field(default="0s", alias="label_skew", validate_default=True)
    emit_every_ms: PositiveDurationMs = Field(default="10s", alias="emit_every", validate_default=True)
    idle_timeout_ms: PositiveDurationMs = Field(default="30s", alias="idle_timeout", validate_default=True)
    spans: list[Span] = Field(default_factory=list)
    segments: list[SegmentField] = Field(default_factory=list)
    segment_values_max: int = Field(default=50, ge=1, le=10_000)
    baseline_file: BaselineFile | None = Field(default=None, alias="baseline")
    features: list[FeatureName] | None = None
    resources: bool = False
    drift: DriftSettings = DriftSettings()
    business: BusinessSettings | None = None
    champion: JsonValue = Field(default=None, repr=False)
    challengers: JsonValue = Field(default=None, repr=False)

    @property
    def window_ms(self) -> int:
        """Length of a window."""
        return self.window.ms or 0

    @property
    def baseline(self) -> Baseline | None:
        """The baseline with those of its features that may be watched."""
        found, allowed = self.baseline_file, self.features
        if found is None or allowed is None:
            return found
        kept = {name: feature for name, feature in found.features.items() if name in allowed}
        return msgspec.structs.replace(found, features=kept)

    @property
    def labels(self) -> NamedLabelSource:
        """The label source with its topic: the configured one, or the default for the predictions'."""
        source = self.label_source
        topic = source.topic or labels_topic_for(self.predictions.topic)
        return NamedLabelSource(topic=topic, fields=source.fields, format=source.format)


def labels_topic_for(predictions_topic: str) -> str:
    """Default labels topic: ``x_predictions`` -> ``x_labels``; any other ``x`` -> ``x_labels``.

    >>> labels_topic_for("shop.predictions")
    'shop.labels'
    >>> labels_topic_for("scores")
    'scores_labels'
    """
    stem = predictions_topic.removesuffix("predictions")
    return f"{stem}labels" if stem != predictions_topic else f"{predictions_topic}_labels"
