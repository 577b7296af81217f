"""The two passes over a file: first what its columns are, then their counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.reference import SCHEMA, Baseline, Feature
from metrics.reference_build import CategoricalCounter, NumericCounter, Survey
from metrics.reference_embeddings import EmbeddingSurvey
from models.errors import ConfigError, WorldError
from models.mapping import Paths
from runtime.baseline_fields import FileFields, find_fields, first, maps
from runtime.baseline_files import Chunk, read_columns
from runtime.baseline_outcomes import outcomes
from runtime.settings import ModelSettings

NUMBERS_MAX: Final = 5_000_000
"""Of more rows than these the quantiles of a column are those of a sample …"""
NUMBERS_IN_ALL_MAX: Final = 50_000_000
"""… and of wide files sooner: so many numbers of all columns together are held (400 MB)."""
EVERY_MODEL: Final = "*"

Show = Callable[[float], None]
"""Told how far the work has come, from 0 to 1."""
Counter = NumericCounter | CategoricalCounter


@dataclass(slots=True)
class Found:
    """What the first pass found out. rows: of this model; others: of other models; bad: that could not be read."""

    surveys: dict[str, Survey] = field(default_factory=dict)
    rows: int = 0
    others: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Build:
    """How a model's baseline is made of a file. seed: of the sample; numbers_max: as `NUMBERS_MAX`.

    read: gives the rows, the same ones each time; path is what messages call them.
    """

    path: Path
    name: str
    model: ModelSettings
    features: Sequence[str] | None
    seed: int = 1
    numbers_max: int = NUMBERS_MAX
    read: Callable[[Path], Iterator[Chunk]] = read_columns

    def survey(self, show: Show) -> Found:
        """The first pass. Raises as `read_columns`, and WorldError for a file without rows of the model."""
        found, random = Found(), np.random.default_rng(self.seed)
        for chunk in self._chunks(found):
            kept_max = min(self.numbers_max, NUMBERS_IN_ALL_MAX // max(len(chunk.columns), 1))
            for path, column in chunk.columns.items():
                survey = found.surveys.get(path)
                if survey is None:
                    survey = found.surveys[path] = Survey(kept_max, random)
                survey.add(column)
            show(chunk.done / 2)
        if not found.rows:
            whose = f" of model {self.name}" if found.others else " that can be read"
            raise WorldError(f"{self.path}: no rows{whose}")
        return found

    def count(self, found: Found, created_at: str, show: Show) -> tuple[Baseline, dict[str, str]]:
        """The second pass: the baseline, and why columns were left out, by name.

        Raises ConfigError for chosen features that cannot be one, WorldError for values that are not what they mean.
        """
        fields = find_fields(self.model, list(found.surveys), self.features)
        counters, left_out = _counters(fields, found)
        embeddings = EmbeddingSurvey(np.random.default_rng(self.seed))
        try:
            outcome = outcomes(self.model, fields, found.surveys)
            for chunk in self._chunks(Found()):
                for name, counter in counters.items():
                    counter.add(chunk.column(fields.features[name]))
                outcome.add(chunk)
                if fields.embedding is not None:
                    _add_embeddings(embeddings, chunk, fields.embedding)
                show(0.5 + chunk.done / 2)
        except ValueError as error:
            raise WorldError(f"{self.path}: {error}") from None
        features: dict[str, Feature] = {}
        for name, counter in counters.items():
            try:
                features[name] = counter.feature(chosen=self.features is not None)
            except ValueError as error:
                left_out[name] = str(error)
        if self.features is not None and left_out:
            raise ConfigError([f"--features: {name}: {reason}" for name, reason in left_out.items()])
        baseline = Baseline(
            schema=SCHEMA,
            model=self.name,
            created_at=created_at,
            records=found.rows,
            performance=outcome.performance(),
            features={name: features[name] for name in fields.features if name in features},
            scores=outcome.scores(),
            predictions=outcome.predictions(),
            prediction=outcome.prediction(),
            losses=outcome.losses(),
            centroid=embeddings.centroid(),
            centroid_scatter=embeddings.scatter(),
        )
        if embeddings.left_out and fields.embedding is not None:
            left_out[fields.embedding] = f"in {embeddings.left_out:,} rows, where it is 0 or not finite"
        return baseline, left_out

    def _chunks(self, found: Found) -> Iterator[Chunk]:
        """The rows of this model; what is passed over is counted."""
        paths = maps(self.model)[0]["model"]
        for chunk in self.read(self.path):
            found.bad += chunk.bad
            mine = self._mine(chunk, paths)
            kept = chunk if mine is None else chunk.select(mine)
            found.rows += kept.rows
            found.others += chunk.rows - kept.rows
            if kept.rows:
                yield kept

    def _mine(self, chunk: Chunk, paths: Paths) -> NDArray[np.bool_] | None:
        """The rows that name this model or none; None: all."""
        column = first(paths, chunk.columns)
        if column is None:
            return None
        names, places = chunk.columns[column].classes()
        mine: NDArray[np.bool_] = np.array([*(name == self.name for name in names), True])[places]
        return None if mine.all() else mine


def _counters(fields: FileFields, found: Found) -> tuple[dict[str, Counter], dict[str, str]]:
    counters: dict[str, Counter] = {}
    left_out: dict[str, str] = {}
    for name, path in fields.features.items():
        try:
            counters[name] = found.surveys[path].counter()
        except ValueError as error:
            left_out[name] = str(error)
    return counters, left_out


def _add_embeddings(embeddings: EmbeddingSurvey, chunk: Chunk, column: str) -> None:
    vectors = chunk.column(column).vectors()
    if vectors is None:
        raise ValueError(f"{column}: its values are not all lists of numbers, so they are no embeddings")
    try:
        for vector in vectors:
            embeddings.add(vector)
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None
