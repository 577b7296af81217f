"""A batch as bytes, as it travels through the by-id topic: one msgpack array that starts with its format version.

Format 2 had nothing carried, and is still read.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.batch import Batch, Kind, Source, carried_bytes
from models.combo import Combo
from models.errors import DecodeError
from models.observed import Observed
from models.outcome import DTYPES, TASKS

FORMAT: Final = 3
_READABLE: Final = (2, 3)
_KINDS: Final[tuple[Kind, ...]] = ("predictions", "labels", "heartbeats")


class _Wire(msgspec.Struct, array_like=True, gc=False):
    """The packed form; columns are little-endian bytes."""

    format: int
    kind: int
    topic: str
    partition: int
    base: int
    last: int
    watermark_ms: int
    idle: bool
    combos: list[Combo]
    ids: list[bytes]
    offsets: bytes
    time_ms: bytes
    score: bytes
    outcome: bytes
    combo_index: bytes
    bad: bytes
    packed: list[tuple[str, int, bytes]]
    errors: dict[int, str]
    task: int
    extras: dict[int, list[str]] = {}
    carried: tuple[int, bytes] = (0, b"")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Wire).decode


def pack(batch: Batch) -> bytes:
    """The wire form: one msgpack array, the format version first."""
    return _encode(
        _Wire(
            FORMAT, _KINDS.index(batch.kind), batch.source.topic, batch.source.partition,
            batch.base, batch.last, batch.watermark_ms, batch.idle, batch.combos,
            batch.ids, _bytes(batch.offsets, "<i8"), _bytes(batch.time_ms, "<i8"),
            _bytes(batch.score, "<f8"), _bytes(batch.outcome, DTYPES[batch.task]),
            _bytes(batch.combo_index, "<i4"), _bytes(batch.bad, "<i8"),
            [(name, v.itemsize, v.tobytes()) for name, v in batch.observed.packed.items()] if batch.observed else [],
            batch.observed.errors if batch.observed else {},
            TASKS.index(batch.task),
            batch.observed.extras if batch.observed else {},
            carried_bytes(batch),
        )
    )  # fmt: skip


def unpack(packed: bytes | memoryview) -> Batch:
    """The batch that was packed. Raises DecodeError for any other bytes or format version."""
    try:
        wire = _decode(packed)
        if wire.format in _READABLE:
            return _from_wire(wire)
    except (msgspec.MsgspecError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise DecodeError("batch", "not a packed batch of a known format") from error
    raise DecodeError("batch", f"format {wire.format}, this version reads {FORMAT}")


def _bytes(column: NDArray[np.generic], wire_type: str | np.dtype[Any]) -> bytes:
    """The column as little-endian bytes, whatever the machine."""
    return column.astype(wire_type, copy=False).tobytes()


def _from_wire(wire: _Wire) -> Batch:
    batch = Batch(
        _KINDS[wire.kind], Source(wire.topic, wire.partition),
        wire.base, wire.last, wire.watermark_ms, wire.idle,
        wire.ids,
        np.frombuffer(wire.offsets, "<i8").astype(np.int64, copy=False),
        np.frombuffer(wire.time_ms, "<i8").astype(np.int64, copy=False),
        np.frombuffer(wire.score, "<f8").astype(np.float64, copy=False),
        np.frombuffer(wire.outcome, DTYPES[TASKS[wire.task]]),
        wire.combos,
        np.frombuffer(wire.combo_index, "<i4").astype(np.int32, copy=False),
        np.frombuffer(wire.bad, "<i8").astype(np.int64, copy=False),
        _unpacked(wire),
        np.frombuffer(wire.carried[1], f"V{wire.carried[0]}") if wire.carried[0] else None,
    )  # fmt: skip
    _check_lengths(batch)
    return batch


def _unpacked(wire: _Wire) -> Observed | None:
    if not (wire.packed or wire.errors or wire.extras):
        return None
    size = len(wire.ids)
    packed = {name: np.frombuffer(values, f"V{itemsize}", size) for name, itemsize, values in wire.packed}
    return Observed(size, packed, wire.errors, wire.extras)


def _check_lengths(batch: Batch) -> None:
    rows = len(batch)
    scored = rows if batch.kind == "predictions" else 0
    placed = 0 if batch.kind == "labels" else rows
    expected = (rows, rows, scored, rows, placed)
    carries = batch.carried is None or len(batch.carried) == rows
    if tuple(map(len, batch.columns())) != expected or not carries:
        raise ValueError("columns of different lengths")
    index, combos = batch.combo_index, len(batch.combos)
    if placed and not (index.min() >= 0 and index.max() < combos):
        raise ValueError("a combo index out of range")
