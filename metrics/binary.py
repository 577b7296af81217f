"""The accumulator of the binary task: many windows at once, exact in both directions.

A chunk of records is turned into bins and fixed-point terms once (`prepare`) and
then scattered into the windows of every level it counts for. Terms are integers,
so adding and then retracting leaves nothing behind, and merging two accumulators
is the plain addition of their vectors.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.layout import CALIBRATION_BINS, FIXED_POINT, HEAD_COLUMNS, Column, Layout
from metrics.losses import brier_losses, log_losses
from metrics.scatter import bin_of, scatter

Ints = NDArray[np.int64]
Head = NDArray[np.int64]
Cells = NDArray[np.int32]

_PREDICTION_COLUMNS = np.array(
    [Column.TOTAL, Column.SCORED_TOTAL, Column.PREDICTED_POSITIVE_TOTAL, Column.SCORE_SUM],
    dtype=np.int64,
)[:, np.newaxis]


_CONFUSION_ROW = 2


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a label adds to a prediction."""

    columns: Ints  # [k, n] the columns of head that each record touches …
    terms: Ints  # [k, n] … and what it adds there
    actual: NDArray[np.int8]  # [n] 0 or 1
    latency_octaves: NDArray[np.float64] | None  # [n] log2 of the latency in ms

    @property
    def confusion(self) -> Ints:
        """The column of head that counts each record's confusion cell, i8[n]."""
        found: Ints = self.columns[_CONFUSION_ROW]
        return found

    def take(self, index: Ints) -> "_Outcome":
        """The outcomes at those positions."""
        octaves = None if self.latency_octaves is None else self.latency_octaves[index]
        return _Outcome(self.columns[:, index], self.terms[:, index], self.actual[index], octaves)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk of n records as bins and fixed-point terms, ready for every level."""

    score: NDArray[np.float64]  # [n] 0 where there is none
    scored: NDArray[np.int32]  # [n] 1 or 0
    prediction_terms: Ints  # [4, n] in the order of _PREDICTION_COLUMNS
    outcome: _Outcome | None
    carried: NDArray[np.void] | None = None  # [n] what else is known of each prediction

    def __len__(self) -> int:
        return len(self.score)

    def take(self, index: Ints) -> "Prepared":
        """The records at those positions, i8[m]."""
        outcome = None if self.outcome is None else self.outcome.take(index)
        carried = None if self.carried is None else self.carried[index]
        return Prepared(self.score[index], self.scored[index], self.prediction_terms[:, index], outcome, carried)


def zeros(slots: int, layout: Layout) -> tuple[Head, Cells]:
    """Empty accumulators for so many windows: head i8[slots, H], cells i4[slots, C]."""
    head = np.zeros((slots, HEAD_COLUMNS), dtype=np.int64)
    return head, np.zeros((slots, layout.cells), dtype=np.int32)


def prepare(
    score: NDArray[np.float64],
    predicted: NDArray[np.int8],
    actual: NDArray[np.int8] | None = None,
    latency_ms: NDArray[np.int64] | None = None,
) -> Prepared:
    """Compute bins and terms of n records, once for all levels.

    score f8[n]: NaN, or anything outside [0, 1], is no score: the record then counts
    in the confusion table only. predicted, actual i1[n]: 0 or 1. latency_ms i8[n]:
    label time minus event time; below 0 it is 0. Labels may come without latencies.

    Raises ValueError for a class other than 0 and 1 (a withdrawn label, say).

    >>> chunk = prepare(np.array([0.8, np.nan]), np.array([1, 0], np.int8))
    >>> (chunk.prediction_terms[-1] / 2**30).round(3).tolist()
    [0.8, 0.0]
    """
    _check_classes("predicted", predicted)
    has_score = (score >= 0.0) & (score <= 1.0)
    usable = np.where(has_score, score, 0.0)
    scored = has_score.astype(np.int32)
    prediction_terms = np.empty((len(_PREDICTION_COLUMNS), len(score)), dtype=np.int64)
    prediction_terms[0] = 1
    prediction_terms[1] = has_score
    prediction_terms[2] = predicted
    prediction_terms[3] = _fixed(usable)
    outcome = None
    if actual is not None:
        _check_classes("actual", actual)
        outcome = _outcome(usable, has_score, prediction_terms[3], predicted, actual, latency_ms)
    return Prepared(usable, scored, prediction_terms, outcome)


def add_predictions(
    head: Head,
    cells: Cells,
    layout: Layout,
    slot: Ints,
    prepared: Prepared,
    sign: int | Ints = 1,
) -> None:
    """Count predictions, labelled or not, in place; sign -1 takes them out again.

    head i8[S, H], cells i4[S, C] (untouched: a score says nothing of a class before
    its label), slot i8[n] the row of each record's window.
    """
    del cells, layout  # every accumulator call has the same shape
    terms = prepared.prediction_terms * sign
    scatter(head, slot, _PREDICTION_COLUMNS, terms)


def add_outcomes(
    head: Head,
    cells: Cells,
    layout: Layout,
    slot: Ints,
    prepared: Prepared,
    sign: int | Ints = 1,
) -> None:
    """Count joined labels, in place; sign -1, or an i8[n] of +-1, retracts exactly.

    Shapes as in `add_predictions`. Raises ValueError if the chunk has no labels.
    """
    outcome = prepared.outcome
    if outcome is None:
        raise ValueError("these records were prepared without labels")
    scatter(head, slot, outcome.columns, outcome.terms * sign)
    signs = np.asarray(sign, dtype=np.int32)
    bins = bin_of(prepared.score, layout.score_bins, layout.score_bins)
    of_class = outcome.actual * np.int64(layout.score_bins)
    scored: Cells = np.multiply(prepared.scored, signs, dtype=np.int32)
    scatter(cells, slot, bins + of_class, scored)
    if outcome.latency_octaves is not None:
        scale = layout.latency_bins_per_octave
        latency_bins = bin_of(outcome.latency_octaves, scale, layout.latency_bins)
        ones = np.broadcast_to(signs, slot.shape)
        scatter(cells, slot, latency_bins + layout.latency_start, ones)


def _outcome(
    score: NDArray[np.float64],
    has_score: NDArray[np.bool_],
    score_fixed: Ints,
    predicted: NDArray[np.int8],
    actual: NDArray[np.int8],
    latency_ms: NDArray[np.int64] | None,
) -> _Outcome:
    waited_ms = None if latency_ms is None else np.maximum(latency_ms, 0)
    octaves = None if waited_ms is None else np.log2(np.maximum(waited_ms, 1).astype(np.float64))
    triple = Column.CALIBRATION + 3 * bin_of(score, CALIBRATION_BINS, CALIBRATION_BINS)
    # TP, FP, FN, TN stand in this order, so two bits lead to the right one.
    confusion = np.int64(Column.TN) - 2 * predicted - actual
    rows: list[tuple[int | Ints, int | Ints | NDArray[np.bool_]]] = [
        (Column.LABELLED, 1),
        (Column.SCORED, has_score),
        (confusion, 1),
        (Column.LOG_LOSS_SUM, _fixed(log_losses(score, actual)) * has_score),
        (Column.BRIER_SUM, _fixed(brier_losses(score, actual)) * has_score),
        (Column.LATENCY_SUM_MS, 0 if waited_ms is None else waited_ms),
        (triple, has_score),
        (triple + 1, has_score & (actual == 1)),
        (triple + 2, score_fixed),
    ]
    columns = np.empty((len(rows), len(score)), dtype=np.int64)
    terms = np.empty_like(columns)
    for row, (column, term) in enumerate(rows):
        columns[row] = column
        terms[row] = term
    return _Outcome(columns, terms, actual, octaves)


def _check_classes(name: str, classes: NDArray[np.int8]) -> None:
    if classes.size and (classes.min() < 0 or classes.max() > 1):
        raise ValueError(f"{name} must be 0 or 1 in every record")


def _fixed(values: NDArray[np.float64]) -> Ints:
    return np.rint(values * FIXED_POINT).astype(np.int64)
