"""Chunks of a partition are taken one after the other, none left out.

Around a rebalance Faust empties its queues and an agent may pass a chunk over. What comes behind
such a gap must not be taken either: its offsets would vouch for records that never arrived. After
the rebalance all of it comes again, from the last commit. A gap at any other time would never be
filled, so it ends the process: the next one reads from the last commit.
"""

from __future__ import annotations

import logging

from faust.types import TP

from agents.context import AppContext
from transport.chunk import Chunk

log = logging.getLogger(__name__)


class InOrder:
    """Up to where each partition was taken without a gap."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._taken: dict[TP, int] = {}

    def follows(self, chunk: Chunk) -> bool:
        """Whether the chunk continues what was taken, or is the first since its partition was sought."""
        taken = self._taken.get(TP(chunk.topic, chunk.partition))
        if 0 <= chunk.first <= chunk.after:
            self._context.fatal(
                f"{chunk.topic}-{chunk.partition}: offset {chunk.first} came again after {chunk.after}: "
                "the topic was deleted and made anew, or has lost its end"
            )
        follows = chunk.after < 0 or taken == chunk.after
        if not follows and not self._context.app.rebalancing:
            self._context.fatal(f"{chunk.topic}-{chunk.partition}: taken up to {taken}, then came {chunk.first}")
        return follows

    def taken(self, chunk: Chunk) -> None:
        """The chunk is being taken; the next one may follow."""
        self._taken[TP(chunk.topic, chunk.partition)] = chunk.last
        if chunk.lost:
            self._context.telemetry.lost.add(chunk.topic, str(chunk.partition), n=chunk.lost)
            log.error(
                "%s-%d: %d records were deleted by retention before they were read; it goes on at offset %d",
                chunk.topic,
                chunk.partition,
                chunk.lost,
                chunk.first,
            )
