"""An accumulator for any task that forgets nothing: equal tallies were counted from equal records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from metrics.layout import Column
from tables import join_state
from tables.tasks import COUNTING, Counting

Ints = NDArray[np.int64]
SCORES, OUTCOMES, WAITS = (int(Column.TOTAL) + i for i in (10, 11, 12))


@dataclass(frozen=True)
class Prepared:
    """Terms of n records."""

    terms: Ints

    def __len__(self) -> int:
        return len(self.terms[0])

    def take(self, index: Ints) -> Prepared:
        return Prepared(self.terms[:, index])


def _bits(values: NDArray[Any]) -> Ints:
    """A number for each value, another one for another value; NaN is a value here."""
    return np.asarray(values, np.float64).view(np.int64) >> 3


def prepare(
    score: NDArray[np.float64], predicted: NDArray[Any], actual: NDArray[Any] | None, latency_ms: Ints | None
) -> Prepared:
    said = _bits(score) * 7 + _bits(predicted)
    if actual is None or latency_ms is None:
        return Prepared(np.stack([np.ones_like(said), said]))
    return Prepared(np.stack([np.ones_like(said), said * 31 + _bits(actual), latency_ms]))


def _add(*columns: int) -> Callable[..., None]:
    def add(head: Ints, cells: object, layout: object, slot: Ints, prepared: Prepared, sign: Ints) -> None:
        for column, terms in zip(columns, prepared.terms, strict=True):
            np.add.at(head[:, column], slot, terms * sign)

    return add


TALLY = Counting(prepare, _add(Column.TOTAL, SCORES), _add(Column.LABELLED, OUTCOMES, WAITS))


@contextmanager
def tallied() -> Iterator[None]:
    """Within it, tasks other than the binary one are tallied."""
    with mock.patch.object(
        join_state, "COUNTING", {"binary": COUNTING["binary"], "regression": TALLY, "multiclass": TALLY}
    ):
        yield
