"""The state of one partials partition: the windows of the slices it owns, across all workers.

A fold like the join's: `apply` takes the messages in log order and nothing else, so a replay
arrives at the same windows with the same revisions. What is emitted of it is decided in
`tables/records.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from metrics.layout import Column
from metrics.window_layout import WindowLayout
from models.partial import Mark, Partial
from tables.checkpoint import Checkpoint, Cut
from tables.combos import Slice
from tables.cover import Group, Truth, add_group
from tables.delay_watch import DelayWatch, delay_watch
from tables.plan import MIN_MS, ModelPlan, Plan
from tables.snapshot import Snapshot, add_up
from tables.watchers import ConceptWatch, concept_watch
from tables.watermark import combine
from tables.windows import slot_key, slot_of

_encode = msgspec.msgpack.Encoder().encode
_decode_truth = msgspec.msgpack.Decoder(
    tuple[list[tuple[dict[int, int], bytes]], list[tuple[dict[int, int], bytes]]]
).decode


class MergeBlock(msgspec.Struct, array_like=True, gc=False):
    """One entry of the merge log. applied: last offset of the partials topic it covers.
    announced: (configured model, window end) up to which final records are on their topic.
    """

    applied: int
    marks: list[Mark] = []
    partials: list[Partial] = []
    announced: list[tuple[str, int]] = []


_decode_block = msgspec.msgpack.Decoder(MergeBlock).decode


def encode_merge_block(block: MergeBlock) -> bytes:
    """Bytes of a block's body."""
    return _encode(block)


def decode_merge_block(body: bytes) -> MergeBlock:
    """The inverse of `encode_merge_block`; raises msgspec.DecodeError."""
    return _decode_block(body)


@dataclass(slots=True)
class SliceWindows:
    """All windows of one slice that are still of use, by window_start_ms."""

    name: Slice
    plan: ModelPlan
    windows: dict[int, Truth] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    changes: int = 0
    """Versions merged so far, over all windows ever: grows with every change."""
    concept: ConceptWatch | None = None
    delays: DelayWatch | None = None

    @property
    def layout(self) -> WindowLayout:
        """How its accumulators are laid out."""
        return self.plan.layout(self.name[2])

    def snapshot(self, start_ms: int) -> Snapshot:
        """The merged accumulator of a window; KeyError if there is none."""
        return add_up(Snapshot.unpack(g.value, self.layout) for g in self.windows[start_ms].current)

    @property
    def rounds(self) -> int:
        """How often what final windows have taught may have changed."""
        return sum(watch.rounds for watch in (self.concept, self.delays) if watch is not None)

    def watch(self, starts_ms: Iterable[int]) -> None:
        """Learn, in one round, from windows that have become final; starts_ms in the order of time."""
        concept, delays = self.concept, self.delays
        if concept is None and delays is None:
            return
        for start_ms in starts_ms:
            if not self.windows[start_ms].current:
                continue
            snapshot = self.snapshot(start_ms)
            if concept is not None:
                errors = int(snapshot.head[Column.FP] + snapshot.head[Column.FN])
                concept = concept.update(start_ms, errors, int(snapshot.head[Column.LABELLED]))
            if delays is not None:
                delays = delays.update(snapshot.head, snapshot.cells)
        self.concept = None if concept is None else concept.next_round()
        self.delays = None if delays is None else delays.next_round()


