"""From the counts of a multi-class window to its metrics and intervals; names and formulas as in scikit-learn.

Undefined is None: the precision of a class that was never predicted, the recall of one that was never true. Averages
over classes leave it out (scikit-learn's ``zero_division=nan``), where 0 would punish a class for being rare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np

from metrics import roc_auc as roc
from metrics.confusion import Confusion, ratio
from metrics.intervals import Interval, f1_interval, wilson
from metrics.scatter import Ints

OTHER: Final = "__other__"
"""The class of all classes that have no code of their own."""

TOP_K: Final = (2, 3, 5)


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What a window has counted. All but total, scored_total, confidence_sum and predicted: of labelled records."""

    total: int
    scored_total: int
    confidence_sum: float  # of the scores of the best classes
    labelled: int
    correct: int
    scored: int
    log_loss_sum: float
    top: Sequence[int]  # the truth was among the k best, for TOP_K
    predicted: Sequence[int]  # [K]
    confusion: Ints  # [K, K] actual, predicted
    negatives: Ints  # [K, bins] scores for a class that was not the truth
    positives: Ints  # [K, bins] scores for the truth


class PerClass(TypedDict):
    """One class against the rest."""

    precision: float | None
    recall: float | None
    f1: float | None
    auc: float | None
    support: int
    intervals: dict[str, list[float] | None]


class MulticlassSummary(TypedDict):
    """The parts of a multi-class metric record. per_class: classes that were true or predicted."""

    total: int
    labelled: int
    correct: int
    label_coverage: float | None
    throughput_per_second: float | None
    confusion: dict[str, dict[str, int]]
    metrics: dict[str, float | None]
    intervals: dict[str, list[float] | None]
    per_class: dict[str, PerClass]
    predicted_counts: dict[str, int]
    binning_error: dict[str, float | None]


def summarise(counts: ClassCounts, names: Sequence[str], seconds: float) -> MulticlassSummary:
    """Everything that is known; names: of all K codes. Only counts that are not 0 are written down."""
    per_class = _per_class(counts, names)
    return MulticlassSummary(
        total=counts.total,
        labelled=counts.labelled,
        correct=counts.correct,
        label_coverage=ratio(counts.labelled, counts.total),
        throughput_per_second=ratio(counts.total, seconds),
        confusion=_named_confusion(counts.confusion, names),
        metrics=_metrics(counts, list(per_class.values())),
        intervals=_intervals(counts),
        per_class=per_class,
        predicted_counts={name: count for name, count in zip(names, counts.predicted, strict=True) if count},
        binning_error={"auc": _macro_auc_error(counts)},
    )


def _named_confusion(confusion: Ints, names: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for actual, predicted in np.argwhere(confusion).tolist():
        found.setdefault(names[actual], {})[names[predicted]] = int(confusion[actual, predicted])
    return found


def _per_class(counts: ClassCounts, names: Sequence[str]) -> dict[str, PerClass]:
    support, predicted = counts.confusion.sum(axis=1), counts.confusion.sum(axis=0)
    return {
        names[code]: _one_class(counts, code, int(support[code]), int(predicted[code]))
        for code in np.flatnonzero(support + predicted).tolist()
    }


def _one_class(counts: ClassCounts, code: int, support: int, predicted: int) -> PerClass:
    tp = int(counts.confusion[code, code])
    fp, fn = predicted - tp, support - tp
    table = Confusion(tp, fp, fn, counts.labelled - tp - fp - fn)
    return PerClass(
        precision=table.precision,
        recall=table.recall,
        f1=table.f1,
        auc=roc.roc_auc(counts.negatives[code], counts.positives[code]),
        support=support,
        intervals={
            "precision": _listed(wilson(tp, predicted)),
            "recall": _listed(wilson(tp, support)),
            "f1": _listed(f1_interval(tp, fp, fn)),
        },
    )


def _metrics(counts: ClassCounts, classes: list[PerClass]) -> dict[str, float | None]:
    supports = [each["support"] for each in classes]
    ones = [1] * len(classes)
    of_class: Mapping[str, list[float | None]] = {
        "precision": [each["precision"] for each in classes],
        "recall": [each["recall"] for each in classes],
        "f1": [each["f1"] for each in classes],
    }
    return (
        {"accuracy": ratio(counts.correct, counts.labelled)}
        | {f"{name}_macro": mean_of_defined(values, ones) for name, values in of_class.items()}
        | {f"{name}_weighted": mean_of_defined(values, supports) for name, values in of_class.items()}
        | {"auc": mean_of_defined([each["auc"] for each in classes], ones)}
        | {"log_loss": ratio(counts.log_loss_sum, counts.scored)}
        | {f"top_{k}_accuracy": ratio(hits, counts.scored) for k, hits in zip(TOP_K, counts.top, strict=True)}
        | {"mean_confidence": ratio(counts.confidence_sum, counts.scored_total)}
    )


def mean_of_defined(values: Sequence[float | None], weights: Sequence[float]) -> float | None:
    """Weighted mean of the values that are not None; None if these have no weight.

    >>> mean_of_defined([1.0, None, 0.0], [3, 5, 1])
    0.75
    """
    defined = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    return ratio(sum(value * weight for value, weight in defined), sum(weight for _, weight in defined))


def _intervals(counts: ClassCounts) -> dict[str, list[float] | None]:
    """Averages over classes have none, but for the recall weighted by support, which is the accuracy."""
    accuracy = _listed(wilson(counts.correct, counts.labelled))
    averages = dict.fromkeys(
        ("precision_macro", "precision_weighted", "recall_macro", "f1_macro", "f1_weighted", "auc", "log_loss")
    )
    tops = {
        f"top_{k}_accuracy": _listed(wilson(hits, counts.scored)) for k, hits in zip(TOP_K, counts.top, strict=True)
    }
    return {"accuracy": accuracy, "recall_weighted": accuracy, **averages, **tops}


def _macro_auc_error(counts: ClassCounts) -> float | None:
    bounds = list(map(roc.binning_error, counts.negatives, counts.positives))
    return mean_of_defined(bounds, [1] * len(bounds))


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
