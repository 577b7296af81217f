"""From a chunk of a source topic to a batch: decoding, watermarks, dead letters.

Watermarks are taken here, at the source: re-keying interleaves partitions that are read
unevenly, and what is behind in one of them must not look late.

Where ids are personal data, they are hashed here: nothing behind a batch ever sees one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from faust.types import TP

from agents.context import Context
from agents.placement import Placement
from agents.schemas import Schemas
from agents.sending import Sent, send_dead_letters
from models.batch import MIN_MS, Batch, Source, empty
from models.decoded import Decoded
from transport.chunk import Chunk

RATIO_RECORDS_MIN = 50_000
"""So many records are judged before a source is held for being mostly bad."""
HELD_SECONDS = 5.0
EPOCH_BITS = 48
"""Offsets below 2^48 (a million records a second for nine years), and 2^15 topics of one name after each other."""
POLLED_MS_MAX = 5_000
"""A partition whose end the broker has not told for so long may have records that nobody has heard of."""


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
        self._placement = Placement(context)
        self._schemas = Schemas(context)

    async def ready(self, chunk: Chunk) -> None:
        """Wait until the chunk can be decoded: to be done before it is taken, since it may take long."""
        await self._schemas.ready(chunk)

    async def batch(self, chunk: Chunk) -> tuple[Batch, list[Sent]]:
        """The chunk as a batch, and the dead letters that are on their way."""
        context = self.context
        decoder = context.decoders[chunk.topic]
        decoded = decoder.decode(chunk.records, context.now_ms())
        if decoded.classes:
            labels_topic = context.plan.fed_by(chunk.topic)[0].labels_topic
            codes = await context.dimensions.class_codes(labels_topic, decoded.classes)
            decoded = decoded.coded(codes, context.plan.classes_max(labels_topic))
        await self._hold_if_mostly_bad(chunk.topic, len(chunk), len(decoded.bad))
        letters = await send_dead_letters(context, chunk, decoded.bad) if decoded.bad else []
        context.telemetry.consumed.add(chunk.topic, n=len(chunk))
        if chunk.topic in context.plan.keyed_topics:
            self._placement.check(chunk, decoded.ids)
        batch = self._advance(chunk, decoded)
        if batch.combos:
            batch = batch.cap((await context.dimensions.cap(batch.combos)).__getitem__)
        return batch, letters

    def _advance(self, chunk: Chunk, decoded: Decoded) -> Batch:
        now_ms, hash_ids = self.context.now_ms(), self.context.hash_ids
        tp = TP(chunk.topic, chunk.partition)
        at = self.progress.setdefault(tp, SourceProgress())
        at.last, at.heard_ms, at.idle = chunk.last, now_ms, False
        shift = self._shift(chunk.topic)
        if len(decoded.ids):
            watermark_ms = min(decoded.greatest_ms, now_ms) - self.context.out_of_orderness_ms[chunk.topic]
            at.watermark_ms = max(at.watermark_ms, watermark_ms)
        return Batch(
            kind=self.context.decoders[chunk.topic].kind,
            source=Source(chunk.topic, chunk.partition),
            base=chunk.after + shift if chunk.after >= 0 else -1,
            last=chunk.last + shift,
            watermark_ms=at.watermark_ms,
            idle=False,
            ids=decoded.ids if hash_ids is None else hash_ids(decoded.ids),
            offsets=decoded.offsets + shift,
            time_ms=decoded.time_ms,
            score=decoded.score,
            outcome=decoded.outcome,
            combos=decoded.combos,
            combo_index=decoded.combo_index,
            bad=np.array([b.record.offset for b in decoded.bad], np.int64) + shift,
            observed=decoded.observed,
            carried=decoded.carried,
        )

    def _shift(self, topic: str) -> int:
        """What is added to offsets, so that those of a topic that was made anew follow those of the old one."""
        return self.context.epochs.get(topic, 0) << EPOCH_BITS

    def assigned(self, topics: set[str]) -> list[TP]:
        """The partitions of these topics that are this worker's; what it knew of others is forgotten."""
        assigned = [tp for tp in self.context.app.assignor.assigned_actives() if tp.topic in topics]
        for gone in self.progress.keys() - set(assigned):
            del self.progress[gone]
        return assigned

    def marker(self, tp: TP, told_ms: int = MIN_MS) -> Batch | None:
        """An empty batch that says that the partition has just become idle, None if that is no news.

        To be asked for at the moment of sending: a chunk that is taken meanwhile ends the silence.
        told_ms: how far other workers have come, for a topic that is keyed by id. There nobody else
        speaks for the state partition, perhaps nobody ever has: its windows end with those of its
        neighbours, and go on doing so.
        """
        at = self.progress.setdefault(tp, SourceProgress(heard_ms=self.context.now_ms()))
        watermark_ms = at.watermark_ms
        if tp.topic in self.context.plan.keyed_topics:
            neighbours = (p.watermark_ms for of, p in self.progress.items() if of.topic == tp.topic)
            watermark_ms = max(told_ms, *neighbours)
        if at.idle and watermark_ms <= at.watermark_ms:
            return None
        if not self._is_silent(tp, at) or not self.context.idle(tp, at.last):
            return None
        at.idle, at.watermark_ms = True, watermark_ms
        last = at.last + self._shift(tp.topic) if at.last >= 0 else -1
        return empty(
            self.context.decoders[tp.topic].kind,
            Source(tp.topic, tp.partition),
            base=last,
            last=last,
            watermark_ms=at.watermark_ms,
            idle=True,
        )

    def _is_silent(self, tp: TP, at: SourceProgress) -> bool:
        """Only silence that was listened to counts: not while the broker or this process was away."""
        now_ms = self.context.now_ms()
        polled_ms = self.context.consumer.polled_ms(tp)
        if polled_ms is None or now_ms - polled_ms > POLLED_MS_MAX:
            at.heard_ms = now_ms
        return now_ms - at.heard_ms >= self._idle_timeout_ms(tp.topic)

    def _idle_timeout_ms(self, topic: str) -> int:
        return min(model.idle_timeout_ms for model in self.context.plan.fed_by(topic))

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
