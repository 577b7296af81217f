"""What the rows of a file say of predictions and labels, by the model's task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metrics.reference import Losses, Numeric, Scores
from metrics.reference_build import CategoricalCounter, NumericCounter, Survey
from metrics.reference_outcomes import UNKNOWN, BinaryOutcomes, ClassOutcomes, NumberOutcomes, class_counts
from runtime.baseline_classes import binary_classes, names_of
from runtime.baseline_columns import FileColumn
from runtime.baseline_fields import FileFields
from runtime.baseline_files import Chunk
from runtime.settings import ModelSettings


class Outcomes(ABC):
    """Takes the rows of the second pass."""

    def __init__(self, fields: FileFields) -> None:
        self._fields = fields
        self._classes: Counter[str] = Counter()

    @abstractmethod
    def add(self, chunk: Chunk) -> None:
        """Count a chunk. Raises ValueError ``column: what`` for values that cannot be what they mean."""

    @abstractmethod
    def performance(self) -> dict[str, float]:
        """The metrics of the whole file."""

    def predictions(self) -> dict[str, int]:
        """Class -> rows that were predicted to be of it; nothing of a regression."""
        return class_counts(self._classes)

    def scores(self) -> Scores | None:
        """The histograms of a binary classifier's scores."""
        return None

    def prediction(self) -> Numeric | None:
        """How the predictions of a regression are distributed."""
        return None

    def losses(self) -> Losses | None:
        """What they were off, where the file has labels."""
        return None


class _Binary(Outcomes):
    def __init__(self, fields: FileFields, model: ModelSettings) -> None:
        super().__init__(fields)
        self._model = model
        self._outcomes = BinaryOutcomes()

    def add(self, chunk: Chunk) -> None:
        fields, positive = self._fields, self._model.positive_class
        score = _score(chunk, fields.score)
        predicted, names = _classes(chunk, fields.prediction, positive)
        actual, _ = _classes(chunk, fields.actual, positive)
        by_score = (predicted == UNKNOWN) & ~np.isnan(score)
        predicted = np.where(by_score, score >= self._model.threshold, predicted).astype(np.int8)
        names = np.where(by_score, np.array(names_of(positive), dtype=object)[np.maximum(predicted, 0)], names)
        known = predicted != UNKNOWN
        self._classes.update(names[known].tolist())
        self._outcomes.add(score[known], predicted[known], actual[known])

    def performance(self) -> dict[str, float]:
        return self._outcomes.performance()

    def scores(self) -> Scores | None:
        return self._outcomes.scores()


class _Multiclass(Outcomes):
    def __init__(self, fields: FileFields) -> None:
        super().__init__(fields)
        self._outcomes = ClassOutcomes()

    def add(self, chunk: Chunk) -> None:
        if self._fields.prediction is None:
            return
        predicted = _names(chunk.column(self._fields.prediction))
        self._classes.update(name for name in predicted if name is not None)
        self._outcomes.add_scores(_score(chunk, self._fields.score))
        if self._fields.actual is not None:
            self._outcomes.add(predicted, _names(chunk.column(self._fields.actual)))

    def performance(self) -> dict[str, float]:
        return self._outcomes.performance()


class _Regression(Outcomes):
    def __init__(self, fields: FileFields, surveys: Mapping[str, Survey]) -> None:
        super().__init__(fields)
        self._prediction = fields.prediction or fields.score
        self._counter = None if self._prediction is None else _counter(surveys, self._prediction)
        edges = self._counter.edges if isinstance(self._counter, NumericCounter) else ()
        self._outcomes = NumberOutcomes(edges)

    def add(self, chunk: Chunk) -> None:
        prediction, actual = self._prediction, self._fields.actual
        if prediction is None or self._counter is None:
            return
        predicted = _numbers(chunk, prediction, "predictions")
        self._counter.add(chunk.column(prediction))
        truth = np.full(chunk.rows, np.nan) if actual is None else _numbers(chunk, actual, "labels")
        try:
            self._outcomes.add(predicted, truth)
        except ValueError as error:
            raise ValueError(f"{prediction}, {actual}: {error}") from None

    def performance(self) -> dict[str, float]:
        return self._outcomes.performance()

    def prediction(self) -> Numeric | None:
        found = None if self._counter is None else self._counter.feature()
        return found if isinstance(found, Numeric) else None

    def losses(self) -> Losses | None:
        return self._outcomes.losses()


def outcomes(model: ModelSettings, fields: FileFields, surveys: Mapping[str, Survey]) -> Outcomes:
    """What counts the outcomes of the model's task. surveys: of the columns, by the first pass.

    Raises ValueError ``column: what`` for predictions of a regression that are no numbers.
    """
    if model.task == "binary":
        return _Binary(fields, model)
    return _Multiclass(fields) if model.task == "multiclass" else _Regression(fields, surveys)


def _counter(surveys: Mapping[str, Survey], column: str) -> NumericCounter | CategoricalCounter:
    try:
        return surveys[column].counter()
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


def _score(chunk: Chunk, column: str | None) -> NDArray[np.float64]:
    if column is None:
        return np.full(chunk.rows, np.nan)
    score = _numbers(chunk, column, "scores")
    outside = score[(score < 0) | (score > 1)]
    if outside.size:
        raise ValueError(f"{column}: {outside[0]:g} is no score, it must lie within 0 and 1")
    return score


def _numbers(chunk: Chunk, column: str, what: str) -> NDArray[np.float64]:
    found = chunk.column(column).row_numbers()
    if found is None:
        raise ValueError(f"{column}: its values are not all numbers, so they are no {what}")
    return found


def _classes(
    chunk: Chunk, column: str | None, positive: bool | int | str  # noqa: FBT001 - a class of the user's
) -> tuple[NDArray[np.int8], NDArray[np.object_]]:  # fmt: skip
    if column is None:
        return np.full(chunk.rows, UNKNOWN, np.int8), np.full(chunk.rows, None, dtype=object)
    try:
        return binary_classes(chunk.column(column), positive)
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


def _names(column: FileColumn) -> list[str | None]:
    found = column.classes()
    names: list[str | None] = np.array([*found.names, None], dtype=object)[found.places].tolist()
    return names
