"""Kafka's default partitioner for many keys at once: murmur2, so that other clients agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SEED: Final = np.uint32(0x9747B28C)
_M: Final = np.uint32(0x5BD1E995)
_TO_POSITIVE: Final = np.uint32(0x7FFFFFFF)


def partitions_of(keys: Sequence[bytes], partitions: int) -> NDArray[np.int64]:
    """The partition of each key, `toPositive(murmur2(key)) % partitions`, shape [n]."""
    return ((murmur2(keys) & _TO_POSITIVE) % np.uint32(partitions)).astype(np.int64)


def murmur2(keys: Sequence[bytes]) -> NDArray[np.uint32]:
    """The 32-bit hash of each key as Kafka's Java client computes it, shape [n]."""
    hashes = np.empty(len(keys), dtype=np.uint32)
    lengths = np.fromiter(map(len, keys), dtype=np.int64, count=len(keys))
    for length in np.unique(lengths).tolist():
        at = np.flatnonzero(lengths == length)
        joined = b"".join([keys[i] for i in at.tolist()])
        hashes[at] = _murmur2_equal(np.frombuffer(joined, np.uint8).reshape(len(at), length))
    return hashes


def _murmur2_equal(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Hashes of keys of one length, rows [n, length]; arithmetic wraps at 32 bits as in Java."""
    count, length = rows.shape
    whole = length // 4
    words = np.ascontiguousarray(rows[:, : whole * 4]).view("<u4")
    hashes = np.full(count, _SEED ^ np.uint32(length), dtype=np.uint32)
    for column in range(whole):
        mixed = words[:, column] * _M
        mixed ^= mixed >> np.uint32(24)
        hashes *= _M
        hashes ^= mixed * _M
    if length % 4:
        for place in range(length % 4):
            hashes ^= rows[:, whole * 4 + place].astype(np.uint32) << np.uint32(8 * place)
        hashes *= _M
    hashes ^= hashes >> np.uint32(13)
    hashes *= _M
    return hashes ^ (hashes >> np.uint32(15))
