"""Whether the producers of a topic that is said to be keyed by id send each id to its own partition.

One producer with another partitioner is enough, and its predictions never meet their labels. A
sample of every chunk is held against Kafka's default partitioner.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from agents.context import Context
from models.partitioner import partitions_of
from transport.chunk import Chunk

log = logging.getLogger(__name__)

FIRST_RECORDS = 1_000
"""So many ids of a topic are looked at before the sample becomes thin."""
CHUNK_SAMPLE = 64
SHARE_MAX = 0.001


class Placement:
    """Counts ids on partitions that are not theirs; alarms once a topic, and stays not ready for it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sampled: dict[str, int] = {}
        self._recent: dict[str, tuple[int, int]] = {}

    def check(self, chunk: Chunk, ids: Sequence[bytes]) -> None:
        """Look at a sample of the chunk's ids."""
        sampled = self._sampled.get(chunk.topic, 0)
        wanted = max(FIRST_RECORDS - sampled, CHUNK_SAMPLE)
        sample = ids[:: max(len(ids) // wanted, 1)][:wanted]
        if not sample:
            return
        self._sampled[chunk.topic] = sampled + len(sample)
        placed = partitions_of(sample, self._context.plan.partitions[chunk.topic])
        misplaced = int(np.count_nonzero(placed != chunk.partition))
        if misplaced:
            self._context.telemetry.misplaced.add(chunk.topic, n=misplaced)
        self._judge(chunk.topic, len(sample), misplaced)

    def _judge(self, topic: str, sampled: int, misplaced: int) -> None:
        """Over stretches of a thousand, so that a producer that joins late is noticed as soon."""
        before, wrong_before = self._recent.get(topic, (0, 0))
        looked_at, wrong = before + sampled, wrong_before + misplaced
        self._recent[topic] = (looked_at, wrong) if looked_at < FIRST_RECORDS else (0, 0)
        alarms = self._context.progress.alarms
        if wrong > SHARE_MAX * max(looked_at, FIRST_RECORDS) and topic not in alarms:
            alarms[topic] = (
                f"{topic} is not partitioned by id: {wrong} of {looked_at} ids stand on other partitions than Kafka's "
                "default partitioner (murmur2 of the id) gives them, so predictions and labels do not meet; set "
                "partitioned_by_id: false, or correct the producer"
            )
            log.error(alarms[topic])
