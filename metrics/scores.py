"""The scores of a binary classifier as a part of a window: known at once, labels or not."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.cbpe import auc_optimism, estimate
from metrics.confusion import ratio
from metrics.inputs import duration_text
from metrics.isotonic import Probabilities, calibrated, middles
from metrics.observer import Observation
from metrics.reference import Scores
from metrics.scatter import bin_of
from metrics.score_drift import PREDICTION, SCORE, prediction_drift, score_drift
from metrics.window_layout import Cells, Head

Histogram = NDArray[np.int64]

_SEED: Final = 0
"""Of the splits that judge the calibration: every worker must come to the same one."""


class Column(IntEnum):
    """Columns of head."""

    RECORDS = 0
    UNSCORED = 1
    POSITIVE = 2


def label_free(scores: Histogram, records: int) -> dict[str, float | None]:
    """What a histogram i8[bins] of scores in [0, 1] says of so many predictions, some of them perhaps without a score.

    top_score_share: share of the predictions that have the commonest score. mean_confidence: mean of max(p, 1 - p),
    each score taken for its bin's middle.

    >>> label_free(np.array([0, 0, 1, 3]), 5)
    {'top_score_share': 0.6, 'mean_confidence': 0.8125}
    """
    scored, middle = int(scores.sum()), middles(len(scores))
    return {
        "top_score_share": ratio(int(scores.max()), records) if scored else None,
        "mean_confidence": ratio(float(scores @ np.maximum(middle, 1 - middle)), scored),
    }


@dataclass(frozen=True)
class ScorePart:
    """Scores by predicted class, with those of a baseline to compare them with.

    Cells: score histogram of predicted negatives, then of predicted positives, in the baseline's bins. Drift is
    looked for in spans of over_seconds or more; it and the estimated performance take min_records.

    Raises ValueError if the reference's histograms have not the same bins, one at least.
    """

    reference: Scores
    over_seconds: float
    min_records: int

    def __post_init__(self) -> None:
        found = self.reference
        given = (found.predicted_negatives, found.predicted_positives, found.negatives, found.positives)
        if len({len(one) for one in given if one is not None}) != 1 or not given[0]:
            raise ValueError("the histograms of scores must have the same number of bins")

    def __hash__(self) -> int:
        return hash(self.name)  # the reference's lists have none

    @cached_property
    def name(self) -> str:
        """Of this very reference."""
        return f"scores/{zlib.crc32(msgspec.json.encode(self.reference)):08x}"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return len(Column)

    @property
    def bins(self) -> int:
        """Bins of a score histogram."""
        return len(self.reference.predicted_negatives)

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return 2 * self.bins

    @cached_property
    def calibration(self) -> Probabilities | None:
        """P(positive) of every score bin, f8[bins]; None if the reference had no labels. Fitted at first use."""
        negatives, positives = self.reference.negatives, self.reference.positives
        if negatives is None or positives is None or not self._labelled:
            return None
        rng = np.random.default_rng(_SEED)
        return calibrated(np.array(negatives, np.int64), np.array(positives, np.int64), rng)

    def observe(self, observation: Observation, slot: Histogram, slots: int) -> tuple[Head, NDArray[np.int32]]:
        """Count n records into so many windows: head i8[slots, head_columns], cells i4[slots, cells].

        A score that is NaN, or outside [0, 1], is none. slot i8[n]: the window of each record. Raises IndexError for
        a slot that is not there.
        """
        score, predicted = observation.score, observation.predicted
        if slot.size and not 0 <= slot.min() <= slot.max() < slots:
            raise IndexError(f"a slot outside 0 to {slots - 1}")
        scored = (score >= 0.0) & (score <= 1.0)
        of_class = (2 * slot + predicted)[scored] * self.bins
        cell = of_class + bin_of(score[scored], self.bins, self.bins)
        cells = np.bincount(cell, minlength=slots * self.cells).astype(np.int32)
        counted = (slot, slot[~scored], slot[predicted == 1])  # in the order of Column
        head = np.stack([np.bincount(each, minlength=slots) for each in counted], axis=1)
        return head, cells.reshape(slots, self.cells)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """``estimated``, two of ``metrics``, and of a span that is long enough ``drift``."""
        negatives, positives = cells.astype(np.int64).reshape(2, self.bins)
        scores = negatives + positives
        found: dict[str, object] = {
            "metrics": label_free(scores, int(head[Column.RECORDS])),
            "estimated": self._estimated(negatives, positives),
        }
        if seconds >= self.over_seconds:
            found["drift"] = self._drift(head, scores)
        return found

    def _estimated(self, negatives: Histogram, positives: Histogram) -> dict[str, object]:
        p = self.calibration
        reason = self._too_few("scores", int(negatives.sum() + positives.sum()))
        if p is None:
            reason = "no labels in the baseline to calibrate scores by"
        if p is None or reason:
            nothing = np.zeros(self.bins, np.int64)
            return {**estimate(nothing, nothing, middles(self.bins), 0), "reason": reason}
        return {**estimate(negatives, positives, p, self._labelled, self._auc_optimism)}

    @cached_property
    def _auc_optimism(self) -> float:
        """Of the calibration, for the labelled scores of the reference themselves."""
        found, p = self.reference, self.calibration
        if p is None or found.negatives is None or found.positives is None:
            return 0.0
        return auc_optimism(np.array(found.negatives, np.int64), np.array(found.positives, np.int64), p)

    def _drift(self, head: Head, scores: Histogram) -> dict[str, object]:
        usual, known = self._usual, int(self._usual.sum())
        records, positive = int(head[Column.RECORDS]), int(head[Column.POSITIVE])
        score, prediction = dict.fromkeys(SCORE), dict.fromkeys(PREDICTION)
        if reason := self._too_few("scores", int(scores.sum()), known):
            score |= {"reason": reason}
        else:
            score = score_drift(usual.sum(axis=0), scores)
        if reason := self._too_few("records", records, known):
            prediction |= {"reason": reason}
        else:
            prediction = prediction_drift(usual.sum(axis=1), np.array([records - positive, positive], np.int64))
        over = duration_text(self.over_seconds)
        return {"over": over, "records": records, "score": score, "prediction": prediction}

    @cached_property
    def _usual(self) -> Histogram:
        """Scores of the reference by predicted class, i8[2, bins]."""
        return np.array([self.reference.predicted_negatives, self.reference.predicted_positives], np.int64)

    @cached_property
    def _labelled(self) -> int:
        return sum(self.reference.negatives or ()) + sum(self.reference.positives or ())

    def _too_few(self, what: str, found: int, in_reference: int | None = None) -> str | None:
        least = max(1, self.min_records)
        for whose, count in (("window", found), ("baseline", in_reference)):
            if count is not None and count < least:
                return f"{count} {what} in the {whose}, at least {least} are needed"
        return None
