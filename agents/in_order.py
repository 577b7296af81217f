"""Chunks of a partition are taken one after the other, none left out.

Around a rebalance Faust empties its queues and an agent may pass a chunk over. What comes behind
such a gap must not be taken either: its offsets would vouch for records that never arrived. After
the rebalance all of it comes again, from the last commit.
"""

from __future__ import annotations

from faust.types import TP

from transport.chunk import Chunk


class InOrder:
    """Up to where each partition was taken without a gap."""

    def __init__(self) -> None:
        self._taken: dict[TP, int] = {}

    def follows(self, chunk: Chunk) -> bool:
        """Whether the chunk continues what was taken, or is the first since its partition was sought."""
        return chunk.after < 0 or self._taken.get(TP(chunk.topic, chunk.partition)) == chunk.after

    def taken(self, chunk: Chunk) -> None:
        """The chunk is being taken; the next one may follow."""
        self._taken[TP(chunk.topic, chunk.partition)] = chunk.last
