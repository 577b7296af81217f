"""How well a classifier does before any label has come: confidence-based performance estimation.

NannyML's CBPE: a record that is positive with the calibrated probability p is counted as p of a positive and 1 - p
of a negative. It holds while labels depend on scores as they did in the reference, however the inputs move, and
is blind to a change of that dependence (concept drift): `metrics.reconcile` tells the one from the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from metrics.intervals import Z
from metrics.roc_auc import roc_auc

Histogram = NDArray[np.int64]
Floats = NDArray[np.float64]


class Estimated(TypedDict):
    """The estimate of a metric record; None is what cannot be known."""

    method: str
    metrics: dict[str, float | None]
    intervals: dict[str, list[float] | None]


def estimate(
    negatives: Histogram, positives: Histogram, p: Floats, reference_records: int, auc_optimism: float = 0.0
) -> Estimated:
    """What the labels of these scores would say, each metric with the 95 % interval of what they will say.

    negatives, positives i8[bins]: scores of *predicted* negatives and positives. p f8[bins]: P(actually positive)
    in each bin, learned from so many labelled records.

    The interval is the delta method on the labels, which are independent draws of p: their variance is
    sum p (1 - p) times the squared slope of the metric in each. The p of m reference records are themselves known
    no better than a sample of m tells; where the n records spread over the scores as the reference did, that adds
    n / m of the same variance. By `auc_optimism` the AUC's interval reaches further down. Measured coverage:
    docs/statistics.md.

    >>> found = estimate(np.array([0, 90, 0]), np.array([0, 0, 10]), np.array([0.0, 0.1, 0.9]), 10_000)
    >>> found["metrics"]["accuracy"], found["metrics"]["precision"], found["metrics"]["recall"]
    (0.9, 0.9, 0.5)
    """
    records = int(negatives.sum() + positives.sum())
    inflation = 1 + records / reference_records if reference_records else 1.0
    metrics: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for name, value, variance in (*_of_classes(negatives, positives, p), _auc(negatives + positives, p)):
        metrics[name] = value
        below = auc_optimism if name == "auc" else 0.0
        intervals[name] = None if value is None else _interval(value, variance * inflation, below)
    return Estimated(method="cbpe", metrics=metrics, intervals=intervals)


def auc_optimism(negatives: Histogram, positives: Histogram, p: Floats) -> float:
    """By how much p promises a greater AUC for the very records that it was learned from than their labels show.

    negatives, positives i8[bins]: labelled scores of the reference. Isotonic regression takes the convex hull of the
    ROC curve for the curve itself (Fawcett & Niculescu-Mizil 2007), which the fewer records the less is true of new
    ones. 0 for a reference of one class.

    >>> round(auc_optimism(np.array([2, 1]), np.array([1, 2]), np.array([1 / 3, 2 / 3])), 12)
    0.0
    """
    _, promised, _ = _auc(negatives + positives, p)
    shown = roc_auc(negatives, positives)
    return 0.0 if promised is None or shown is None else max(0.0, promised - shown)


def _of_classes(negatives: Histogram, positives: Histogram, p: Floats) -> Iterator[tuple[str, float | None, float]]:
    """Name, value and variance of what stands on the confusion table.

    TP and FN are independent sums; FP and TN are what is left of the predictions, which are known. So each metric
    has two slopes: by TP and by FN.
    """
    tp, fn = float(positives @ p), float(negatives @ p)
    fp, tn = float(positives @ (1 - p)), float(negatives @ (1 - p))
    spread = p * (1 - p)
    tp_variance, fn_variance = float(positives @ spread), float(negatives @ spread)

    def entry(name: str, part: float, whole: float, by_tp: float, by_fn: float) -> tuple[str, float | None, float]:
        """The metric part / whole, its slopes multiplied by whole squared."""
        if whole <= 0:
            return name, None, 0.0
        return name, part / whole, (by_tp**2 * tp_variance + by_fn**2 * fn_variance) / whole**4

    n, predicted = tp + fp + fn + tn, tp + fp
    yield entry("accuracy", tp + tn, n, n, -n)
    yield entry("precision", tp, predicted, predicted, 0.0)
    yield entry("recall", tp, tp + fn, fn, -tp)
    yield entry("specificity", tn, tn + fp, tn, -fp)
    yield entry("f1", 2 * tp, 2 * tp + fp + fn, 2 * (predicted + fn), -2 * tp)


def _auc(counts: Histogram, p: Floats) -> tuple[str, float | None, float]:
    """Area under the expected ROC curve, ties of a bin half, and its variance.

    A = sum over bins of pos (neg below + neg / 2) / (P N), with pos = count p. One label that turns out positive
    moves that sum by (neg below + neg / 2) - (pos above + pos / 2), P by 1 and N by -1.
    """
    pos, neg = counts * p, counts * (1 - p)
    total_pos, total_neg = float(pos.sum()), float(neg.sum())
    if total_pos <= 0 or total_neg <= 0:
        return "auc", None, 0.0
    neg_below = np.cumsum(neg) - neg / 2
    pos_above = total_pos - np.cumsum(pos) + pos / 2
    auc = float(pos @ neg_below) / (total_pos * total_neg)
    slope = (neg_below - pos_above) / (total_pos * total_neg) - auc / total_pos + auc / total_neg
    return "auc", auc, float((counts * p * (1 - p)) @ slope**2)


def _interval(value: float, variance: float, optimism: float) -> list[float]:
    half = Z * sqrt(variance)
    return [max(0.0, value - half - optimism), min(1.0, value + half)]
