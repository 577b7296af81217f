"""What one record's prediction or truth is, by the task of its model: the definition, value by value.

`models.outcome_columns` reads columns of records by the same rules.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from models.batch import Kind
from models.errors import DecodeError
from models.judge import Leaf, cut
from models.outcome import VALUE_MAX, WITHDRAWN, WITHDRAWN_VALUE, Task

OutcomeRole = Literal["score", "class", "word", "value", "name", "scores"]
"""class: 0, 1, true, false; word: a binary class that is text; value: a number; name: any class of several."""

Outcome = float | str
"""As in a column of the task, but classes of a multiclass task by their names."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A value that is asked for: its meaning and role; `instead` where it is read only if the prediction is missing."""

    meaning: str
    role: OutcomeRole
    instead: bool = False


@dataclass(frozen=True, slots=True)
class BinaryReading:
    """The positive class or another one, by the threshold where only a score is given."""

    positive_class: int | str | bool
    positive_kind: type  # tells 1 from True
    threshold: float
    task: ClassVar[Task] = "binary"

    def asked(self, kind: Kind) -> tuple[Asked, ...]:
        """The values that say it, in the order that `prediction` takes them."""
        role: OutcomeRole = "word" if self.positive_kind is str else "class"
        if kind == "labels":
            return (Asked("actual", role),)
        return Asked("score", "score"), Asked("prediction", role)

    def prediction(self, values: Sequence[Leaf]) -> tuple[float, Outcome]:
        """(score, outcome) of a prediction, or DecodeError."""
        score, prediction = score_of(values[0]), values[1]
        if prediction is not None:
            return score, self._is_positive(prediction, "prediction")
        if math.isnan(score):
            raise DecodeError("missing:score", "neither a score nor a prediction")
        return score, int(score >= self.threshold)

    def actual(self, value: Leaf) -> Outcome:
        """The outcome of a label, or DecodeError; null withdraws it."""
        return WITHDRAWN if value is None else self._is_positive(value, "actual")

    def _is_positive(self, value: Leaf, meaning: str) -> int:
        """1 for the positive class, 0 for another one, DecodeError for what is no class here."""
        positive = self.positive_class
        if isinstance(positive, str):
            fits = isinstance(value, str)
        else:
            fits = isinstance(value, int) and (self.positive_kind is int or value in (0, 1))
        if not fits:
            raise DecodeError("type", f"{meaning}: not of the kind of the positive class")
        return int(value == positive)


@dataclass(frozen=True, slots=True)
class RegressionReading:
    """A number, under `prediction` or else under `score`. It is the score too."""

    task: ClassVar[Task] = "regression"

    def asked(self, kind: Kind) -> tuple[Asked, ...]:
        """As `BinaryReading.asked`."""
        if kind == "labels":
            return (Asked("actual", "value"),)
        return Asked("prediction", "value"), Asked("score", "value", instead=True)

    def prediction(self, values: Sequence[Leaf]) -> tuple[float, Outcome]:
        """(score, outcome) of a prediction, or DecodeError."""
        value = _number(values[1], "score") if values[0] is None else _number(values[0], "prediction")
        return value, value

    def actual(self, value: Leaf) -> Outcome:
        """The outcome of a label, or DecodeError; null withdraws it."""
        return WITHDRAWN_VALUE if value is None else _number(value, "actual")


@dataclass(frozen=True, slots=True)
class MulticlassReading:
    """A class by its name, under `prediction` or else the one with the greatest of the `scores`."""

    task: ClassVar[Task] = "multiclass"

    def asked(self, kind: Kind) -> tuple[Asked, ...]:
        """As `BinaryReading.asked`."""
        if kind == "labels":
            return (Asked("actual", "name"),)
        return Asked("score", "score"), Asked("prediction", "name"), Asked("scores", "scores", instead=True)

    def prediction(self, values: Sequence[Leaf]) -> tuple[float, Outcome]:
        """(score, outcome) of a prediction, or DecodeError."""
        score, prediction, best = values
        if prediction is None and best is None:
            raise DecodeError("missing:score", "neither a prediction nor scores of classes")
        return score_of(score), class_name(best if prediction is None else prediction, "prediction")

    def actual(self, value: Leaf) -> Outcome:
        """The outcome of a label, or DecodeError; null withdraws it."""
        return WITHDRAWN if value is None else class_name(value, "actual")


Reading = BinaryReading | RegressionReading | MulticlassReading
REGRESSION: Final = RegressionReading()
MULTICLASS: Final = MulticlassReading()


def score_of(value: Leaf) -> float:
    """The score in [0, 1]; NaN where the record has none."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError("type", "score: not a number")
    if not 0 <= value <= 1:
        raise DecodeError("out_of_range", "score: not between 0 and 1")
    return float(value)


def _number(value: Leaf, meaning: str) -> float:
    if value is None:
        raise DecodeError("missing:score", "neither a prediction nor a score")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError("type", f"{meaning}: not a number")
    if abs(value) > VALUE_MAX:
        raise DecodeError("out_of_range", f"{meaning}: beyond {VALUE_MAX:g}")
    return float(value) + 0.0  # of two zeros that are equal, one: rows are compared as bytes


def class_name(value: Leaf, meaning: str) -> str:
    """The class as text, so that 3, 3.0 and "3" are one; DecodeError for other fractions than .0."""
    if isinstance(value, float):
        if not value.is_integer():
            raise DecodeError("type", f"{meaning}: a number with a fraction is no class")
        value = int(value)
    return cut(("true" if value else "false") if isinstance(value, bool) else str(value))


def best_class(scores: Mapping[str, float] | None) -> str | None:
    """The class with the greatest score, of equal ones the first by name; None where there is none."""
    return min(scores, key=lambda name: (-scores[name], name)) if scores else None
