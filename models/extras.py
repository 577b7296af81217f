"""Features that a record has and its model's reference lacks: their names alone, of a sample of the records.

The fast decoders read known fields only, so that one of 64 records is opened once more. Which one follows from its
offset: whoever reads the partition again, in whatever chunks, finds the same.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from models.judge import locate
from models.observed import Observer

_BITS: Final = 6
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio in 64 bits (Knuth): multiples of it share no period with any producer's habits."""
EXTRAS_MAX: Final = 50
_NAME_CHARS_MAX: Final = 100

_read_object = msgspec.json.Decoder(dict[str, Raw]).decode


def sampled(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the records with these offsets, i8[n], are looked at: positions i8[m], about one of 64."""
    found: NDArray[np.int64] = np.flatnonzero(offsets.astype(np.uint64) * _SPREAD >> np.uint64(64 - _BITS) == 0)
    return found


def extra_names(value: bytes, observer: Observer) -> list[str]:
    """Names in the record's object of features that the observer does not know, in order, `EXTRAS_MAX` at most.

    value: a good record, an object. Nothing where it has no such object.
    """
    _, raw = locate(_read_object(value), observer.containers)
    if raw is None or not bytes(raw).lstrip().startswith(b"{"):
        return []
    return sorted({name[:_NAME_CHARS_MAX] for name in _read_object(raw)} - observer.known)[:EXTRAS_MAX]
