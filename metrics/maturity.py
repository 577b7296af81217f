"""How complete labels are, and accuracy, precision and recall with the late ones weighed in.

Labels of one kind may come later than those of another (frauds are reported after weeks, the rest is confirmed at
once). Then the labels that are in say too much of the quick kind: precision "so far" is off by far. How long labels
take is learned from windows that are final, for each group by itself:

- *maturity* groups predictions by what is known without a label, the predicted class or a range of scores;
- *weights* group labelled records by confusion cell or actual class. The predicted class would not do: a true and
  a false positive, the slow and the quick kind, would weigh the same.

Delays are event time to label time, ages event time to now. What comes after the horizon is never a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from metrics.confusion import ratio
from metrics.scatter import Floats

RECORDS_MIN: Final = 30
"""Of fewer records no curve is learned."""

SHARE_MIN: Final = 0.05
"""Windows so young that less of some group has come are left out: one label would count as 20 and more."""

EXPECTED_MIN: Final = 0.1
"""As long as less of all labels is to be expected, none of them is late: the first to come tell of chance."""

Numbers = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class DelayCurve:
    """Share of each group whose label came within ``2**(bin / bins_per_octave)`` ms; NaN for a group not learned."""

    arrived: Floats  # [groups, bins + 1]
    bins_per_octave: float

    @classmethod
    def learn(cls, delays: Numbers, bins_per_octave: float, records: Numbers | None = None) -> DelayCurve:
        """From final windows. delays [groups, bins]: histograms of label latencies as in `metrics.latency`.

        records [groups]: how many predictions these labels are of; the share is then of all predictions, else of
        those that get a label at all. A group of less than `RECORDS_MIN` is not learned.

        >>> curve = DelayCurve.learn(np.array([[0, 40, 0, 40]]), 1.0)  # half within 4 ms, all within 16
        >>> curve.arrived_by(np.array([1.0, 4.0, 11.4, 1000.0])).round(2).tolist()
        [[0.0], [0.5], [0.76], [1.0]]
        """
        up_to = np.cumsum(delays, axis=1)
        whole = np.asarray(up_to[:, -1] if records is None else records, dtype=np.float64)[:, np.newaxis]
        learned = whole >= RECORDS_MIN
        shares = np.where(learned, up_to / np.where(learned, whole, 1.0), np.nan)
        return cls(np.hstack([np.where(learned, 0.0, np.nan), shares]), bins_per_octave)

    def arrived_by(self, age_ms: Floats) -> Floats:
        """Expected share of each group whose labels have come at these ages: f8[w, groups] of f8[w].

        Between the ends of a bin the share grows with the logarithm of the age.
        """
        octaves = np.log2(np.maximum(age_ms, 1.0))
        ends = np.arange(self.arrived.shape[1]) / self.bins_per_octave
        return np.stack([np.interp(octaves, ends, group) for group in self.arrived], axis=1)


class Maturity(TypedDict):
    """Two questions that are easily mixed up: are labels late, and are they early days."""

    maturity: float | None
    """Of the labels that are to be expected by now the share that has come, at most 1. Low: labels are held up.

    None below `EXPECTED_MIN`, too.
    """
    expected_share: float | None
    """Of the labels that will ever come the share that is to be expected by now. Low: what is known is preliminary."""


def maturity(curve: DelayCurve, age_ms: Floats, predictions: Numbers, labelled: int) -> Maturity:
    """Of w windows together. curve: of predictions (``records`` given), by group as predictions [w, groups].

    age_ms f8[w]: of the middles of the windows. labelled: labels that have come, of all of them. None where nothing is
    expected (yet), or where predictions are of a group that was not learned.
    """
    by_now = _expected(predictions, curve.arrived_by(age_ms))
    ever = _expected(predictions, curve.arrived[np.newaxis, :, -1])
    if by_now is None or ever is None:
        return Maturity(maturity=None, expected_share=None)
    come, share = ratio(labelled, by_now), ratio(by_now, ever)
    if come is None or share is None or share < EXPECTED_MIN:
        return Maturity(maturity=None, expected_share=share)
    return Maturity(maturity=min(1.0, come), expected_share=share)


def come_share(record: Mapping[str, object]) -> float | None:
    """Of the labels that will ever come the share that has: ``maturity`` of what is to be expected by now.

    None where it is not known how long labels take.

    >>> come_share({"maturity": 0.5, "expected_share": 0.8}), come_share({"maturity": None, "expected_share": 0.0})
    (0.4, 0.0)
    """
    known, expected = record.get("maturity"), record.get("expected_share")
    if not isinstance(expected, int | float):
        return None
    return expected * known if isinstance(known, int | float) else 0.0


def _expected(predictions: Numbers, share: Floats) -> float | None:
    expected = float(np.where(predictions > 0, predictions * share, 0.0).sum())
    return None if np.isnan(expected) else expected


def weighted_counts(counts: Numbers, share: Floats) -> Floats | None:
    """Counts of labels as they will be when all have come: each weighs 1 / P(come by now) (Horvitz & Thompson 1952).

    counts [w, groups] of w windows, share f8[w, groups] by `DelayCurve.arrived_by`; f8[groups]. A window too young in
    any group (`SHARE_MIN`) is left out with all its groups, which favours none. None if no window is left, or one
    counts labels of a group that was not learned.
    """
    old_enough = (np.nan_to_num(share, nan=1.0) >= SHARE_MIN).all(axis=1)
    if not old_enough.any():
        return None
    counted, weighing = counts[old_enough], share[old_enough]
    weighted = np.where(counted > 0, counted / weighing, 0.0).sum(axis=0)
    return None if np.isnan(weighted).any() else weighted


def weighted_metrics(curve: DelayCurve, age_ms: Floats, confusions: Numbers) -> dict[str, float | None]:
    """``metrics_weighted`` of a binary model. confusions [w, 4]: tp, fp, fn, tn of each window, curve: of these cells.

    Formulas as in `metrics.confusion`. Undefined where `weighted_counts` is.
    """
    weighted = weighted_counts(confusions, curve.arrived_by(age_ms))
    if weighted is None:
        return dict.fromkeys(("accuracy", "precision", "recall", "f1"))
    tp, fp, fn, tn = weighted.tolist()
    return {
        "accuracy": ratio(tp + tn, tp + fp + fn + tn),
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
    }
