"""What the oracle takes a raw record for: written from CONTRACT section 1 alone, one record at a time, in plain Python.

It shares no code with the service, on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Literal

import orjson

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as it was sent. Offsets give the order within (kind, partition); timestamp_ms is Kafka's."""

    kind: Literal["predictions", "labels", "heartbeats"]
    partition: int
    offset: int
    value: bytes
    timestamp_ms: int = 0

    @property
    def place(self) -> tuple[str, int, int]:
        return self.kind, self.partition, self.offset


@dataclass(frozen=True, slots=True)
class Rules:
    """The configuration that a recount depends on, with the defaults of the contract."""

    model: str = "fraud"
    window_ms: int = MINUTE_MS
    horizon_ms: int = 6 * 60 * MINUTE_MS
    label_skew_ms: int = 0
    segments: tuple[str, ...] = ()
    positive_class: int | str | bool = 1
    threshold: float = 0.5
    future_ms: int = 300_000
    value: tuple[str, ...] = ()  # where the business value may stand, if it is asked for
    now_ms: int = 4_000_000_000_000  # the wall clock when the records were consumed; the year 2096


@dataclass(frozen=True, slots=True)
class Prediction:
    """One good prediction; `segments` in the order of the rules, "" for a missing value."""

    id: str
    model: str
    version: str
    event_ms: int
    score: float | None
    positive: bool
    segments: tuple[str, ...]
    value: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """One good label; `positive` None is a withdrawal."""

    id: str
    label_ms: int
    positive: bool | None


class BadRecordError(Exception):
    """This record belongs into the dead letters."""


def read_prediction(raw: Raw, rules: Rules) -> Prediction:
    """Read a prediction; raises BadRecordError."""
    found = _object(raw.value)
    score = _score(_first(found, "score", "predicted_fraud_score", "confidence", "probability"))
    predicted = _first(found, "prediction", "predicted_fraud", "predicted")
    if predicted is None and score is None:
        raise BadRecordError("neither score nor prediction")
    positive = score is not None and score >= rules.threshold if predicted is None else _positive(predicted, rules)
    return Prediction(
        _id(found),
        _text(found, "model") or rules.model,
        _text(found, "model_version", "version"),
        _time_ms(_first(found, "event_time", "timestamp"), rules),
        score,
        positive,
        tuple(_segment(found, field) for field in rules.segments),
        _value(_first(found, *rules.value)),
    )


def read_label(raw: Raw, rules: Rules) -> Label:
    """Read a label; raises BadRecordError."""
    found = _object(raw.value)
    names = ("actual", "actual_fraud", "label", "ground_truth")
    if found.keys().isdisjoint(names):
        raise BadRecordError("no truth")
    truth = _first(found, *names)
    time = _first(found, "label_time", "timestamp")
    label_ms = raw.timestamp_ms if time is None else _time_ms(time, rules)
    return Label(_id(found), label_ms, None if truth is None else _positive(truth, rules))


def _object(value: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise BadRecordError("no JSON") from error
    if not isinstance(found, dict) or _depth(found) > 64:
        raise BadRecordError("no object")
    return found


def _depth(found: object) -> int:
    children = found.values() if isinstance(found, dict) else found if isinstance(found, list) else None
    return 0 if children is None else 1 + max(map(_depth, children), default=0)


def _first(found: dict[str, object], *names: str) -> object:
    return next((found[name] for name in names if name in found), None)  # also when it is null


def _text(found: dict[str, object], *names: str) -> str:
    text = _first(found, *names)
    if text is not None and not isinstance(text, str):
        raise BadRecordError(names[0])
    return text or ""


def _id(found: dict[str, object]) -> str:
    found_id = _first(found, "prediction_id", "transaction_id", "request_id", "id")
    if isinstance(found_id, bool) or not isinstance(found_id, str | int) or not 0 < len(str(found_id).encode()) <= 256:
        raise BadRecordError("id")
    return str(found_id)


def _score(score: object) -> float | None:
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise BadRecordError("score")
    return float(score)


def _value(value: object) -> Fraction | None:
    """In whole ten-thousandths; None where there is no usable one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e12:
        return None
    return Fraction(round(Fraction(value) * 10_000), 10_000)


def _positive(truth: object, rules: Rules) -> bool:
    if not isinstance(truth, bool | int | str):
        raise BadRecordError("class")
    return truth == rules.positive_class


def _segment(found: dict[str, object], field: str) -> str:
    features = found.get("features")
    inner = features.get(field) if isinstance(features, dict) else None
    value = found.get(field, inner)
    return value if isinstance(value, str) else ""


def _time_ms(time: object, rules: Rules) -> int:
    if isinstance(time, str):
        time_ms = _iso_ms(time)
    elif isinstance(time, int | float) and not isinstance(time, bool):
        time_ms = _epoch_ms(time)
    else:
        raise BadRecordError("time")
    if time_ms > rules.now_ms + rules.future_ms:
        raise BadRecordError("future")
    return time_ms


def _iso_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRecordError("time") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _epoch_ms(time: float) -> int:
    for limit, per_ms in ((1e11, 0), (1e14, 1), (1e17, 1000)):  # s, ms, µs by their size, else ns
        if time < limit:
            return int(time // per_ms) if per_ms else int(time * 1000 // 1)
    return int(time // 1_000_000)
