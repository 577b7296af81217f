"""The accumulator of the multi-class task: a part of a window, exact in both directions.

Classes are codes, given in the order in which classes were first seen; what comes after the first
``classes_max`` has the code ``classes_max``, `OTHER`. K = classes_max + 1. Names come in when a window is read.

A class that a record sends no score for has the score 0, so only scores that were sent are put into
histograms: how many zeros are missing there is known from the counts of scored records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import numpy as np

from metrics.followed import UNDEFINED, Value
from metrics.latency import latency_summary
from metrics.layout import FIXED_POINT, Layout
from metrics.multiclass_chunk import Codes, Column, Prepared, Scores, prepare
from metrics.multiclass_result import OTHER, ClassCounts, summarise
from metrics.scatter import Ints, bin_of, scatter
from metrics.window_layout import Cells, Head


@dataclass(frozen=True, slots=True)
class MulticlassPart:
    """Classes predicted and labels joined. Cells grow as K (K + 2 score_bins): 10 to 100 score bins do.

    >>> MulticlassPart(classes_max=10, score_bins=100, latency_bins=560).cells
    2892
    """

    classes_max: int
    score_bins: int
    latency_bins: int
    labelled_column: ClassVar[int] = Column.LABELLED
    series: ClassVar[tuple[str, ...]] = ("accuracy",)

    @property
    def name(self) -> str:
        """What it holds, and how finely it is cut."""
        return f"multiclass/{self.classes_max}/{self.score_bins}/{self.latency_bins}"

    @property
    def classes(self) -> int:
        """K: all codes, that of `OTHER` too."""
        return self.classes_max + 1

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return Column.PREDICTED + self.classes

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return self._starts[-1]

    @property
    def latency_start(self) -> int:
        """Where the label latencies begin among its cells."""
        return self._starts[3]

    def prepare(
        self,
        predicted: Codes,
        scores: Scores | None = None,
        actual: Codes | None = None,
        latency_ms: Ints | None = None,
    ) -> Prepared:
        """Compute terms of n records, once for all levels.

        predicted, actual: codes i4[n]. scores f4[n, K]: NaN where a class has none; a record without any, with one
        outside [0, 1] or with nothing but zeros is not scored. They are normalised to a sum of 1. latency_ms i8[n]:
        label time minus event time; below 0 it is 0. Labels may come without latencies. Raises ValueError for codes
        that are not there.
        """
        self._check_codes("predicted", predicted)
        if actual is not None:
            self._check_codes("actual", actual)
        return prepare(predicted, scores, actual, latency_ms)

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
        outcomes = prepared.outcomes
        if outcomes is None:
            raise ValueError("these records were prepared without labels")
        outcomes.head.add_to(head, slot, sign)
        signs = np.broadcast_to(np.asarray(sign, dtype=np.int64), slot.shape)
        confusion, scored_actual, histograms, latencies, _ = self._starts
        scatter(cells, slot, confusion + outcomes.actual * self.classes + outcomes.predicted, signs)
        scatter(cells, slot, scored_actual + outcomes.actual, signs * outcomes.scored)
        if prepared.scores is not None and prepared.scores.shape[1] == self.classes:  # else of another configuration
            record, code = np.nonzero(~np.isnan(prepared.scores))
            bins = bin_of(prepared.scores[record, code], self.score_bins, self.score_bins)
            histogram = (
                code == outcomes.actual[record]
            ) * self.classes + code  # negatives of K classes, then positives
            scatter(cells, slot[record], histograms + histogram * self.score_bins + bins, signs[record])
        if outcomes.latency_octaves is not None:
            bins = bin_of(outcomes.latency_octaves, self._latencies.latency_bins_per_octave, self.latency_bins)
            scatter(cells, slot, latencies + bins, signs)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """The fields of a multi-class metric record, classes named by their codes."""
        return self.summarise_named(head, cells, seconds, [str(code) for code in range(self.classes_max)])

    def summarise_named(self, head: Head, cells: Cells, seconds: float, names: Sequence[str]) -> Mapping[str, object]:
        """The fields of a multi-class metric record. head i8[head_columns], cells i4 or i8[cells].

        names: of the codes from 0 on, as many as are known; `OTHER` may stand last, as the code classes_max. Raises
        ValueError for a name that stands there twice.
        """
        unknown = (f"__class_{code}__" for code in range(len(names), self.classes_max))
        called = [*names[: self.classes_max], *unknown, OTHER]
        if len(set(called)) < len(called):
            raise ValueError("two classes of one name")
        counts = self._counts(head, cells)
        waits = cells[self.latency_start :].astype(np.int64)
        latency = latency_summary(waits, int(head[Column.LATENCY_SUM_MS]), self._latencies)
        return {**summarise(counts, called, seconds), "label_latency_seconds": latency}

    def follow(self, head: Head, cells: Cells, total: int) -> Sequence[Value]:
        """Accuracy of a window."""
        del cells, total  # every part is asked alike
        labelled = int(head[Column.LABELLED])
        return ((int(head[Column.CORRECT]) / labelled, labelled) if labelled else UNDEFINED,)

    def _counts(self, head: Head, cells: Cells) -> ClassCounts:
        k, (confusion, scored_actual, histograms, latencies, _) = self.classes, self._starts
        total, scored_total, confidence, labelled, correct, scored, log_loss = head[: Column.LATENCY_SUM_MS].tolist()
        of_actual = cells[scored_actual:histograms].astype(np.int64)
        negatives, positives = cells[histograms:latencies].astype(np.int64).reshape(2, k, self.score_bins)
        # scores that were not sent are 0
        positives[:, 0] += of_actual - positives.sum(axis=1)
        negatives[:, 0] += scored - of_actual - negatives.sum(axis=1)
        return ClassCounts(
            total=total,
            scored_total=scored_total,
            confidence_sum=confidence / FIXED_POINT,
            labelled=labelled,
            correct=correct,
            scored=scored,
            log_loss_sum=log_loss / FIXED_POINT,
            top=head[Column.TOP : Column.PREDICTED].tolist(),
            predicted=head[Column.PREDICTED :].tolist(),
            confusion=cells[confusion:scored_actual].astype(np.int64).reshape(k, k),
            negatives=negatives,
            positives=positives,
        )

    @property
    def _starts(self) -> tuple[int, ...]:
        """Of the cells: confusion [actual, predicted], scored by actual class, score histograms, latencies; and end."""
        k = self.classes
        return tuple(accumulate((k * k, k, 2 * k * self.score_bins, self.latency_bins), initial=0))

    @property
    def _latencies(self) -> Layout:
        return Layout(score_bins=1, latency_bins=self.latency_bins)

    def _check_codes(self, name: str, codes: Codes) -> None:
        if codes.size and (codes.min() < 0 or codes.max() > self.classes_max):
            raise ValueError(f"{name} must be a code from 0 to {self.classes_max} in every record")
