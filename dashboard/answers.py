"""What the API says in words of its own; records of topics leave as they stand there.

The OpenAPI document is made of these types, and so are the answers.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from models.dead_letter import CODES
from models.letter import Letter
from models.metric_record import iso_ms
from models.silence import Silence

State = Literal["healthy", "degraded", "no_labels", "no_traffic"]
QuantileMethod = Literal["window", "span", "upper_bound"]


class Problem(BaseModel):
    """One thing that is wrong with a request."""

    parameter: str | None = Field(description="The query parameter, where it is one.")
    message: str


class Problems(BaseModel):
    """All that is wrong with a request."""

    errors: list[Problem]


class Glance(BaseModel):
    """The main numbers of one record; undefined ones are null."""

    span: str
    window_start: str
    window_end: str
    revision: int
    final: bool
    total: int
    labelled: int
    label_coverage: float | None
    maturity: float | None
    throughput_per_second: float | None
    metrics: dict[str, float | None]
    intervals: dict[str, list[float | None] | None]
    label_latency_seconds: dict[str, float | None] | None
    prediction_latency_seconds: dict[str, float | None] | None


class FiringCounts(BaseModel):
    """How many alerts fire, by severity."""

    critical: int = 0
    warning: int = 0
    info: int = 0


class ModelItem(BaseModel):
    """One version of a model, as it stands now."""

    model: str
    model_version: str
    task: str
    state: State
    reason: str = Field(description="Why it is in this state.")
    window: Glance | None = Field(description="The newest closed window of the whole model.")
    labelled_window: Glance | None = Field(description="The newest window that has labels.")
    settled_window: Glance | None = Field(
        description="The newest window with at least half as many labels as the fullest of the last 60."
    )
    spans: list[Glance] = Field(description="The rolling spans of the whole model, shortest first.")
    headline: str = Field(description="The main metric of its task.")
    trend: list[float | None] = Field(description="Of its last windows, the oldest first: the main metric.")
    since: str | None = Field(description="When the oldest window begins that is held.")
    firing: FiringCounts
    segments: int = Field(description="How many segments records are held of.")


class Latency(BaseModel):
    """Serving latency over several windows, in seconds; null where no record tells it."""

    mean: float | None
    p95: float | None
    p99: float | None
    max: float | None
    quantile_method: QuantileMethod | None = Field(
        description="`window`, `span`: p95 and p99 are those of the one record that covers exactly this time. "
        "`upper_bound`: they are the greatest of the windows, and the true ones are not above them."
    )


class SummaryItem(BaseModel):
    """The last minutes of one version, ending with its model's newest closed window."""

    model: str
    model_version: str
    since: str
    until: str
    windows: int = Field(description="Windows held in this time; empty ones of a quiet version are not all told.")
    total: int = Field(description="Predictions made.")
    failed: int = Field(description="Predictions that ended in an error and were not made.")
    errors: dict[str, int]
    success_rate: float | None = Field(description="Share without error, of `total + failed`.")
    throughput_per_second: float
    prediction_latency_seconds: Latency


LineKind = Literal["threshold", "baseline"]


class LineItem(BaseModel):
    """A value of a metric that the configuration names: where a rule begins to judge, or what is usual."""

    model: str = Field(description="Empty: every model.")
    metric: str = Field(description="A path into the record; a bare name stands in `metrics`.")
    kind: LineKind
    value: float
    rule: str = Field(description="Of a threshold.")
    severity: str = Field(description="Of a threshold: critical, warning or info.")
    span: str = Field(description="Of a threshold: the span that is judged; empty: the window.")
    bad: Literal["above", "below"] | None = Field(description="Of a threshold: on which side it is breached.")


class CalibrationItem(BaseModel):
    """Labelled records whose score lies in [lower, upper)."""

    lower: float
    upper: float
    count: int
    mean_score: float
    positive_rate: float


class HistogramItem(BaseModel):
    """Labelled scores by class, in bins of a hundredth."""

    lower: list[float]
    negatives: list[int]
    positives: list[int]


class OutcomesItem(BaseModel):
    """What labels have said of a version in several windows: their counts, added up."""

    model: str
    model_version: str
    segment: str
    span: str = Field(description="How long its windows are.")
    since: str
    until: str
    windows: int
    total: int
    labelled: int
    confusion: dict[str, Any] | None = Field(description="As in records; of a regression null.")
    calibration: list[CalibrationItem]
    score_histogram: HistogramItem


class LetterSource(BaseModel):
    """Where the record stands that became a dead letter."""

    topic: str
    partition: int
    offset: int
    time: str | None


class LetterItem(BaseModel):
    """A dead letter."""

    code: str
    message: str
    meaning: str = Field(description="What the code means.")
    model: str
    source: LetterSource
    at: str
    size_bytes: int
    redacted: bool = Field(description="Whether nothing but its place and reason was kept (`privacy.dead_letters`).")
    content: str | None = Field(
        description="The beginning of what stands in it, as text; null where it is redacted, or where anybody may read "
        "(without `web.auth`)."
    )


class LetterCount(BaseModel):
    """How many dead letters of a code came from a topic within a day."""

    code: str
    topic: str
    count: int


class Status(BaseModel):
    """What is read, and how far."""

    reading: bool = Field(description="Whether the broker answers.")
    caught_up: bool = Field(description="Whether everything of the last day had been read once.")
    share_read: float = Field(description="From 0 to 1.")
    problem: str | None
    missing_topics: list[str]
    records: int = Field(description="Metric records held.")
    bytes: int = Field(description="What they take in memory, about.")
    unreadable: int = Field(description="Records on our topics that are none of ours.")
    may_silence: bool = Field(description="Whether silences may be begun and ended here: only where `web.auth` is set.")
    shows_content: bool = Field(description="Whether dead letters are shown with what stands in them: likewise.")


class SilenceItem(BaseModel):
    """A silence that is not over."""

    silence_id: str
    match: dict[str, list[str]]
    starts_at: str
    ends_at: str
    reason: str
    created_by: str
    configured: bool = Field(description="It stands in the configuration, and ends by it alone.")


def silence_item(silence: Silence, *, configured: bool) -> SilenceItem:
    """As the API tells a silence."""
    return SilenceItem(
        silence_id=silence.silence_id,
        match=silence.match,
        starts_at=iso_ms(silence.starts_at_ms),
        ends_at=iso_ms(silence.ends_at_ms),
        reason=silence.reason,
        created_by=silence.created_by,
        configured=configured,
    )


def letter_item(letter: Letter, content: bytes | None) -> LetterItem:
    """As the API tells a dead letter."""
    return LetterItem(
        code=letter.code,
        message=letter.message,
        meaning=CODES.get(letter.code, ""),
        model=letter.model,
        source=LetterSource(
            topic=letter.source_topic,
            partition=letter.source_partition,
            offset=letter.source_offset,
            time=iso_ms(letter.source_ms) if letter.source_ms >= 0 else None,
        ),
        at=iso_ms(letter.at_ms),
        size_bytes=letter.size_bytes,
        redacted=letter.redacted,
        content=None if content is None else content.decode("utf-8", "backslashreplace"),
    )
