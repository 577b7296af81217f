"""The fixed bytes of a simple row: what all tasks have in common (see `tables.row_forms`).

A form says how a prediction and an outcome stand in a numpy row, for one row and for thousands, and
what an effect (see `tables.join`) looks like as an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.carried import WIDTHS, fitted
from models.errors import WorldError
from models.outcome import Outcomes, Task
from tables.found_rows import FoundRows
from tables.rows import FULL, Label, Prediction, Row, decode_full, encode_full, is_full

Rows = NDArray[np.void]
Mask = NDArray[np.bool_]
Fields = list[tuple[str, str]]

HAS_PREDICTION, PREDICTED, HAS_LABEL, ACTUAL = 1, 2, 4, 8
"""Bits of ``flags``; the second and the fourth are the classes of a binary row."""

_COMMON: Final[Fields] = [
    ("flags", "u1"), ("combo", "<u4"), ("event_ms", "<i8"), ("label_ms", "<i8"), ("score", "<f8"),
]  # fmt: skip
_NO_PREDICTION: Final = Prediction(0, 0, 0.0, 0)
_NO_LABEL: Final = Label(0, 0, pending=False)


class RowForm:
    """How rows of one task are laid out. Arrays of rows are ``dtype[n]``, of effects ``effect[n]``.

    What a prediction carries stands last, and a row of another configuration, which has more or less of it, is read on.
    """

    def __init__(self, task: Task, carried_bytes: int, predicted: str, actual: str, extra: Fields, packed: str) -> None:
        """predicted, actual: types of these columns of an effect; extra: fields of a row beside the common ones;
        packed: the row's format as `struct` writes it, which is faster for one of them.
        """
        self.task: Task = task
        self.carried_bytes = carried_bytes
        carried = ("carried", f"V{carried_bytes}")
        self.dtype = np.dtype([*_COMMON, *extra, carried])
        plain_bytes = self.dtype.itemsize - carried_bytes
        self._lengths = {plain_bytes + width for width in WIDTHS[task]}
        self._one = Struct(f"{packed}{carried_bytes}s")
        assert self._one.size == self.dtype.itemsize
        self.effect = np.dtype(
            [
                ("sign", "i1"),
                ("outcome", "u1"),
                ("combo", "<u4"),
                ("event_ms", "<i8"),
                ("score", "<f8"),
                ("predicted", predicted),
                ("actual", actual),
                ("latency_ms", "<i8"),
                carried,
            ]
        )

    # -- arrays

    def predicted(self, rows: Rows) -> NDArray[Any]:
        """What each row's prediction says, as in the task's column of outcomes."""
        raise NotImplementedError

    def actual(self, rows: Rows) -> NDArray[Any]:
        """What each row's label says."""
        raise NotImplementedError

    def confidence(self, rows: Rows) -> NDArray[np.float64]:
        """The score of the class that was predicted; NaN where there is none."""
        found: NDArray[np.float64] = rows["score"]
        return found

    def put_predictions(self, rows: Rows, score: NDArray[np.float64], outcome: Outcomes) -> None:
        """Give every row a prediction's score and outcome, in place."""
        raise NotImplementedError

    def put_carried(self, rows: Rows, carried: NDArray[np.void] | None) -> None:
        """Give every row what its prediction carries, in place; zeros where that is nothing."""
        if self.carried_bytes:
            rows["carried"] = fitted(carried, len(rows), self.carried_bytes)

    def put_labels(self, rows: Rows, outcome: Outcomes) -> None:
        """Give every row a label's outcome, in place; a withdrawn one leaves nonsense (such rows are full)."""
        raise NotImplementedError

    def stack(self, found: FoundRows) -> tuple[Rows, Mask]:
        """Rows as one array, and which of them are full (zeros in the array). ``found`` is of this form's width.

        Raises WorldError for rows of another task: the model's was changed, and its state kept.
        """
        rows = found.rows.view(self.dtype).reshape(-1)
        full = (rows["flags"] & FULL) != 0
        if full.any():
            rows = np.where(full, np.zeros(1, self.dtype), rows)
        elif found.others:
            rows = rows.copy()
        for at, value in found.others.items():
            full[at] = is_full(value)
            if not full[at]:
                rows[at] = np.frombuffer(self._resized(value), self.dtype)[0]
        return rows, full

    def _resized(self, value: bytes) -> bytes:
        """The bytes of a simple row, carrying as much as rows do now. Raises WorldError for one of another task."""
        if len(value) not in self._lengths:
            raise WorldError(f"the join's rows are not of the task {self.task}: it was changed, its state was kept")
        return value[: self.dtype.itemsize].ljust(self.dtype.itemsize, b"\0")

    # -- one row

    def encode(self, row: Row, *, joined: bool) -> bytes:
        """Bytes of a row; simple where it can be.

        ``joined`` says that the one label counts for the one prediction: only then may a row with
        both be simple, because the fast path takes it for an outcome.
        """
        several = len(row.labels) > 1 or len(row.predictions) > 1
        settled = joined or not (row.labels and row.predictions)
        if several or not settled or any(label.withdrawn for label in row.labels):
            return encode_full(row)
        prediction = row.predictions[0] if row.predictions else _NO_PREDICTION
        label = row.labels[0] if row.labels else _NO_LABEL
        flags = (HAS_PREDICTION if row.predictions else 0) | (HAS_LABEL if row.labels else 0)
        return self._one.pack(*self._fields(flags, prediction, label), prediction.carried)

    def _fields(self, flags: int, prediction: Prediction, label: Label) -> tuple[float, ...]:
        """The fields of one row, without what is carried."""
        raise NotImplementedError

    def _said(self, fields: Sequence[float]) -> tuple[float, float]:
        """(predicted, actual) of the fields of one row."""
        raise NotImplementedError

    def decode(self, value: bytes | None) -> Row:
        """The row of its bytes; an empty one for ``None``."""
        if value is None:
            return Row()
        if is_full(value):
            return self._carrying_alike(decode_full(value))
        fields = self._one.unpack(value if len(value) == self.dtype.itemsize else self._resized(value))
        flags, combo, event_ms, label_ms, score = fields[:5]
        predicted, actual = self._said(fields)
        predictions: tuple[Prediction, ...] = ()
        labels: tuple[Label, ...] = ()
        if flags & HAS_PREDICTION:
            predictions = (Prediction(combo, event_ms, score, predicted, fields[-1]),)
        if flags & HAS_LABEL:
            labels = (Label(label_ms, actual, not predictions),)
        return Row(labels, predictions)

    def _carrying_alike(self, row: Row) -> Row:
        size = self.carried_bytes
        if all(len(one.carried) == size for one in row.predictions):
            return row
        alike = [one._replace(carried=one.carried[:size].ljust(size, b"\0")) for one in row.predictions]
        return row._replace(predictions=tuple(alike))
