"""How the records of one topic are read: which model's rules apply, and what the values mean.

Models that read records alike share a `Profile`. A prediction belongs to the model that its
model field names; a label has no model, it is read by the first profile that can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast

from msgspec import Raw

from models.batch import FAILED, WITHDRAWN, Combo, Kind
from models.errors import DecodeError
from models.judge import ID_BYTES_MAX, TEXT_CHARS_MAX, Found, Leaf, find, find_any
from models.mapping import ModelFields, Paths, field_map
from models.observed import Observer, Seen
from models.timestamps import parse_one, range_code

Role = Literal["id", "time", "score", "class", "model", "text", "watched"]

EVERY_MODEL: Final = "*"
_ROLES: Final[dict[Kind, dict[str, Role]]] = {
    "predictions": {
        "id": "id",
        "event_time": "time",
        "score": "score",
        "prediction": "class",
        "model": "model",
        "version": "text",
    },
    "labels": {"id": "id", "label_time": "time", "actual": "class"},
}
_ID_INTEGER_RANGE: Final = range(-(2**63), 2**64)


class Row(NamedTuple):
    """One good record; labels have no combo and a NaN score. found: the watched values."""

    id: bytes
    time_ms: int
    score: float
    outcome: int
    combo: Combo
    found: tuple[Seen, ...] = ()


class Field(NamedTuple):
    """One value that is read from every record."""

    meaning: str
    role: Role
    paths: Paths


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The rules that one or several models share; compared by identity, there is one of each."""

    kind: Kind
    fields: tuple[Field, ...]
    positive_class: int | str | bool
    positive_kind: type
    threshold: float
    observer: Observer | None = None

    @property
    def watched_from(self) -> int:
        """Where the fields begin that the observer wants."""
        return len(self.fields) - (len(self.observer.fields) if self.observer else 0)

    def find_all(self, fields: dict[str, Raw]) -> list[Seen]:
        """What stands in a record for each of `self.fields`; DecodeError for an array or object that has a role."""
        return [
            find_any(fields, one.paths) if one.role == "watched" else find(fields, one.paths, one.meaning)
            for one in self.fields
        ]

    def prediction(self, seen: Sequence[Seen], model: str, now_ms: int, future_ms: int) -> Row:
        """The prediction that these values make (order of `self.fields`), or DecodeError."""
        watched = tuple(seen[self.watched_from :])
        found = cast("Sequence[Found]", seen[: self.watched_from])
        exact_id, time, score = id_bytes(found[0][1]), found[1][1], score_of(found[2][1])
        if time is None:
            raise DecodeError("missing:event_time", "no event time")
        if math.isnan(score) and found[3][1] is None and self.observer and self.observer.has_failed(watched):
            outcome = FAILED
        else:
            outcome = self.predicted(score, found[3][1])
        texts = [text(value) for _, value in found[5:]]
        return Row(exact_id, time_in_range(time, now_ms, future_ms), score, outcome, (cut(model), *texts), watched)

    def label(self, found: Sequence[Found], kafka_ms: int, now_ms: int, future_ms: int) -> Row:
        """The label that these values make (order of `self.fields`), or DecodeError."""
        join_id, time, actual = found
        exact_id = id_bytes(join_id[1])
        if actual[0] < 0:
            raise DecodeError("missing:actual", "no truth in the label")
        outcome = WITHDRAWN if actual[1] is None else self.is_positive(actual[1], "actual")
        time_ms = time_in_range(kafka_ms if time[1] is None else time[1], now_ms, future_ms)
        return Row(exact_id, time_ms, math.nan, outcome, ())

    def predicted(self, score: float, prediction: Leaf) -> int:
        """The predicted class, by the threshold where only a score is given."""
        if prediction is not None:
            return self.is_positive(prediction, "prediction")
        if math.isnan(score):
            raise DecodeError("missing:score", "neither a score nor a prediction")
        return int(score >= self.threshold)

    def is_positive(self, value: Leaf, meaning: str) -> int:
        """1 for the positive class, 0 for another one, DecodeError for what is no class here."""
        positive = self.positive_class
        if isinstance(positive, str):
            fits = isinstance(value, str)
        else:
            fits = isinstance(value, int) and (self.positive_kind is int or value in (0, 1))
        if not fits:
            raise DecodeError("type", f"{meaning}: not of the kind of the positive class")
        return int(value == positive)


