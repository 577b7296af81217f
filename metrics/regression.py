"""The accumulator of the regression task: a part of a window, exact in both directions.

Values may be anything from 1e-9 to 1e12, known or not before they come, so nothing is scaled by
configuration: sums are `FixedSum`s. Values are counted to the nearest 2**-70 (8e-22), their squares
exactly; what is beyond `VALUE_MAX` is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from itertools import accumulate
from math import sqrt
from typing import ClassVar, Final

import numpy as np

from metrics.fixed_sum import FixedSum
from metrics.followed import UNDEFINED, Value
from metrics.latency import latency_summary
from metrics.layout import Layout
from metrics.regression_result import Moments, summarise
from metrics.scatter import Floats, Ints, Terms, bin_of, scatter, waited
from metrics.window_layout import Cells, Head

VALUE_MAX: Final = 1e15
"""Predictions and truths beyond +-VALUE_MAX, NaN and infinities are for the decoder to refuse."""

_GRAIN = -70  # values are multiples of 2**-70, so that 2**-140 holds their squares
_VALUE = FixedSum(_GRAIN, limbs=4)  # up to 2**52
_SQUARE = FixedSum(2 * _GRAIN, limbs=9)  # up to 2**132; a relative error is at most 2e15 / 2**-70 = 2**121
_FOURTH = FixedSum(-180, limbs=14)  # up to 2**242; only intervals need it, so the last bits may go

SUMS: Final = {  # in the order of Moments
    "prediction": _VALUE,  # of all predictions, labelled or not
    "actual": _VALUE,  # and all others of the labelled ones
    "error": _VALUE,
    "absolute": _VALUE,
    "squared": _SQUARE,
    "fourth": _FOURTH,
    "actual_squared": _SQUARE,
    "percentage": _SQUARE,
    "percentage_squared": _FOURTH,
}


class Column(IntEnum):
    """Columns of head. From SUMS_START on the limbs of `SUMS`. PERCENTAGES: labelled, and the truth is not 0."""

    TOTAL = 0
    LABELLED = 1
    PERCENTAGES = 2
    LATENCY_SUM_MS = 3
    SUMS_START = 4


_ENDS = tuple(accumulate((each.limbs for each in SUMS.values()), initial=int(Column.SUMS_START)))
_START = dict(zip(SUMS, _ENDS, strict=False))
HEAD_COLUMNS: Final = _ENDS[-1]

ERROR_LOWEST: Final = -40
"""Of absolute errors below 2**ERROR_LOWEST (9e-13) the quantiles are 0."""
ERROR_OCTAVES: Final = 51 - ERROR_LOWEST  # up to 2 VALUE_MAX < 2**51


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk of n records as fixed-point terms, for parts of any bins."""

    predictions: Terms
    outcomes: Terms | None
    absolute_error: Floats  # [n] or, without labels, [0]
    latency_octaves: Floats | None  # [n] log2 of the latency in ms

    def __len__(self) -> int:
        return len(self.predictions)

    def take(self, index: Ints) -> Prepared:
        """The records at those positions, i8[m]."""
        if self.outcomes is None:
            return Prepared(self.predictions.take(index), None, self.absolute_error, None)
        octaves = None if self.latency_octaves is None else self.latency_octaves[index]
        return Prepared(self.predictions.take(index), self.outcomes.take(index), self.absolute_error[index], octaves)


