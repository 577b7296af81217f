"""From the columns of training data, or of a log of predictions, to the features of a baseline.

A file is gone over twice. The first pass finds out what kind of column each one is and where the edges of a
number's bins are (`Survey`); the second one counts (`NumericCounter`, `CategoricalCounter`). Both take a chunk of a
column at a time and keep no more than a bounded sample and the distinct strings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.coding import OTHER
from metrics.reference import CODES_MAX, FIRST, MISMATCH, MISSING, NON_FINITE, NULL, Categorical, Feature, Numeric
from metrics.reference_numbers import NumberSurvey

CATEGORIES_MAX: Final = CODES_MAX - FIRST - 1
RARE_MAX: Final = 1_000
FEW: Final = 10
"""With so few distinct strings a column is a category, however short the file is."""
DISTINCT_MAX: Final = 1_000_000
"""With more distinct strings than this a column is left out, so that memory is bounded."""


class Texts(NamedTuple):
    """A chunk's values as the names of categories (see `coding.categorical_codes`), and how many values have none."""

    counts: Mapping[str, int]
    others: int


class Column(Protocol):
    """One column of a chunk of rows. Where it is neither absent nor null it has a value."""

    @property
    def rows(self) -> int:
        """How many rows the chunk has."""

    @property
    def missing(self) -> int:
        """Rows where it is absent."""

    def numbers(self) -> NDArray[np.float64] | None:
        """The values; None if one of them is no number."""

    def texts(self) -> Texts:
        """The values as categories."""

    def are_times(self) -> bool:
        """Whether the values, or the first hundred of them, are dates or times."""


class Survey:
    """The first pass over one column."""

    def __init__(self, kept_max: int, random: np.random.Generator) -> None:
        """kept_max: of more numbers than these a sample makes the quantiles; random draws it."""
        self._numbers: NumberSurvey | None = NumberSurvey(kept_max, random)
        self._numbers_seen = 0
        self._times = True

    @property
    def sampled(self) -> bool:
        """Whether its quantiles are those of a sample."""
        return self._numbers is not None and self._numbers.sampled

    def add(self, column: Column) -> None:
        """Look at a chunk."""
        values = None if self._numbers is None else column.numbers()
        if self._numbers is None or values is None:
            self._numbers = None
            self._times = self._times and column.are_times()
        else:
            self._numbers_seen += len(values)
            self._numbers.add(values)

    def counter(self) -> NumericCounter | CategoricalCounter:
        """What counts it in the second pass. Raises ValueError that says why the column is left out."""
        if self._numbers is not None:
            if not self._numbers_seen:
                raise ValueError("it has no values")
            return NumericCounter(self._numbers.numeric())
        if self._times:
            raise ValueError("it holds times")
        return CategoricalCounter()


class NumericCounter:
    """The second pass over a column of numbers."""

    def __init__(self, numeric: Numeric) -> None:
        self._numeric = numeric
        self._edges = np.array(numeric.edges)
        self._counts = np.zeros(numeric.codes, np.int64)

    @property
    def edges(self) -> list[float]:
        """Of the bins."""
        return self._numeric.edges

    def add(self, column: Column) -> None:
        """Count a chunk. Raises ValueError if it is not what the first pass saw."""
        values = column.numbers()
        if values is None:
            raise ValueError("the file changed while it was read")
        finite = values[np.isfinite(values)]
        self._counts[MISSING] += column.missing
        self._counts[NULL] += column.rows - column.missing - len(values)
        self._counts[NON_FINITE] += len(values) - len(finite)
        bins = np.searchsorted(self._edges, finite, side="left")
        self._counts[FIRST:] += np.bincount(bins, minlength=len(self._edges) + 1)

    def feature(self, *, chosen: bool = False) -> Feature:  # noqa: ARG002 - a number is one in any case
        """The feature with its counts."""
        return msgspec.structs.replace(self._numeric, counts=self._counts.tolist())


class CategoricalCounter:
    """The second pass over a column of categories."""

    def __init__(self) -> None:
        self._special = [0] * FIRST
        self._values: Counter[str] = Counter()
        self._too_many = False

    def add(self, column: Column) -> None:
        """Count a chunk."""
        if self._too_many:
            return
        texts = column.texts()
        self._special[MISSING] += column.missing
        self._special[NULL] += column.rows - column.missing - sum(texts.counts.values()) - texts.others
        self._special[MISMATCH] += texts.others
        for text, count in texts.counts.items():
            self._values[text] += count
        self._too_many = len(self._values) > DISTINCT_MAX

    def feature(self, *, chosen: bool = False) -> Feature:
        """The feature with its counts. Raises ValueError that says why the column is left out.

        chosen: the user asked for this column, so it stays also where most of its values are distinct.
        """
        distinct, values, others = len(self._values), self._values.total(), self._special[MISMATCH]
        if self._too_many:
            raise ValueError(f"it has more than {DISTINCT_MAX:,} distinct values")
        if others >= max(values, 1):
            raise ValueError(f"{others:,} of its {values + others:,} values are neither numbers nor categories")
        if not values:
            raise ValueError("it has no values")
        if distinct > max(FEW, values / 2) and not chosen:
            raise ValueError(f"{distinct:,} of its {values:,} values are distinct, as ids and free text are")
        return categorical(self._values, self._special)


def categorical(values: Mapping[str, int], special: list[int]) -> Categorical:
    """A category of its counted values; special: the counts of the first codes.

    Of more names than have a code the most frequent ones keep theirs; the next `RARE_MAX` are ``__other__``. What
    is rarer still is to traffic what it is here: never seen.

    >>> categorical({"de": 1, "fr": 4}, [0, 2, 0, 0])
    Categorical(categories=['fr', 'de'], counts=[0, 2, 0, 0, 0, 4, 1], rare=[])
    """
    by_count = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    if len(by_count) <= CATEGORIES_MAX:
        names, counts = [name for name, _ in by_count], [count for _, count in by_count]
        return Categorical(categories=names, counts=[*special, 0, *counts])
    named = [item for item in by_count if item[0] != OTHER]
    kept, rest = named[: CATEGORIES_MAX - 1], named[CATEGORIES_MAX - 1 :]
    rare, unseen = rest[:RARE_MAX], rest[RARE_MAX:]
    other = values.get(OTHER, 0) + sum(count for _, count in rare)
    return Categorical(
        categories=[*(name for name, _ in kept), OTHER],
        counts=[*special, sum(count for _, count in unseen), *(count for _, count in kept), other],
        rare=[name for name, _ in rare],
    )
