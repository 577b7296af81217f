"""What the join and the merge have to know of the configuration, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from metrics.observer import ModelObserver, Watching
from metrics.window_layout import WindowLayout
from models.batch import MIN_MS
from models.outcome import Task
from tables.expiry import bucket_ms
from tables.row_form import RowForm
from tables.row_forms import form_of
from tables.tasks import layout_of

__all__ = ["ANY_MODEL", "MIN_MS", "ModelPlan", "Plan", "Span"]

ANY_MODEL = "*"
COUNTED_LOOK_BACK_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Span:
    """A rolling span: so many milliseconds, or as far back as so many labels, or records, lie.

    lag_ms: it ends so long before the newest closed window, so that its labels had that long to come.
    whole_only: nobody asks for it of segments.
    """

    name: str
    length_ms: int | None = None
    labelled: int | None = None
    lag_ms: int = 0
    records: int | None = None
    whole_only: bool = False

    @property
    def look_back_ms(self) -> int:
        """How long before the newest closed window it may begin; a counted span looks back a day at most."""
        return (self.length_ms or COUNTED_LOOK_BACK_MS) + self.lag_ms


@dataclass(frozen=True, eq=False)
class Watch:
    """What is counted of a model's predictions before their labels, for whole models.

    always: also where records carry nothing that the observer reads.
    """

    observer: ModelObserver
    parts: tuple[Watching, ...]
    always: bool

    @cached_property
    def layout(self) -> WindowLayout:
        """Of these parts alone."""
        return WindowLayout(self.parts)


WHOLE, SEGMENT = layout_of("binary", whole=True), layout_of("binary", whole=False)
"""Of a binary model of which nothing but outcomes is watched."""


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One configured model (or ``"*"``): its topics and its rules of time, in milliseconds.

    reference_errors: (errors, labelled records) of its baseline. carried_bytes: what a row keeps of a prediction
    besides its outcome (see `models.carried`).
    """

    name: str
    predictions_topic: str
    labels_topic: str
    window_ms: int = 60_000
    horizon_ms: int = 6 * 3_600_000
    allowed_lateness_ms: int = 60_000
    label_skew_ms: int = 0
    emit_every_ms: int = 10_000
    idle_timeout_ms: int = 30_000
    segments: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    window_name: str = "60s"
    task: Task = "binary"
    whole: WindowLayout = WHOLE
    of_segment: WindowLayout = SEGMENT
    watch: Watch | None = None
    reference_errors: tuple[int, int] | None = None
    classes_max: int = 50
    carried_bytes: int = 0

    def layout(self, segment: str) -> WindowLayout:
        """What is kept of a window of the whole model (""), or of a segment's."""
        return self.of_segment if segment else self.whole

    @property
    def hold_ms(self) -> int:
        """How long after a window's end its records can still change."""
        return self.horizon_ms + self.allowed_lateness_ms

    @property
    def look_back_ms(self) -> int:
        """How long final windows are kept for spans."""
        return max((span.look_back_ms for span in self.spans), default=0)

    def window_start(self, event_ms: int) -> int:
        """Start of the tumbling window, aligned to the epoch, that holds ``event_ms``."""
        return event_ms - event_ms % self.window_ms

    def final_at(self, window_start_ms: int) -> int:
        """The watermark at which the window is final."""
        return window_start_ms + self.window_ms + self.hold_ms


@dataclass(frozen=True)
class Plan:
    """All models, and how many partitions each source topic has.

    ``keyed_topics`` are read directly (partitioned by id): there a state partition has one
    source partition only, its own number. Every other source reaches every state partition.
    """

    models: Mapping[str, ModelPlan]
    partitions: Mapping[str, int] = field(default_factory=dict)
    keyed_topics: frozenset[str] = frozenset()

    def of(self, model: str) -> ModelPlan:
        """The plan of a model; ``KeyError`` where neither its name nor ``"*"`` is configured."""
        return self.models.get(model) or self.models[ANY_MODEL]

    def only_model_on(self, topic: str) -> str:
        """The one model that a source topic is for; empty where that depends on the record."""
        names = [m.name for m in self.models.values() if topic in (m.predictions_topic, m.labels_topic)]
        return names[0] if len(names) == 1 and names != [ANY_MODEL] else ""

    def fed_by(self, topic: str) -> list[ModelPlan]:
        """The models whose predictions or labels are on a source topic."""
        return [m for m in self.models.values() if topic in (m.predictions_topic, m.labels_topic)]

    def sources(self, topic: str, state_partition: int) -> list[int]:
        """The partitions of a source topic that feed a state partition."""
        if topic in self.keyed_topics:
            return [state_partition]
        return list(range(self.partitions.get(topic, 1)))

    def joined_by(self, labels_topic: str) -> list[ModelPlan]:
        """The models whose predictions a labels topic can join."""
        return [m for m in self.models.values() if m.labels_topic == labels_topic]

    def task(self, labels_topic: str) -> Task:
        """The one task of all models that share a labels topic."""
        return next((m.task for m in self.joined_by(labels_topic)), "binary")

    def row_form(self, labels_topic: str) -> RowForm:
        """How the rows of a labels topic's ids are laid out: what one of its models carries, all have room for."""
        carried_bytes = max((m.carried_bytes for m in self.joined_by(labels_topic)), default=0)
        return form_of(self.task(labels_topic), carried_bytes)

    def row_bytes(self) -> int:
        """The size of the greatest simple row."""
        return max((self.row_form(m.labels_topic).dtype.itemsize for m in self.models.values()), default=0)

    def classes_max(self, labels_topic: str) -> int:
        """How many classes of a labels topic stand for themselves: as many as one of its models may have."""
        return max((m.classes_max for m in self.joined_by(labels_topic)), default=0)

    def label_final_ms(self, labels_topic: str, label_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The watermark at which each label can join nothing any more, int64[n]."""
        final_ms = np.full(len(label_ms), MIN_MS, np.int64)
        for model in self.joined_by(labels_topic):
            latest_ms = label_ms + model.label_skew_ms
            end_ms = latest_ms - latest_ms % model.window_ms + model.window_ms
            np.maximum(final_ms, end_ms + model.hold_ms, out=final_ms)
        return final_ms

    def row_bucket_ms(self, labels_topic: str) -> int:
        """Width of the buckets in which the rows of a labels topic's ids expire."""
        return bucket_ms(max(m.hold_ms for m in self.joined_by(labels_topic)))
