"""The state of one join partition: a fold of its blocks.

`decide` turns decoded batches into a block and changes nothing; `apply` folds a block in, live
and in replay alike; `cut` hands what has changed to the checkpoint.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.batch import Batch, Source
from models.outcome import DTYPES
from tables import fates as f
from tables.block import COUNTED, OUTCOME, JoinBlock, SourceMark, decode_block
from tables.checkpoint import Checkpoint, Cut
from tables.combos import Combos
from tables.decide import Decider
from tables.expiry import Holds, RowIndex
from tables.lifetimes import Lifetimes
from tables.plan import MIN_MS, Plan
from tables.row_cache import RowCache
from tables.row_form import RowForm
from tables.strings import Strings
from tables.tasks import prepare
from tables.watermark import Sources, SourceState
from tables.windows import Window, Windows, slot_key, slot_of, unlabelled

Ints = NDArray[np.int64]
_encode = msgspec.msgpack.Encoder().encode


class Memory(NamedTuple):
    """How much one state partition may keep in memory besides what is not yet stored.

    waiting_rows_max: rows that a replay may let wait before it writes a checkpoint.
    """

    recent_rows_max: int
    slots_bytes_max: int
    waiting_rows_max: int = 100_000


DEFAULT_MEMORY = Memory(recent_rows_max=100_000, slots_bytes_max=64 << 20)


class JoinState:
    """Rows, windows, watermarks and fates of one state partition."""

    def __init__(self, plan: Plan, partition: int, checkpoint: Checkpoint, memory: Memory = DEFAULT_MEMORY) -> None:
        self.plan = plan
        self.partition = partition
        self.checkpoint = checkpoint
        self.memory = memory
        self.combos = Combos(plan)
        self.rows = RowCache(checkpoint, plan.row_bytes(), memory.recent_rows_max, memory.waiting_rows_max)
        self.windows = Windows(checkpoint.slot, self.combos.owner, self.combos.layout)
        self.sources = Sources(plan, partition)
        self.fates = f.Fates()
        self.holds = Holds()
        self.index = RowIndex()
        self.lifetimes = Lifetimes(plan, self.combos, self.index)
        self.released: dict[str, int] = {}
        self._expired: dict[str, int] = {}
        self.gaps = 0
        self._dropped: list[int] = []
        meta = checkpoint.meta()
        if meta is not None:
            self._restore(msgspec.msgpack.decode(meta))

    # -- decide

    def decide(self, kind: str, batches: list[Batch]) -> JoinBlock | None:
        """What these batches of one kind change; None when they say nothing new."""
        return Decider(self).decide(kind, batches)

    # -- apply

    def apply(self, block: JoinBlock) -> None:
        """Fold one block in. Live and replay take the same way, so they agree."""
        for name in block.label_topics:
            self.combos.topic_code(name)
        self.combos.codes(block.combos)
        self._apply_rows(block)
        self.lifetimes.enter(block)
        self._apply_windows(block)
        if block.fates:
            self.fates.counts += f.Fates.of(block.fates).counts
        for topic, final_ms, records in block.holds:
            self.holds.add(topic, final_ms, records)
        for mark in block.sources:
            self.sources.advance(Source(mark.topic, mark.partition), mark.last, mark.watermark_ms, idle=mark.idle)
        self.expire()
        for model, end_ms in block.released:
            self._release(model, end_ms)

    def _apply_rows(self, block: JoinBlock) -> None:
        for stretch in block.stretches():
            if stretch.keys:
                self.rows.update(stretch.keys, Strings.alike(stretch.rows))
        if block.full_keys:
            self.rows.update(block.full_keys, Strings.of(block.full_rows))

    def _apply_windows(self, block: JoinBlock) -> None:
        for combo, start_ms, value in block.observed:
            self.windows.observe(slot_key(start_ms, self.combos.whole(combo)), value)
        for form, _, rows, ops, effects in block.stretches():
            counted, joined = rows[(ops & COUNTED) != 0], rows[(ops & OUTCOME) != 0]
            changes = effects["outcome"] != 0
            self._add(form, counted, effects[~changes], outcomes=False)
            self._add(form, joined, effects[changes], outcomes=True)

    def _add(self, form: RowForm, rows: NDArray[np.void], effects: NDArray[np.void], *, outcomes: bool) -> None:
        n = len(rows) + len(effects)
        if n == 0:
            return

        def both(name: str) -> NDArray[Any]:
            if not len(effects):
                return np.ascontiguousarray(rows[name])
            return np.concatenate((rows[name], effects[name]))

        predicted = np.concatenate((form.predicted(rows), effects["predicted"])).astype(DTYPES[form.task])
        score, event_ms, codes = both("score"), both("event_ms"), both("combo").astype(np.int64)
        signs = np.concatenate((np.ones(len(rows), np.int64), effects["sign"]))
        if outcomes:
            actual = np.concatenate((form.actual(rows), effects["actual"])).astype(DTYPES[form.task])
            latency = np.concatenate((rows["label_ms"] - rows["event_ms"], effects["latency_ms"]))
            prepared = prepare(form.task, score, predicted, both("carried"), actual, latency)
        else:
            prepared = prepare(form.task, score, predicted, both("carried"))
        window_ms = self.combos.columns[2][codes]
        start_ms = event_ms - event_ms % window_ms
        self.windows.add(self.combos.leaf_table(codes), start_ms, prepared, signs, outcomes=outcomes)

    # -- time

    def expire(self) -> None:
        """Move the fates of what can never be matched any more."""
        for name, frontier in self.sources.frontiers.items():
            end_ms = frontier - self.plan.models[name].hold_ms
            before = self._expired.get(name, MIN_MS)
            if end_ms <= before:
                continue
            self._expired[name] = end_ms
            for window in self._ended(name, before, end_ms):
                self._expire_window(window)
        for topic in range(len(self.combos.label_topics)):
            waited = self.holds.expire(topic, self.labels_frontier(topic))
            self.fates.move(f.LABELS, f.PENDING, f.EXPIRED, waited)

    def labels_frontier(self, topic: int) -> int:
        """The least watermark over the models that a labels topic (its code) can join."""
        models = self.plan.joined_by(self.combos.label_topics[topic])
        return min(self.sources.frontiers.get(m.name, MIN_MS) for m in models)

    def _ended(self, name: str, after_ms: int, until_ms: int) -> list[Window]:
        """A model's windows that end in (after_ms, until_ms]."""
        window_ms = self.plan.models[name].window_ms
        return [
            (owner, start)
            for owner, start in self.windows.keys
            if owner == name and after_ms < start + window_ms <= until_ms
        ]

    def has_ended(self, name: str, end_ms: int) -> bool:
        """Whether there are windows of a model that end until then."""
        return bool(self._ended(name, MIN_MS, end_ms))

    def _expire_window(self, window: Window) -> None:
        # From now on this partition speaks for itself alone (see `emitter`), so it has to say it once.
        self.windows.unsent[window] = set(self.windows.keys[window])
        for key in self.windows.keys[window]:
            of_segment = self.combos.slices[slot_of(key)[1]][2]
            snapshot = None if of_segment else self.windows.snapshot(key)
            if snapshot is not None:
                self.fates.move(f.PREDICTIONS, f.PENDING, f.EXPIRED, unlabelled(snapshot, self.windows.layout_of(key)))

    def _release(self, name: str, end_ms: int) -> None:
        """Forget windows of a model that were sent for the last time."""
        before = self.released.get(name, MIN_MS)
        self.released[name] = max(before, end_ms)
        for window in self._ended(name, MIN_MS, end_ms):
            self._dropped.extend(self.windows.drop(window))

    # -- checkpoint

    def cut(self, position: tuple[int, int, int]) -> Cut:
        """All that has changed since the last cut; position: (log id, head, last offset seen)."""
        slots = {}
        for pool in self.windows.pools.values():
            for key in pool.dirty:
                snapshot = pool.snapshot(key)
                if snapshot is not None:
                    slots[key] = snapshot.pack(pool.layout)
            pool.dirty.clear()
            pool.clock += 1
        dropped, self._dropped = self._dropped, []
        frontiers = {t: self.labels_frontier(t) for t in range(len(self.combos.label_topics))}
        purge, spared = self.index.purge(frontiers)
        if purge:
            self.rows.forget()
        return Cut(
            meta=self._meta(position),
            rows=self.rows.freeze(),
            slots=slots,
            dropped_slots=dropped,
            index=self.index.take(),
            purge=purge,
            spared=spared,
        )

    def is_full(self) -> bool:
        """Whether so much waits to be stored that a checkpoint should be written now."""
        return self.rows.is_full()

    def cut_written(self) -> None:
        """The last cut is in the checkpoint: what it holds may leave memory."""
        self.rows.written()
        self.windows.evict(self.memory.slots_bytes_max)

    # -- as a fold over bytes

    def apply_body(self, body: bytes) -> None:
        """Fold one block's bytes in."""
        self.rows.replay()
        self.apply(decode_block(body))

    def snapshot_body(self) -> bytes:
        """All but rows and windows, which the retained blocks hold."""
        return self._meta((0, -1, -1))

    def restore_body(self, body: bytes) -> None:
        """Begin from `snapshot_body` where the log's older blocks are gone."""
        self._restore(msgspec.msgpack.decode(body))

    def _meta(self, position: tuple[int, int, int]) -> bytes:
        return _encode(
            {
                "position": position,
                "combos": self.combos.names,
                "label_topics": self.combos.label_topics,
                "sources": [
                    SourceMark(s.topic, s.partition, x.applied, x.watermark_ms, x.idle)
                    for s, x in self.sources.states.items()
                ],
                "frontiers": self.sources.frontiers,
                "fates": self.fates.packed(),
                "holds": self.holds.entries(),
                "buckets": self.index.buckets(),
                "extended": self.index.extended,
                "released": self.released,
                "expired": self._expired,
            }
        )

    def _restore(self, meta: dict[str, Any]) -> None:
        for topic in meta["label_topics"]:
            self.combos.topic_code(topic)
        self.combos.codes([tuple(c) for c in meta["combos"]])
        for topic, partition, last, watermark_ms, idle in meta["sources"]:
            self.sources.states[Source(topic, partition)] = SourceState(last, watermark_ms, idle)
        self.sources.frontiers = meta["frontiers"]
        self.fates = f.Fates.of(meta["fates"])
        for entry in meta["holds"]:
            self.holds.add(*entry)
        self.index.restore(meta["buckets"], meta["extended"])
        self.released, self._expired = meta["released"], meta["expired"]
        for key in self.checkpoint.slot_keys():
            self.windows.note(key)

    @property
    def records(self) -> int:
        """All records this partition has consumed: the sum of all fates."""
        return int(self.fates.counts.sum())
