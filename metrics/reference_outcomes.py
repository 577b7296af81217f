"""What the predictions and labels of a file say: scores, classes, performance; by task, a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from metrics import binary, regression
from metrics.class_predictions import confidence
from metrics.coding import OTHER
from metrics.confusion import ratio
from metrics.dle import loss_sums
from metrics.layout import FINE, Column
from metrics.reference import Losses, Scores
from metrics.result import summarise
from metrics.scatter import bin_of
from metrics.scores import label_free
from metrics.value_predictions import BUCKETS, bucket_of

UNKNOWN: Final = -1
"""Stands for the label of a row that has none."""
CLASSES_MAX: Final = 200
PERFORMANCE: Final = (
    "accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier", "positive_rate", "mean_score",
)  # fmt: skip
ERRORS: Final = ("mse", "rmse", "mae", "r2", "mape", "bias")


class BinaryOutcomes:
    """Scores and performance of a binary classifier."""

    def __init__(self) -> None:
        head, cells = binary.zeros(1, FINE)
        self._head, self._cells = head, cells
        self._predicted = np.zeros((2, FINE.score_bins), np.int64)

    def add(self, score: NDArray[np.float64], predicted: NDArray[np.int8], actual: NDArray[np.int8]) -> None:
        """Count a chunk: score f8[n], predicted i1[n] 0 or 1, actual i1[n] 0, 1 or `UNKNOWN`.

        A score that is NaN, or outside [0, 1], is none.
        """
        slot = np.zeros(len(score), np.int64)
        binary.add_predictions(self._head, self._cells, FINE, slot, binary.prepare(score, predicted))
        scored = (score >= 0.0) & (score <= 1.0)
        bins = np.minimum((score[scored] * FINE.score_bins).astype(np.int64), FINE.score_bins - 1)
        np.add.at(self._predicted, (predicted[scored], bins), 1)
        known = actual != UNKNOWN
        if known.any():
            prepared = binary.prepare(score[known], predicted[known], actual[known])
            binary.add_outcomes(self._head, self._cells, FINE, slot[known], prepared)

    def scores(self) -> Scores | None:
        """The histograms; None if no row has a score."""
        if not self._predicted.any():
            return None
        of_actual = FINE.negatives(self._cells[0]), FINE.positives(self._cells[0])
        labelled = bool(of_actual[0].any() or of_actual[1].any())
        return Scores(
            predicted_negatives=self._predicted[0].tolist(),
            predicted_positives=self._predicted[1].tolist(),
            negatives=of_actual[0].tolist() if labelled else None,
            positives=of_actual[1].tolist() if labelled else None,
        )

    def performance(self) -> dict[str, float]:
        """The metrics of the whole file that can be known."""
        metrics = summarise(self._head[0], self._cells[0], FINE, seconds=0)["metrics"]
        records = int(self._head[0][Column.TOTAL])
        return _known({name: metrics[name] for name in PERFORMANCE} | label_free(self._predicted.sum(axis=0), records))


class ClassOutcomes:
    """Performance of a classifier of several classes."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._scores = np.zeros(FINE.score_bins, np.int64)
        self._records = 0

    def add_scores(self, score: NDArray[np.float64]) -> None:
        """Count the scores of a chunk's predicted classes, f8[n]; NaN: the row has none."""
        bins = bin_of(score[~np.isnan(score)], FINE.score_bins, FINE.score_bins)
        self._scores += np.bincount(bins, minlength=FINE.score_bins)
        self._records += len(score)

    def add(self, predicted: Sequence[str | None], actual: Sequence[str | None]) -> None:
        """Count a chunk of n rows; None: the row has none."""
        self._pairs.update((p, a) for p, a in zip(predicted, actual, strict=True) if p is not None and a is not None)

    def performance(self) -> dict[str, float]:
        """Accuracy, and precision, recall and F1 averaged over all classes that occur, plainly and by support.

        As scikit-learn's ``precision_recall_fscore_support`` with ``zero_division=0``. With scores also what is usual
        of them.
        """
        labelled, sure = self._pairs.total(), _known(confidence(self._scores, self._records))
        if not labelled:
            return sure
        hits, called, support = Counter[str](), Counter[str](), Counter[str]()
        for (predicted, actual), count in self._pairs.items():
            called[predicted] += count
            support[actual] += count
            hits[actual] += count if predicted == actual else 0
        each = {
            name: (
                hits[name] / max(called[name], 1),
                hits[name] / max(support[name], 1),
                2 * hits[name] / (called[name] + support[name]),
            )
            for name in called | support
        }
        found = {"accuracy": hits.total() / labelled}
        for i, name in enumerate(("precision", "recall", "f1")):
            found[f"{name}_macro"] = sum(values[i] for values in each.values()) / len(each)
            found[f"{name}_weighted"] = sum(values[i] * support[of] for of, values in each.items()) / labelled
        return found | sure


class NumberOutcomes:
    """Performance of a regression, and its losses in each bin of its predictions."""

    def __init__(self, edges: Sequence[float] = ()) -> None:
        """edges: of the bins of predictions."""
        self._edges = np.array(edges, np.float64)
        self._losses = np.zeros((4, len(edges) + 1))
        self._buckets = np.zeros(BUCKETS, np.int64)
        self._head = np.zeros((1, regression.FINE.head_columns), np.int64)
        self._cells = np.zeros((1, regression.FINE.cells), np.int32)

    def add(self, predicted: NDArray[np.float64], actual: NDArray[np.float64]) -> None:
        """Count a chunk, f8[n] each; rows where one of them is not finite have no loss.

        Raises ValueError for a number beyond `regression.VALUE_MAX`.
        """
        self._buckets += np.bincount(bucket_of(predicted[np.isfinite(predicted)]), minlength=BUCKETS)
        known = np.isfinite(predicted) & np.isfinite(actual)
        value, truth = predicted[known], actual[known]
        prepared = regression.FINE.prepare(value, truth)
        regression.FINE.add_outcomes(self._head, self._cells, np.zeros(len(value), np.int64), prepared)
        bins = np.searchsorted(self._edges, value, side="left")
        self._losses += loss_sums(bins, value - truth, len(self._edges) + 1)

    def losses(self) -> Losses | None:
        """As the baseline keeps them; None if no row has a label."""
        counts, absolute, squared, fourth = self._losses
        if not counts.any():
            return None
        sums = {"absolute": absolute.tolist(), "squared": squared.tolist(), "fourth": fourth.tolist()}
        return Losses(counts=counts.astype(np.int64).tolist(), **sums)

    def performance(self) -> dict[str, float]:
        """MSE, RMSE, MAE, R², MAPE, bias and the share of the commonest prediction, as far as they can be known."""
        metrics = cast(
            "dict[str, float | None]",
            regression.FINE.summarise(self._head[0], self._cells[0], seconds=0)["metrics"],
        )
        share = {"top_value_share": ratio(int(self._buckets.max()), int(self._buckets.sum()))}
        return _known({name: metrics[name] for name in ERRORS} | share)


def class_counts(counts: Counter[str]) -> dict[str, int]:
    """Class -> count, the most frequent first; beyond `CLASSES_MAX` the rest is ``__other__``."""
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    found = dict(by_count[:CLASSES_MAX])
    rest = sum(count for _, count in by_count[CLASSES_MAX:])
    return found | {OTHER: found.get(OTHER, 0) + rest} if rest else found


def _known(metrics: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None and np.isfinite(value)}
