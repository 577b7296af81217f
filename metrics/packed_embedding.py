"""Embeddings as they arrive, turned into what travels and is summed: vectors of length 1, two bytes a number."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import msgspec
import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from models.observed import Value

Floats = NDArray[np.float64]

SCALE: Final = 32_767
_read_numbers = msgspec.json.Decoder(list[float] | None).decode


class State(IntEnum):
    """What stood in a record."""

    MISSING, VECTOR, MISMATCH = range(3)


def packed_type(dimension: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """What a record's embedding is packed into: its `State` u1, and the vector of length `SCALE`, i2[dimension]."""
    return [("embedding_state", "u1", ()), ("embedding", "<i2", (dimension,))]


def pack(values: Sequence[Value | Raw], dimension: int) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """States u1[n] and vectors i2[n, dimension] of arrays in JSON, unread; zeros where there is none.

    What is no array of so many finite numbers, or has no direction, is a mismatch.

    >>> states, vectors = pack([Raw(b"[3, -4.0]"), Raw(b"null"), Raw(b"[1]"), Raw(b"[0, 0]"), msgspec.UNSET], 2)
    >>> states.tolist(), vectors[0].tolist()
    ([1, 0, 2, 2, 0], [19660, -26214])
    """
    states = np.zeros(len(values), np.uint8)
    vectors = np.zeros((len(values), dimension), np.int16)
    for at, value in enumerate(values):
        if isinstance(value, Raw):
            states[at], unit = _unit(value, dimension)
            if unit is not None:
                vectors[at] = np.rint(unit * SCALE)
    return states, vectors


def _unit(raw: Raw, dimension: int) -> tuple[State, Floats | None]:
    try:
        numbers = _read_numbers(raw)
    except (msgspec.MsgspecError, RecursionError):
        return State.MISMATCH, None
    if numbers is None:
        return State.MISSING, None
    unit = scaled(np.array(numbers, np.float64)) if len(numbers) == dimension else None
    return (State.MISMATCH if unit is None else State.VECTOR), unit


def scaled(vector: Floats) -> Floats | None:
    """The vector scaled to length 1; None if it has no direction."""
    largest = float(np.abs(vector).max(initial=0.0))
    if not 0 < largest < np.inf:
        return None
    vector = vector / largest  # so that no square is beyond what a float holds
    return vector / np.sqrt(vector @ vector)
