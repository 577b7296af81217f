"""One id's row: its predictions and its labels.

Nearly every id has one prediction and one label that counts for it: such a *simple* row is a few
fixed bytes, of the form that its task has (`tables.row_forms`), so that thousands are decided at
once with numpy. Every other row (shadow versions, corrections, labels that count for nothing) is a
*full* row: a marker byte and msgpack, alike for all tasks.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from models.outcome import WITHDRAWN, WITHDRAWN_VALUE

FULL = 0x80
"""The marker of a full row; no simple row begins with a byte that has this bit."""
LABELS_MAX = 16


class Prediction(NamedTuple):
    """A prediction as the join keeps it; ``combo`` codes model, version and segment values.

    predicted: 0 or 1 (binary), the code of a class (multiclass) or the value itself (regression). carried: see
    `models.carried`.
    """

    combo: int
    event_ms: int
    score: float
    predicted: int | float
    carried: bytes = b""


class Label(NamedTuple):
    """A label; ``pending`` until the first prediction has settled its fate. actual: as ``predicted``, or withdrawn."""

    label_ms: int
    actual: int | float
    pending: bool

    @property
    def withdrawn(self) -> bool:
        """Whether the label takes back what earlier ones said."""
        return self.actual == (WITHDRAWN if isinstance(self.actual, int) else WITHDRAWN_VALUE)


class Row(NamedTuple):
    """Everything known of one id."""

    labels: tuple[Label, ...] = ()
    predictions: tuple[Prediction, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Row).decode


def encode_full(row: Row) -> bytes:
    """Bytes of any row."""
    return bytes((FULL,)) + _encode(row)


def decode_full(value: bytes) -> Row:
    """The inverse of `encode_full`."""
    return _decode(memoryview(value)[1:])


def is_full(value: bytes) -> bool:
    """Whether these are the bytes of a full row."""
    return value[0] & FULL != 0
