"""From a chunk of a source topic to a batch: decoding, watermarks, dead letters.

Watermarks are taken here, at the source: re-keying interleaves partitions that are read
unevenly, and what is behind in one of them must not look late.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from faust.types import TP

from agents.context import Context
from agents.sending import Sent, send_dead_letters
from models.batch import MIN_MS, Batch, Source, empty
from models.codec import Decoded
from transport.chunk import Chunk

RATIO_RECORDS_MIN = 50_000
"""So many records are judged before a source is held for being mostly bad."""
HELD_SECONDS = 5.0


@dataclass(slots=True)
class SourceProgress:
    """How far one source partition has been read by this worker since it was assigned."""

    last: int = -1
    watermark_ms: int = MIN_MS
    idle: bool = False
    heard_ms: int = 0


@dataclass(slots=True)
class _Quality:
    records: int = 0
    bad: int = 0


class Sources:
    """All source partitions that one agent of this worker reads."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.progress: dict[TP, SourceProgress] = {}
        self._quality: dict[str, _Quality] = {}

    async def batch(self, chunk: Chunk) -> tuple[Batch, list[Sent]]:
        """The chunk as a batch, and the dead letters that are on their way."""
        context = self.context
        decoder = context.decoders[chunk.topic]
        decoded = decoder.decode(chunk.records, context.now_ms())
        await self._hold_if_mostly_bad(chunk.topic, len(chunk), len(decoded.bad))
        letters = await send_dead_letters(context, chunk, decoded.bad) if decoded.bad else []
        context.telemetry.consumed.add(chunk.topic, n=len(chunk))
        batch = self._advance(chunk, decoded)
        if batch.combos:
            batch = batch.cap((await context.dimensions.cap(batch.combos)).__getitem__)
        return batch, letters

    def _advance(self, chunk: Chunk, decoded: Decoded) -> Batch:
        now_ms = self.context.now_ms()
        tp = TP(chunk.topic, chunk.partition)
        at = self.progress.setdefault(tp, SourceProgress())
        base, at.last, at.heard_ms, at.idle = at.last, chunk.last, now_ms, False
        if len(decoded.ids):
            watermark_ms = min(decoded.greatest_ms, now_ms) - self.context.out_of_orderness_ms[chunk.topic]
            at.watermark_ms = max(at.watermark_ms, watermark_ms)
        return Batch(
            kind=self.context.decoders[chunk.topic].kind,
            source=Source(chunk.topic, chunk.partition),
            base=base,
            last=chunk.last,
            watermark_ms=at.watermark_ms,
            idle=False,
            ids=decoded.ids,
            offsets=decoded.offsets,
            time_ms=decoded.time_ms,
            score=decoded.score,
            outcome=decoded.outcome,
            combos=decoded.combos,
            combo_index=decoded.combo_index,
            bad=np.array([b.record.offset for b in decoded.bad], np.int64),
        )

    def markers(self, topics: set[str]) -> list[Batch]:
        """One empty batch for each assigned partition that has just become idle."""
        now_ms = self.context.now_ms()
        found = []
        assigned = [tp for tp in self.context.app.assignor.assigned_actives() if tp.topic in topics]
        for gone in self.progress.keys() - set(assigned):
            del self.progress[gone]
        for tp in assigned:
            at = self.progress.setdefault(tp, SourceProgress(heard_ms=now_ms))
            silent = now_ms - at.heard_ms >= self._idle_timeout_ms(tp.topic)
            if at.idle or not silent or not self.context.idle(tp):
                continue
            at.idle = True
            found.append(self._marker(tp, at))
        return found

    def _marker(self, tp: TP, at: SourceProgress) -> Batch:
        return empty(
            self.context.decoders[tp.topic].kind,
            Source(tp.topic, tp.partition),
            base=at.last,
            last=at.last,
            watermark_ms=at.watermark_ms,
            idle=True,
        )

    def _idle_timeout_ms(self, topic: str) -> int:
        return min(
            m.idle_timeout_ms
            for m in self.context.plan.models.values()
            if topic in (m.predictions_topic, m.labels_topic)
        )

    def forget(self) -> None:
        """After a rebalance: what was in flight comes again, from the last commit."""
        self.progress.clear()

    async def _hold_if_mostly_bad(self, topic: str, records: int, bad: int) -> None:
        """A bad deployment must pause its topic, not drain it into the dead letters."""
        quality = self._quality.setdefault(topic, _Quality())
        quality.records += records
        quality.bad += bad
        if quality.records < RATIO_RECORDS_MIN:
            return
        ratio = quality.bad / quality.records
        quality.records, quality.bad = 0, 0
        while ratio > self.context.dead_letter_ratio_max:
            self.context.progress.paused[topic] = (
                f"{ratio:.0%} of the last records of {topic} were bad (limits.dead_letter_ratio_max "
                f"{self.context.dead_letter_ratio_max:.0%}): held until the worker is restarted"
            )
            await asyncio.sleep(HELD_SECONDS)
