"""One id's row: its predictions and its labels, small where it is simple.

Nearly every id has one prediction and one label that counts for it: such a *simple* row is 29
fixed bytes, so that thousands are decided at once with numpy. Every other row (shadow versions,
corrections, labels that count for nothing) is a *full* row: a marker byte and msgpack.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

WITHDRAWN = -1
HAS_PREDICTION, PREDICTED, HAS_LABEL, ACTUAL, FULL = 1, 2, 4, 8, 0x80
LABELS_MAX = 16

SIMPLE = np.dtype([("flags", "u1"), ("combo", "<u4"), ("event_ms", "<i8"), ("label_ms", "<i8"), ("score", "<f8")])
SIMPLE_BYTES = SIMPLE.itemsize
EMPTY = bytes(SIMPLE_BYTES)


class Prediction(NamedTuple):
    """A prediction as the join keeps it; ``combo`` codes model, version and segment values."""

    combo: int
    event_ms: int
    score: float
    predicted: int


class Label(NamedTuple):
    """A label; ``pending`` until the first prediction has settled its fate."""

    label_ms: int
    actual: int
    pending: bool

    @property
    def rank(self) -> tuple[int, int]:
        """Which label counts: the latest; at the same time a withdrawal, else the greater class."""
        return (self.label_ms, 1 << 30 if self.actual == WITHDRAWN else self.actual)


class Row(NamedTuple):
    """Everything known of one id."""

    labels: tuple[Label, ...] = ()
    predictions: tuple[Prediction, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Row).decode


def _simple(row: Row) -> bytes | None:
    if len(row.labels) > 1 or len(row.predictions) > 1:
        return None
    label = row.labels[0] if row.labels else None
    flags, combo, event_ms, label_ms, score = 0, 0, 0, 0, 0.0
    if row.predictions:
        combo, event_ms, score, predicted = row.predictions[0]
        flags = HAS_PREDICTION | (PREDICTED if predicted else 0)
    if label is not None:
        label_ms = label.label_ms
        flags |= HAS_LABEL | (ACTUAL if label.actual else 0)
    return np.array((flags, combo, event_ms, label_ms, score), SIMPLE).tobytes()


def encode_row(row: Row, *, joined: bool) -> bytes:
    """Bytes of a row; simple where it can be.

    ``joined`` says that the one label counts for the one prediction: only then may a row with
    both be simple, because the fast path takes it for an outcome.
    """
    withdrawn = any(label.actual == WITHDRAWN for label in row.labels)
    both = bool(row.labels and row.predictions)
    if not withdrawn and (joined or not both):
        simple = _simple(row)
        if simple is not None:
            return simple
    return bytes((FULL,)) + _encode(row)


def decode_row(value: bytes | None) -> Row:
    """The row of its bytes; an empty one for ``None``."""
    if value is None:
        return Row()
    if value[0] & FULL:
        return _decode(memoryview(value)[1:])
    flags, combo, event_ms, label_ms, score = np.frombuffer(value, SIMPLE)[0].item()
    predictions: tuple[Prediction, ...] = ()
    labels: tuple[Label, ...] = ()
    if flags & HAS_PREDICTION:
        predictions = (Prediction(combo, event_ms, score, int(bool(flags & PREDICTED))),)
    if flags & HAS_LABEL:
        labels = (Label(label_ms, int(bool(flags & ACTUAL)), not predictions),)
    return Row(labels, predictions)


def stack(values: list[bytes | None]) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """Rows as one ``SIMPLE[n]`` array, and which of them are full (zeros in the array)."""
    if values.count(None) == len(values):
        return np.zeros(len(values), SIMPLE), np.zeros(len(values), np.bool_)
    fixed = [EMPTY if value is None else value for value in values]
    if set(map(len, fixed)) == {SIMPLE_BYTES}:
        rows = np.frombuffer(b"".join(fixed), SIMPLE)
        if not (rows["flags"] & FULL).any():
            return rows, np.zeros(len(rows), np.bool_)
    full = np.array([(value[0] & FULL) != 0 for value in fixed], np.bool_)
    for i in np.flatnonzero(full).tolist():
        fixed[i] = EMPTY
    return np.frombuffer(b"".join(fixed), SIMPLE), full
