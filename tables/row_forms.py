"""The forms of simple rows, by the task of the models that share their labels topic, and by what predictions carry."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.outcome import Outcomes, Task
from tables.row_form import ACTUAL, HAS_LABEL, HAS_PREDICTION, PREDICTED, Mask, RowForm, Rows
from tables.rows import Label, Prediction


class _Binary(RowForm):
    """Both classes are bits of the flags. The score is the positive one's."""

    def confidence(self, rows: Rows) -> NDArray[np.float64]:
        return np.where(self.predicted(rows), rows["score"], 1 - rows["score"])

    def predicted(self, rows: Rows) -> NDArray[np.int8]:
        found: Mask = (rows["flags"] & PREDICTED) != 0
        return found.view(np.int8)

    def actual(self, rows: Rows) -> NDArray[np.int8]:
        found: Mask = (rows["flags"] & ACTUAL) != 0
        return found.view(np.int8)

    def put_predictions(self, rows: Rows, score: NDArray[np.float64], outcome: Outcomes) -> None:
        rows["score"] = score
        rows["flags"] |= HAS_PREDICTION | (outcome.astype(np.uint8) * PREDICTED)

    def put_labels(self, rows: Rows, outcome: Outcomes) -> None:
        rows["flags"] |= HAS_LABEL | ((outcome == 1) * np.uint8(ACTUAL))

    def _fields(self, flags: int, prediction: Prediction, label: Label) -> tuple[float, ...]:
        combo, event_ms, score, predicted, _ = prediction
        flags |= (PREDICTED if predicted else 0) | (ACTUAL if label.actual else 0)
        return flags, combo, event_ms, label.label_ms, score

    def _said(self, fields: Sequence[float]) -> tuple[float, float]:
        flags = int(fields[0])
        return int(flags & PREDICTED != 0), int(flags & ACTUAL != 0)


class _Regression(RowForm):
    """The score is the value that was predicted."""

    def confidence(self, rows: Rows) -> NDArray[np.float64]:
        return np.full(len(rows), np.nan)

    def predicted(self, rows: Rows) -> NDArray[np.float64]:
        found: NDArray[np.float64] = rows["score"]
        return found

    def actual(self, rows: Rows) -> NDArray[np.float64]:
        found: NDArray[np.float64] = rows["actual"]
        return found

    def put_predictions(self, rows: Rows, score: NDArray[np.float64], outcome: Outcomes) -> None:  # noqa: ARG002  # equal
        rows["score"] = outcome
        rows["flags"] |= HAS_PREDICTION

    def put_labels(self, rows: Rows, outcome: Outcomes) -> None:
        rows["actual"] = outcome
        rows["flags"] |= HAS_LABEL

    def _fields(self, flags: int, prediction: Prediction, label: Label) -> tuple[float, ...]:
        return flags, prediction.combo, prediction.event_ms, label.label_ms, prediction.predicted, label.actual

    def _said(self, fields: Sequence[float]) -> tuple[float, float]:
        return fields[4], fields[5]


class _Multiclass(RowForm):
    """Classes by the codes that all workers have for them (see `tables.dimensions`)."""

    def predicted(self, rows: Rows) -> NDArray[np.int32]:
        return rows["predicted"].astype(np.int32)

    def actual(self, rows: Rows) -> NDArray[np.int32]:
        return rows["actual"].astype(np.int32)

    def put_predictions(self, rows: Rows, score: NDArray[np.float64], outcome: Outcomes) -> None:
        rows["score"], rows["predicted"] = score, outcome
        rows["flags"] |= HAS_PREDICTION

    def put_labels(self, rows: Rows, outcome: Outcomes) -> None:
        rows["actual"] = outcome
        rows["flags"] |= HAS_LABEL

    def _fields(self, flags: int, prediction: Prediction, label: Label) -> tuple[float, ...]:
        combo, event_ms, score, predicted, _ = prediction
        return flags, combo, event_ms, label.label_ms, score, predicted, label.actual

    def _said(self, fields: Sequence[float]) -> tuple[float, float]:
        return fields[5], fields[6]


@cache
def form_of(task: Task, carried_bytes: int) -> RowForm:
    """The one form of a task's rows that carry so much."""
    if task == "binary":
        return _Binary(task, carried_bytes, "i1", "i1", [], "<BIqqd")
    if task == "regression":
        return _Regression(task, carried_bytes, "<f8", "<f8", [("actual", "<f8")], "<BIqqdd")
    return _Multiclass(task, carried_bytes, "<u2", "<u2", [("predicted", "<u2"), ("actual", "<u2")], "<BIqqdHH")


BINARY: Final = form_of("binary", 0)
