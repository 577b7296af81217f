"""A chunk of multi-class records as what it adds: computed once, for parts of as many classes and any bins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.layout import FIXED_POINT
from metrics.multiclass_result import TOP_K
from metrics.scatter import Floats, Ints, Terms, waited

Codes = NDArray[np.integer[Any]]
Scores = NDArray[np.floating[Any]]

_EPSILON = float(np.finfo(np.float64).eps)


class Column(IntEnum):
    """Columns of head. From TOP on, how often the truth is among the k best for each of `TOP_K`; from PREDICTED on
    how often each of K classes was predicted.
    """

    TOTAL = 0
    SCORED_TOTAL = 1
    CONFIDENCE_SUM = 2
    LABELLED = 3
    CORRECT = 4
    SCORED = 5
    LOG_LOSS_SUM = 6
    LATENCY_SUM_MS = 7
    TOP = 8
    PREDICTED = 8 + len(TOP_K)


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What labels add."""

    head: Terms
    predicted: Ints  # [n]
    actual: Ints  # [n]
    scored: NDArray[np.bool_]  # [n]
    latency_octaves: Floats | None  # [n] log2 of the latency in ms

    def take(self, index: Ints) -> _Outcomes:
        octaves = None if self.latency_octaves is None else self.latency_octaves[index]
        classes = self.predicted[index], self.actual[index]
        return _Outcomes(self.head.take(index), *classes, self.scored[index], octaves)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk of n records as terms and scores, for parts of as many classes and any bins."""

    predictions: Terms
    scores: Floats | None  # [n, K] normalised, NaN where none was sent
    outcomes: _Outcomes | None

    def __len__(self) -> int:
        return len(self.predictions)

    def take(self, index: Ints) -> Prepared:
        """The records at those positions, i8[m]."""
        scores = None if self.scores is None else self.scores[index]
        outcomes = None if self.outcomes is None else self.outcomes.take(index)
        return Prepared(self.predictions.take(index), scores, outcomes)


def prepare(predicted: Codes, scores: Scores | None, actual: Codes | None, latency_ms: Ints | None) -> Prepared:
    """Compute terms of n records; see `MulticlassPart.prepare`, which has checked the codes."""
    records = len(predicted)
    shares = None if scores is None else _normalised(scores)
    scored = np.zeros(records, np.bool_)
    confidence = np.zeros(records)
    if shares is not None:
        np.logical_not(np.isnan(shares).all(axis=1), out=scored)
        confidence = np.nan_to_num(shares).max(axis=1)
    predictions = Terms.of(
        (Column.TOTAL, 1),
        (Column.SCORED_TOTAL, scored),
        (Column.CONFIDENCE_SUM, _fixed(confidence)),
        (Column.PREDICTED + predicted.astype(np.int64), 1),
        records=records,
    )
    outcomes = None if actual is None else _outcomes(predicted, shares, scored, actual, latency_ms)
    return Prepared(predictions, shares, outcomes)


def _outcomes(
    predicted: Codes, shares: Floats | None, scored: NDArray[np.bool_], actual: Codes, latency_ms: Ints | None
) -> _Outcomes:
    records = len(actual)
    truth = np.zeros(records) if shares is None else np.nan_to_num(shares[np.arange(records), actual])
    losses = -np.log(np.clip(truth, _EPSILON, 1.0 - _EPSILON))  # as scikit-learn: a certain error costs 36.04
    # A truth that ties with others stands behind them; one that has no score stands nowhere.
    rank = np.zeros(records, np.int64) if shares is None else (shares >= truth[:, np.newaxis]).sum(axis=1)
    waited_ms, octaves = (0, None) if latency_ms is None else waited(latency_ms)
    head = Terms.of(
        (Column.LABELLED, 1),
        (Column.CORRECT, predicted == actual),
        (Column.SCORED, scored),
        (Column.LOG_LOSS_SUM, _fixed(losses) * scored),
        (Column.LATENCY_SUM_MS, waited_ms),
        *((Column.TOP + index, (rank <= k) & (truth > 0)) for index, k in enumerate(TOP_K)),
        records=records,
    )
    return _Outcomes(head, predicted.astype(np.int64), actual.astype(np.int64), scored, octaves)


def _normalised(scores: Scores) -> Floats:
    """f8[n, K] that sum to 1; NaN where nothing was sent, and in all of a record that is not scored."""
    sent = scores.astype(np.float64)
    in_range = (sent >= 0) & (sent <= 1)
    sums = np.where(in_range, sent, 0.0).sum(axis=1, keepdims=True)
    usable = (in_range | np.isnan(sent)).all(axis=1, keepdims=True) & (sums > 0)
    return np.where(usable, sent / np.where(usable, sums, 1.0), np.nan)


def _fixed(values: Floats) -> Ints:
    return np.rint(values * FIXED_POINT).astype(np.int64)
