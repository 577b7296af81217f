"""What the predictions and labels of a file say: scores, classes, performance; by task, a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from metrics import binary, regression
from metrics.coding import OTHER
from metrics.layout import FINE, Column
from metrics.reference import Scores
from metrics.result import summarise
from metrics.scores import label_free

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

    def add(self, predicted: Sequence[str | None], actual: Sequence[str | None]) -> None:
        """Count a chunk of n rows; None: the row has none."""
        self._pairs.update((p, a) for p, a in zip(predicted, actual, strict=True) if p is not None and a is not None)

    def performance(self) -> dict[str, float]:
        """Accuracy, and precision, recall and F1 averaged over all classes that occur, plainly and by support.

        As scikit-learn's ``precision_recall_fscore_support`` with ``zero_division=0``.
        """
        labelled = self._pairs.total()
        if not labelled:
            return {}
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
        return found


class NumberOutcomes:
    """Performance of a regression."""

    def __init__(self) -> None:
        self._head = np.zeros((1, regression.FINE.head_columns), np.int64)
        self._cells = np.zeros((1, regression.FINE.cells), np.int32)

    def add(self, predicted: NDArray[np.float64], actual: NDArray[np.float64]) -> None:
        """Count a chunk, f8[n] each; rows where one of them is not finite are left out.

        Raises ValueError for a number beyond `regression.VALUE_MAX`.
        """
        known = np.isfinite(predicted) & np.isfinite(actual)
        slot = np.zeros(int(known.sum()), np.int64)
        prepared = regression.FINE.prepare(predicted[known], actual[known])
        regression.FINE.add_outcomes(self._head, self._cells, slot, prepared)

    def performance(self) -> dict[str, float]:
        """MSE, RMSE, MAE, R², MAPE and bias, as far as they can be known."""
        metrics = cast(
            "dict[str, float | None]",
            regression.FINE.summarise(self._head[0], self._cells[0], seconds=0)["metrics"],
        )
        return _known({name: metrics[name] for name in ERRORS})


def class_counts(counts: Counter[str]) -> dict[str, int]:
    """Class -> count, the most frequent first; beyond `CLASSES_MAX` the rest is ``__other__``."""
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    found = dict(by_count[:CLASSES_MAX])
    rest = sum(count for _, count in by_count[CLASSES_MAX:])
    return found | {OTHER: found.get(OTHER, 0) + rest} if rest else found


def _known(metrics: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None and np.isfinite(value)}