@dataclass(frozen=True, slots=True)
class RegressionPart:
    """Predicted and true numbers. bins_per_octave: of the histogram of absolute errors; see `error_relative_error`."""

    bins_per_octave: int
    latency_bins: int
    labelled_column: ClassVar[int] = Column.LABELLED
    series: ClassVar[tuple[str, ...]] = ("rmse", "mean_prediction")

    @property
    def name(self) -> str:
        """What it holds, and how finely it is cut."""
        return f"regression/{self.bins_per_octave}/{self.latency_bins}"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return HEAD_COLUMNS

    @property
    def error_bins(self) -> int:
        """Bins of absolute errors: one of errors of nothing, then logarithmic ones."""
        return 1 + ERROR_OCTAVES * self.bins_per_octave

    @property
    def cells(self) -> int:
        """How many cells it has: absolute errors, then label latencies."""
        return self.latency_start + self.latency_bins

    @property
    def latency_start(self) -> int:
        """Where the label latencies begin among its cells."""
        return self.error_bins

    @property
    def error_relative_error(self) -> float:
        """How far, relatively, a quantile of the absolute error may be off: half a bin.

        >>> round(FINE.error_relative_error, 4), round(COARSE.error_relative_error, 4)
        (0.0219, 0.0905)
        """
        return float(2 ** (0.5 / self.bins_per_octave)) - 1

    def prepare(self, prediction: Floats, actual: Floats | None = None, latency_ms: Ints | None = None) -> Prepared:
        """Compute terms of n records, once for all levels.

        prediction, actual f8[n], within +-VALUE_MAX. latency_ms i8[n]: label time minus event time; below 0
        it is 0. Labels may come without latencies. Raises ValueError for a value beyond the range, NaN, infinities.
        """
        predicted, records = _grained("prediction", prediction), len(prediction)
        predictions = Terms.of((Column.TOTAL, 1), _sum("prediction", predicted), records=records)
        if actual is None:
            return Prepared(predictions, None, np.zeros(0), None)
        waited_ms, octaves = (0, None) if latency_ms is None else waited(latency_ms)
        truth = _grained("actual", actual)
        error = predicted - truth
        outcomes = _outcomes(error, truth, waited_ms)
        return Prepared(predictions, outcomes, np.abs(error), octaves)

    def add_predictions(self, head: Head, cells: Cells, slot: Ints, prepared: Prepared, sign: int | Ints = 1) -> None:
        """Count predictions, labelled or not, in place; sign -1 takes them out again.

        head i8[S, >= head_columns], cells i4[S, >= cells] (untouched), slot i8[n] the row of each record's window.
        """
        del cells  # every accumulator call has the same shape
        prepared.predictions.add_to(head, slot, sign)

    def add_outcomes(self, head: Head, cells: Cells, slot: Ints, prepared: Prepared, sign: int | Ints = 1) -> None:
        """Count joined labels, in place; sign -1, or an i8[n] of +-1, retracts exactly.

        Shapes as in `add_predictions`. Raises ValueError if the chunk has no labels.
        """
        if prepared.outcomes is None:
            raise ValueError("these records were prepared without labels")
        prepared.outcomes.add_to(head, slot, sign)
        signs = np.broadcast_to(np.asarray(sign, dtype=np.int64), slot.shape)
        scatter(cells, slot, self._error_bin(prepared.absolute_error), signs)
        if prepared.latency_octaves is not None:
            bins = bin_of(prepared.latency_octaves, self._latencies.latency_bins_per_octave, self.latency_bins)
            scatter(cells, slot, self.latency_start + bins, signs)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """The fields of a regression metric record. head i8[head_columns], cells i4 or i8[cells]."""
        total, labelled, percentages, waited_ms = head[: Column.SUMS_START].tolist()
        moments = Moments(total, labelled, percentages, *(_read(name, head) for name in SUMS))
        waits = cells[self.latency_start :].astype(np.int64)
        middles = np.exp2(ERROR_LOWEST + (np.arange(self.error_bins) - 0.5) / self.bins_per_octave)
        middles[0] = 0.0
        return {
            **summarise(moments, cells[: self.error_bins].astype(np.int64), middles, seconds),
            "error_quantiles_relative_error": self.error_relative_error,
            "label_latency_seconds": latency_summary(waits, waited_ms, self._latencies),
        }

    def follow(self, head: Head, cells: Cells, total: int) -> Sequence[Value]:
        """Root mean squared error and mean prediction of a window."""
        del cells  # every part is asked alike
        labelled = int(head[Column.LABELLED])
        return (
            (sqrt(_read("squared", head) / labelled), labelled) if labelled else UNDEFINED,
            (float(_read("prediction", head) / total), total) if total else UNDEFINED,
        )

    @property
    def _latencies(self) -> Layout:
        return Layout(score_bins=1, latency_bins=self.latency_bins)

    def _error_bin(self, absolute_error: Floats) -> Ints:
        octaves = np.log2(np.maximum(absolute_error, 2.0**ERROR_LOWEST)) - ERROR_LOWEST
        bins = 1 + bin_of(octaves, self.bins_per_octave, self.error_bins - 1)
        return np.where(absolute_error < 2.0**ERROR_LOWEST, 0, bins)


FINE: Final = RegressionPart(bins_per_octave=16, latency_bins=560)
"""For the whole model: error quantiles and latencies within 2.2 %."""
COARSE: Final = RegressionPart(bins_per_octave=4, latency_bins=140)
"""For segments: within 9.1 %."""


def _outcomes(error: Floats, actual: Floats, waited_ms: int | Ints) -> Terms:
    squared = np.square(error)
    has_percentage = actual != 0
    percentage = np.abs(error) / np.where(has_percentage, np.abs(actual), 1.0) * has_percentage
    square, rest = _exact_square(actual)
    return Terms.of(
        (Column.LABELLED, 1),
        (Column.PERCENTAGES, has_percentage),
        (Column.LATENCY_SUM_MS, waited_ms),
        _sum("actual", actual),
        _sum("error", error),
        _sum("absolute", np.abs(error)),
        _sum("squared", squared),
        _sum("fourth", np.square(squared)),
        _sum("actual_squared", square),
        _sum("actual_squared", rest),
        _sum("percentage", percentage),
        _sum("percentage_squared", np.square(percentage)),
        records=len(error),
    )


def _read(name: str, head: Head) -> Fraction:
    return SUMS[name].read(head[_START[name] : _START[name] + SUMS[name].limbs])


def _sum(name: str, values: Floats) -> tuple[Ints, Ints]:
    columns, amounts = SUMS[name].terms(values)
    return _START[name] + columns, amounts


def _grained(name: str, values: Floats) -> Floats:
    if not np.all(np.abs(values) <= VALUE_MAX):
        raise ValueError(f"{name} must be a number within +-{VALUE_MAX:g} in every record")
    return np.ldexp(np.rint(np.ldexp(values, -_GRAIN)), _GRAIN)


def _exact_square(values: Floats) -> tuple[Floats, Floats]:
    """Squares as rounded, and what rounding took from them (Dekker 1971): equal truths have no variance at all."""
    shifted = values * (2.0**27 + 1)
    high = shifted - (shifted - values)
    low = values - high
    square = np.square(values)
    return square, ((high * high - square) + 2 * high * low) + low * low
