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

from models.batch import Kind
from models.carried import Carried, Carrier
from models.combo import Combo
from models.errors import ConfigError, DecodeError
from models.judge import (
    ID_BYTES_MAX,
    TEXT_CHARS_MAX,
    UNREAD,
    Found,
    Leaf,
    cut,
    find,
    find_any,
    find_scores,
    find_unread,
    leaf,
    scores,
)
from models.mapping import ModelFields, Paths, field_map
from models.observed import Observer, Seen
from models.outcome import Task, failed
from models.reading import MULTICLASS, REGRESSION, BinaryReading, Outcome, OutcomeRole, Reading, best_class
from models.timestamps import parse_one, range_code

Role = Literal["id", "time", "model", "text", "watched", "vector", "shares"] | OutcomeRole

WATCHED_ROLES: Final = frozenset({"watched", "vector"})
EVERY_MODEL: Final = "*"
FIRST_OUTCOME: Final = 2
"""Of the fields of a profile: id and time, then what `Reading.asked` names, then model, version and segments."""

_ID_INTEGER_RANGE: Final = range(-(2**63), 2**64)


Sight = tuple[int, Carried]
"""As `Seen`, where an object of scores may stand, too."""


class Row(NamedTuple):
    """One good record; labels have no combo and a NaN score. found: the watched values; carried: that to be kept."""

    id: bytes
    time_ms: int
    score: float
    outcome: Outcome
    combo: Combo
    found: tuple[Seen, ...] = ()
    carried: Carried = None


class Field(NamedTuple):
    """One value that is read from every record."""

    meaning: str
    role: Role
    paths: Paths
    instead_of: int | None = None
    """Read only where the field at that index says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The rules that one or several models share; compared by identity, there is one of each."""

    kind: Kind
    fields: tuple[Field, ...]
    reading: Reading
    observer: Observer | None = None
    carrier: Carrier | None = None

    @property
    def after_outcome(self) -> int:
        """Index of the first field behind those that say the outcome."""
        return FIRST_OUTCOME + len(self.reading.asked(self.kind))

    @property
    def watched_from(self) -> int:
        """Where the fields begin that the observer wants."""
        return self.carried_from - (len(self.observer.fields) if self.observer else 0)

    @property
    def carried_from(self) -> int:
        """Where the field stands that the carrier wants, if there is one; it makes no record bad."""
        return len(self.fields) - (self.carrier is not None)

    def find_all(self, fields: dict[str, Raw]) -> list[Sight]:
        """What stands in a record for each of `self.fields`; DecodeError for an array or object that has a role."""
        found: list[Sight] = []
        for one in self.fields:
            if one.role in WATCHED_ROLES:
                found.append((find_any if one.role == "watched" else find_unread)(fields, one.paths))
                continue
            if one.role == "shares":
                found.append(find_scores(fields, one.paths))
                continue
            said = one.instead_of is not None and found[one.instead_of][1] is not None
            read = _best_of_scores if one.role == "scores" else leaf
            found.append(UNREAD if said else find(fields, one.paths, one.meaning, read))
        return found

    def prediction(self, seen: Sequence[Sight], model: str, now_ms: int, future_ms: int) -> Row:
        """The prediction that these values make (order of `self.fields`), or DecodeError."""
        watched = cast("tuple[Seen, ...]", tuple(seen[self.watched_from : self.carried_from]))
        after = self.after_outcome
        found = cast("Sequence[Found]", seen[: self.watched_from])
        exact_id, time = id_bytes(found[0][1]), found[1][1]
        if time is None:
            raise DecodeError("missing:event_time", "no event time")
        score, outcome = self._predicted([value for _, value in found[FIRST_OUTCOME:after]], watched)
        texts = [text(value) for _, value in found[after + 1 :]]
        time_ms, combo = time_in_range(time, now_ms, future_ms), (cut(model), *texts)
        return Row(exact_id, time_ms, score, outcome, combo, watched, seen[-1][1] if self.carrier else None)

    def _predicted(self, values: Sequence[Leaf], watched: tuple[Seen, ...]) -> tuple[float, Outcome]:
        try:
            return self.reading.prediction(values)
        except DecodeError as error:
            if error.code == "missing:score" and self.observer and self.observer.has_failed(watched):
                return math.nan, failed(self.reading.task)
            raise

    def label(self, found: Sequence[Found], kafka_ms: int, now_ms: int, future_ms: int) -> Row:
        """The label that these values make (order of `self.fields`), or DecodeError."""
        join_id, time, actual = found
        exact_id = id_bytes(join_id[1])
        if actual[0] < 0:
            raise DecodeError("missing:actual", "no truth in the label")
        outcome = self.reading.actual(actual[1])
        time_ms = time_in_range(kafka_ms if time[1] is None else time[1], now_ms, future_ms)
        return Row(exact_id, time_ms, math.nan, outcome, ())


class Models:
    """The models of one topic of one kind."""

    def __init__(self, kind: Kind, models: Sequence[ModelFields]) -> None:
        """Raises ConfigError for models of several tasks: a column holds one kind of outcome."""
        tasks = {model.task for model in models}
        if len(tasks) > 1:
            raise ConfigError(f"models: those that share a topic must have one task, not {' and '.join(sorted(tasks))}")
        self.task: Task = tasks.pop() if tasks else "binary"
        self._by_paths: dict[Paths, dict[str, Profile]] = {}
        self.profiles: list[Profile] = []
        shared: dict[tuple[object, ...], Profile] = {}
        for model in models:
            reading = _reading(model)
            rules = _fields(kind, model, reading), reading, model.observer, model.carrier
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


def text(value: Leaf) -> str:
    """A version or segment value: booleans and integers as JSON writes them, null as ""."""
    if isinstance(value, float):
        raise DecodeError("type", "a version or segment value: a string is expected")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else cut(str(value))


def _best_of_scores(raw: Raw, meaning: str) -> Leaf:
    return best_class(scores(raw, meaning))


def _reading(model: ModelFields) -> Reading:
    if model.task == "binary":
        return BinaryReading(model.positive_class, type(model.positive_class), model.threshold)
    return REGRESSION if model.task == "regression" else MULTICLASS


def _fields(kind: Kind, model: ModelFields, reading: Reading) -> tuple[Field, ...]:
    mapped, predicts = field_map(kind, model.fields, model.segments), kind == "predictions"
    names, asked = [one.meaning for one in reading.asked(kind)], reading.asked(kind)
    said_at = FIRST_OUTCOME + names.index("prediction" if predicts else "actual")
    roles: list[tuple[str, Role, int | None]] = [
        ("id", "id", None),
        ("event_time" if predicts else "label_time", "time", None),
        *((one.meaning, one.role, said_at if one.instead else None) for one in asked),
    ]
    roles += [("model", "model", None), ("version", "text", None)] if predicts else []
    named = (Field(meaning, role, mapped[meaning], instead_of) for meaning, role, instead_of in roles)
    segments = (Field(f"segment {i + 1}", "text", paths) for i, paths in enumerate(mapped.segments))
    watched = model.observer.fields if model.observer and predicts else ()
    vectors_from = len(watched) - (model.observer.vectors if model.observer else 0)
    seen = (Field(one[0], "watched" if at < vectors_from else "vector", one[1]) for at, one in enumerate(watched))
    carrier = model.carrier if predicts else None
    carried = (Field(carrier.meaning, carrier.role, carrier.paths),) if carrier else ()
    return (*named, *segments, *seen, *carried)


def _model_paths(profile: Profile) -> Paths:
    return next((one.paths for one in profile.fields if one.role == "model"), ())