class MergeState:
    """Slices, marks and how far final records have been announced."""

    def __init__(self, plan: Plan, partitions: int, checkpoint: Checkpoint) -> None:
        """partitions: how many state partitions report here."""
        self.plan = plan
        self.partitions = partitions
        self.checkpoint = checkpoint
        self.applied = -1
        self.slices: dict[Slice, SliceWindows] = {}
        self.marks: dict[str, dict[int, Mark]] = {}
        self.announced: dict[str, int] = {}
        self._closed: dict[str, int] = {}
        self.late_partials = 0
        self._names: list[Slice] = []
        self._codes: dict[Slice, int] = {}
        self._dirty: set[int] = set()
        self._dropped: list[int] = []
        meta = checkpoint.meta()
        if meta is not None:
            self._restore(msgspec.msgpack.decode(meta))

    # -- fold

    def apply(self, block: MergeBlock) -> None:
        """Fold one block in."""
        self.applied = max(self.applied, block.applied)
        for partial in block.partials:
            self._partial(partial)
        for mark in block.marks:
            self._mark(mark)
        for model, end_ms in block.announced:
            self._announce(model, end_ms)

    def _partial(self, partial: Partial) -> None:
        name = (partial.model, partial.model_version, partial.segment)
        plan = self.plan.of(partial.model)
        start_ms = partial.window_start_ms
        if start_ms + plan.window_ms <= self.announced.get(plan.name, MIN_MS):
            self.late_partials += 1
            return
        one = self.slices.get(name)
        if one is None:
            concept, delays = concept_watch(plan, name[2]), delay_watch(plan, name[2])
            one = self.slices[name] = SliceWindows(name, plan, concept=concept, delays=delays)
            self._codes[name] = len(self._names)
            self._names.append(name)
        before = one.windows.get(start_ms, Truth())
        after = add_group(before, Group(dict(partial.cover), partial.value))
        if after is before:
            return
        one.windows[start_ms] = after
        self._dirty.add(slot_key(start_ms, self._codes[name]))
        if after.current != before.current:
            one.changes += after.version - before.version
            one.changed.add(start_ms)

    def _mark(self, mark: Mark) -> None:
        known = self.marks.setdefault(mark.model, {})
        old = known.get(mark.partition)
        if old is not None:
            mark.closed_ms = max(mark.closed_ms, old.closed_ms)
            mark.final_ms = max(mark.final_ms, old.final_ms)
        known[mark.partition] = mark
        self._closed[mark.model] = max(self._closed.get(mark.model, MIN_MS), self._combined(mark.model)[0])

    def closed(self, model: ModelPlan) -> tuple[int, bool]:
        """(watermark over all state partitions, whether all are idle); it never moves back."""
        return self._closed.get(model.name, MIN_MS), self._combined(model.name)[1]

    def _combined(self, model: str) -> tuple[int, bool]:
        known = self.marks.get(model, {})
        unheard = Mark(model, -1, MIN_MS, MIN_MS, False)
        every = (known.get(p, unheard) for p in range(self.partitions))
        return combine((mark.closed_ms, mark.idle) for mark in every)

    def final_ms(self, model: ModelPlan) -> int:
        """Every window that ends until then will never change again.

        All partitions must have said so, idle ones too: one that was idle when last heard of may
        have unread records by now, which it will not find late.
        """
        known = self.marks.get(model.name, {})
        return min(known[p].final_ms if p in known else MIN_MS for p in range(self.partitions))

    def _announce(self, name: str, end_ms: int) -> None:
        """Final records up to there are out: keep only what spans still look back on."""
        before_ms = self.announced.get(name, MIN_MS)
        self.announced[name] = max(before_ms, end_ms)
        model = self.plan.models[name]
        keep_ms = self.announced[name] - model.look_back_ms
        for one in self.slices.values():
            if one.plan.name != name:
                continue
            if end_ms > before_ms:
                one.watch(sorted(s for s in one.windows if before_ms < s + model.window_ms <= end_ms))
            # What spans look back on has had its last record: it is not said again.
            one.changed = {s for s in one.changed if s + model.window_ms > self.announced[name]}
            for start_ms in [s for s in one.windows if s + model.window_ms <= keep_ms]:
                del one.windows[start_ms]
                key = slot_key(start_ms, self._codes[one.name])
                self._dirty.discard(key)
                self._dropped.append(key)

    # -- checkpoint

    def cut(self, position: tuple[int, int, int]) -> Cut:
        """All that has changed since the last cut."""
        slots = {}
        for key in self._dirty:
            start_ms, code = slot_of(key)
            slots[key] = _encode(self.slices[self._names[code]].windows[start_ms])
        self._dirty = set()
        dropped, self._dropped = self._dropped, []
        return Cut(meta=self._meta(position), slots=slots, dropped_slots=dropped)

    def is_full(self) -> bool:
        """Never: what waits to be stored is kept in memory anyway."""
        return False

    def cut_written(self) -> None:
        """Nothing leaves memory: packed windows are small."""

    # -- as a fold over bytes

    def apply_body(self, body: bytes) -> None:
        """Fold one block's bytes in."""
        self.apply(decode_merge_block(body))

    def snapshot_body(self) -> bytes:
        """All but the windows, which the retained blocks hold."""
        return self._meta((0, -1, -1))

    def restore_body(self, body: bytes) -> None:
        """Begin from `snapshot_body` where the log's older blocks are gone."""
        self._restore_meta(msgspec.msgpack.decode(body))

    def _meta(self, position: tuple[int, int, int]) -> bytes:
        """All that is not in slots."""
        return _encode(
            {
                "position": position,
                "applied": self.applied,
                "names": self._names,
                "changes": [self.slices[n].changes for n in self._names],
                "marks": [m for marks in self.marks.values() for m in marks.values()],
                "announced": self.announced,
                "closed": self._closed,
                "concept": [self.slices[n].concept for n in self._names],
                "delays": [None if (d := self.slices[n].delays) is None else d.stored() for n in self._names],
            }
        )

    def _restore(self, meta: dict[str, Any]) -> None:
        self._restore_meta(meta)
        for key in self.checkpoint.slot_keys():
            stored = self.checkpoint.slot(key)
            if stored is None:
                continue
            start_ms, code = slot_of(key)
            current, waiting = _decode_truth(stored)
            one = self.slices[self._names[code]]
            one.windows[start_ms] = Truth(tuple(Group(*g) for g in current), tuple(Group(*g) for g in waiting))
            if start_ms + one.plan.window_ms > self.announced.get(one.plan.name, MIN_MS):
                one.changed.add(start_ms)

    def _restore_meta(self, meta: dict[str, Any]) -> None:
        self.applied, self.announced, self._closed = meta["applied"], meta["announced"], meta["closed"]
        nothing = [None] * len(meta["names"])
        watched = meta.get("concept") or nothing, meta.get("delays") or nothing
        for name, changes, *stored in zip(meta["names"], meta["changes"], *watched, strict=True):
            key: Slice = (name[0], name[1], name[2])
            plan = self.plan.of(key[0])
            self._codes[key] = len(self._names)
            self._names.append(key)
            concept, delays = concept_watch(plan, key[2], stored[0]), delay_watch(plan, key[2], stored[1])
            self.slices[key] = SliceWindows(key, plan, changes=changes, concept=concept, delays=delays)
        for mark in meta["marks"]:
            self._mark(Mark(*mark))