class Models:
    """The models of one topic of one kind."""

    def __init__(self, kind: Kind, models: Sequence[ModelFields]) -> None:
        self._by_paths: dict[Paths, dict[str, Profile]] = {}
        self.profiles: list[Profile] = []
        shared: dict[tuple[object, ...], Profile] = {}
        for model in models:
            fields, positive = _fields(kind, model), model.positive_class
            rules = fields, positive, type(positive), model.threshold, model.observer  # the type tells 1 from True
            profile = shared.setdefault(rules, Profile(kind, *rules))
            self._by_paths.setdefault(_model_paths(profile), {})[model.name] = profile
        self.profiles.extend(shared.values())
        named = [model.name for model in models if model.name != EVERY_MODEL]
        self._only = named[0] if len(named) == 1 else None

    @property
    def one_model_field(self) -> bool:
        """Whether all models are told apart by the same field of the record."""
        return len(self._by_paths) == 1

    def choose(self, fields: dict[str, Raw]) -> tuple[Profile, str]:
        """The profile and model of a prediction. Raises DecodeError where there is none."""
        present = [
            (names, value)
            for paths, names in self._by_paths.items()
            if (value := find(fields, paths, "model")[1]) is not None
        ]
        if not present:
            return self._without_model()
        if not all(isinstance(value, str) for _, value in present):
            raise DecodeError("type", "model: a name is a string")
        for names, value in present:
            if value in names and value != EVERY_MODEL:
                return names[str(value)], str(value)
        for names, value in present:
            if EVERY_MODEL in names and 0 < len(str(value)) <= TEXT_CHARS_MAX:
                return names[EVERY_MODEL], str(value)
        raise DecodeError("model_unknown", "no configured model has this name")

    def resolve(self, name: Leaf) -> tuple[Profile, str]:
        """As `choose`, from the value of the one model field."""
        (names,) = self._by_paths.values()
        if name is None:
            return self._without_model()
        if isinstance(name, str):
            if name in names and name != EVERY_MODEL:
                return names[name], name
            if EVERY_MODEL in names and 0 < len(name) <= TEXT_CHARS_MAX:
                return names[EVERY_MODEL], name
        raise DecodeError("model_unknown", "no configured model has this name")

    def _without_model(self) -> tuple[Profile, str]:
        if self._only is None:
            raise DecodeError("missing:model", "several models on the topic and no model field")
        return next(names[self._only] for names in self._by_paths.values() if self._only in names), self._only


def id_bytes(value: Leaf) -> bytes:
    """The join id as UTF-8: a string as it is, an integer as its decimal text."""
    if value is None:
        raise DecodeError("missing:id", "no join id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DecodeError("type", "id: neither a string nor an integer")
    if isinstance(value, int) and value not in _ID_INTEGER_RANGE:
        raise DecodeError("out_of_range", "id: an integer beyond 64 bits")
    encoded = str(value).encode()
    if not encoded:
        raise DecodeError("missing:id", "an empty join id")
    if len(encoded) > ID_BYTES_MAX:
        raise DecodeError("id_too_long", f"id: {len(encoded)} bytes, at most {ID_BYTES_MAX}")
    return encoded


def time_in_range(value: str | float, now_ms: int, future_ms: int) -> int:
    """The time in ms, or DecodeError where it is none or out of range."""
    time_ms = parse_one(value)
    code = range_code(time_ms, now_ms, future_ms)
    if code is not None:
        raise DecodeError(code, "before the year 2000" if code == "timestamp_invalid" else "later than now")
    return time_ms


def score_of(value: Leaf) -> float:
    """The score in [0, 1]; NaN where the record has none."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError("type", "score: not a number")
    if not 0 <= value <= 1:
        raise DecodeError("out_of_range", "score: not between 0 and 1")
    return float(value)


def text(value: Leaf) -> str:
    """A version or segment value: booleans and integers as JSON writes them, null as ""."""
    if isinstance(value, float):
        raise DecodeError("type", "a version or segment value: a string is expected")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else cut(str(value))


def cut(value: str) -> str:
    """The first TEXT_CHARS_MAX characters."""
    return value[:TEXT_CHARS_MAX]


def _fields(kind: Kind, model: ModelFields) -> tuple[Field, ...]:
    mapped = field_map(kind, model.fields, model.segments)
    roles = [Field(meaning, role, mapped[meaning]) for meaning, role in _ROLES[kind].items()]
    segments = (Field(f"segment {i + 1}", "text", paths) for i, paths in enumerate(mapped.segments))
    watched = model.observer.fields if model.observer and kind == "predictions" else ()
    return (*roles, *segments, *(Field(meaning, "watched", paths) for meaning, paths in watched))


def _model_paths(profile: Profile) -> Paths:
    return next((one.paths for one in profile.fields if one.role == "model"), ())
