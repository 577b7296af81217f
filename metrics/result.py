"""From a window's two vectors to the parts of its metric record."""

from typing import Final, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from metrics import average_precision as ap
from metrics import roc_auc as roc
from metrics.calibration import (
    CalibrationBin,
    calibration_curve,
    debiased_calibration_error,
    expected_calibration_error,
)
from metrics.confusion import Confusion, ratio
from metrics.intervals import Interval, auc_interval, f1_interval, wilson
from metrics.latency import LatencySummary, latency_summary
from metrics.layout import CALIBRATION_BINS, FINE, FIXED_POINT, HEAD_COLUMNS, Column, Layout
from metrics.roc_auc import Histogram

SHOWN_BINS: Final = 100
"""Of the score histogram in records: finer ones would be most of a record."""


class ScoreHistogram(TypedDict):
    """Labelled scores by their class, in the bins of a hundredth that hold some; the last one holds 1 too."""

    lower: list[float]
    negatives: list[int]
    positives: list[int]


class BinarySummary(TypedDict):
    """The parts of a binary metric record that come from its window's accumulator."""

    total: int
    labelled: int
    correct: int
    label_coverage: float | None
    throughput_per_second: float | None
    confusion: dict[str, int]
    metrics: dict[str, float | None]
    intervals: dict[str, list[float] | None]
    calibration: list[CalibrationBin]
    score_histogram: NotRequired[ScoreHistogram]
    label_latency_seconds: LatencySummary | None
    binning_error: dict[str, float | None]


def summarise(head: NDArray[np.int64], cells: NDArray[np.int32], layout: Layout, seconds: float) -> BinarySummary:
    """Everything that a window, or a merge of windows, says; of the finest layout its score histogram, too.

    head i8[H], cells i4[layout.cells]; seconds is the length of the window. All values
    are plain Python ones; None is what cannot be known. Raises ValueError for vectors
    of another layout.
    """
    if head.shape != (HEAD_COLUMNS,) or cells.shape != (layout.cells,):
        raise ValueError(f"not a window of {layout}: head {head.shape}, cells {cells.shape}")
    counts: list[int] = head.tolist()
    confusion = Confusion(*counts[Column.TP : Column.TN + 1])
    negatives, positives = _held_bins(layout.negatives(cells), layout.positives(cells))
    curve = _curve(counts)
    found = BinarySummary(
        total=counts[Column.TOTAL],
        labelled=counts[Column.LABELLED],
        correct=confusion.correct,
        label_coverage=ratio(counts[Column.LABELLED], counts[Column.TOTAL]),
        throughput_per_second=ratio(counts[Column.TOTAL], seconds),
        confusion={"tp": confusion.tp, "fp": confusion.fp, "fn": confusion.fn, "tn": confusion.tn},
        metrics=_of_classes(confusion) | _of_scores(counts, curve, negatives, positives),
        intervals=_intervals(confusion, negatives, positives),
        calibration=curve,
        label_latency_seconds=latency_summary(layout.latencies(cells), counts[Column.LATENCY_SUM_MS], layout),
        binning_error={
            "auc": roc.binning_error(negatives, positives),
            "average_precision": ap.binning_error(negatives, positives),
        },
    )
    if layout == FINE:
        found["score_histogram"] = score_histogram(layout.negatives(cells), layout.positives(cells))
    return found


def score_histogram(negatives: Histogram, positives: Histogram) -> ScoreHistogram:
    """Both histograms i8[bins] in `SHOWN_BINS` bins; bins: a multiple of those.

    >>> score_histogram(np.eye(1, 1000, 25, dtype=np.int64)[0], np.eye(1, 1000, 999, dtype=np.int64)[0])
    {'lower': [0.02, 0.99], 'negatives': [1, 0], 'positives': [0, 1]}
    """
    shown = [one.reshape(SHOWN_BINS, -1).sum(axis=1) for one in (negatives, positives)]
    held = np.flatnonzero(shown[0] + shown[1])
    return ScoreHistogram(
        lower=(held / SHOWN_BINS).tolist(), negatives=shown[0][held].tolist(), positives=shown[1][held].tolist()
    )


def _held_bins(negatives: Histogram, positives: Histogram) -> tuple[Histogram, Histogram]:
    # Ranks do not see empty bins, and a segment's minute leaves most of them empty.
    held = (negatives + positives) > 0
    return negatives[held], positives[held]


def _of_classes(confusion: Confusion) -> dict[str, float | None]:
    return {
        "accuracy": confusion.accuracy,
        "precision": confusion.precision,
        "recall": confusion.recall,
        "f1": confusion.f1,
        "specificity": confusion.specificity,
        "label_rate": confusion.label_rate,
    }


def _of_scores(
    counts: list[int], curve: list[CalibrationBin], negatives: Histogram, positives: Histogram
) -> dict[str, float | None]:
    scored = counts[Column.SCORED] * FIXED_POINT
    scored_total = counts[Column.SCORED_TOTAL] * FIXED_POINT
    return {
        "auc": roc.roc_auc(negatives, positives),
        "average_precision": ap.average_precision(negatives, positives),
        "log_loss": ratio(counts[Column.LOG_LOSS_SUM], scored),
        "brier": ratio(counts[Column.BRIER_SUM], scored),
        "ece": expected_calibration_error(curve),
        "ece_debiased": debiased_calibration_error(curve),
        "positive_rate": ratio(counts[Column.PREDICTED_POSITIVE_TOTAL], counts[Column.TOTAL]),
        "mean_score": ratio(counts[Column.SCORE_SUM], scored_total),
    }


def _intervals(confusion: Confusion, negatives: Histogram, positives: Histogram) -> dict[str, list[float] | None]:
    """Log loss and Brier have none: the window keeps no squares of their terms."""
    tp, fp, fn, tn = confusion.tp, confusion.fp, confusion.fn, confusion.tn
    auc = auc_interval(
        roc.roc_auc(negatives, positives),
        roc.delong_variance(negatives, positives),
        int(positives.sum()),
        int(negatives.sum()),
    )
    return {
        "accuracy": _listed(wilson(confusion.correct, confusion.labelled)),
        "precision": _listed(wilson(tp, tp + fp)),
        "recall": _listed(wilson(tp, tp + fn)),
        "specificity": _listed(wilson(tn, tn + fp)),
        "f1": _listed(f1_interval(tp, fp, fn)),
        "auc": _listed(auc),
    }


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _curve(counts: list[int]) -> list[CalibrationBin]:
    triples = counts[Column.CALIBRATION : Column.CALIBRATION + 3 * CALIBRATION_BINS]
    score_sums = [score_sum / FIXED_POINT for score_sum in triples[2::3]]
    return calibration_curve(triples[0::3], triples[1::3], score_sums)
