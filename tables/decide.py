"""From decoded batches to a block: what is new, what is late, what the rest does to its rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.batch import Batch, Source
from models.carried import fitted
from models.errors import WorldError
from models.outcome import has_failed
from tables import fates as f
from tables.block import JoinBlock, SourceMark
from tables.combos import LABEL_TOPIC
from tables.fast_join import Decided, decide_labels, decide_predictions
from tables.found_rows import FoundRows
from tables.heartbeats import observe_heartbeats
from tables.join import Rank, add_label, add_prediction, is_joined
from tables.observing import Served, observe, served
from tables.plan import MIN_MS
from tables.row_form import RowForm
from tables.rows import Label, Prediction, Row

if TYPE_CHECKING:
    from tables.join_state import JoinState

Ints = NDArray[np.int64]


@dataclass(slots=True)
class _Rules:
    """`join.Rules` over one partition's combos and frontiers."""

    state: JoinState

    def same_version(self, combo: int, other: int) -> bool:
        row = self.state.combos.row
        return row(combo).version == row(other).version

    def in_horizon(self, prediction: Prediction, label_ms: int) -> bool:
        described = self.state.combos.row(prediction.combo)
        waited_ms = label_ms - prediction.event_ms
        return -described.label_skew_ms <= waited_ms <= described.horizon_ms

    def rank(self, label: Label) -> Rank:
        return label.label_ms, math.inf if label.withdrawn else label.actual

    def is_final(self, prediction: Prediction) -> bool:
        described = self.state.combos.row(prediction.combo)
        start_ms = prediction.event_ms - prediction.event_ms % described.window_ms
        model = self.state.combos.models[described.model]
        end_ms = start_ms + described.window_ms
        return end_ms + described.hold_ms <= self.state.sources.frontier(model)


def key_prefix(topic_code: int) -> bytes:
    """What the row keys of one labels topic begin with; never a zero byte first."""
    return (topic_code + 0x100).to_bytes(2, "big")


def topic_of(key: bytes) -> int:
    """The labels topic code that a row key begins with."""
    return int.from_bytes(key[:2], "big") - 0x100


class Decider:
    """Decides one chunk against a state; the state is only read (its dictionary may grow)."""

    def __init__(self, state: JoinState) -> None:
        self.state = state
        self.served: list[Served] = []
        """How the predictions that were new, or failed, were served: for the worker's counters, not for the block."""

    def decide(self, kind: str, batches: list[Batch]) -> JoinBlock | None:
        """The block of these batches, None when they say nothing new."""
        combos = self.state.combos
        known, topics = len(combos.names), len(combos.label_topics)
        fresh, marks, bad = self._fresh(batches)
        if not marks:
            return None
        block = JoinBlock(sources=marks)
        fates = f.Fates()
        number = f.KINDS.index(kind)
        fates.add(number, f.DEAD, bad)
        if number == f.HEARTBEATS:
            block.observed = [one for batch in fresh for one in observe_heartbeats(self.state, batch, fates)]
            fresh = []
        for topic, batch in self._by_labels_topic(number, fresh):
            decide = self._predictions if number == f.PREDICTIONS else self._labels
            decided, late = decide(topic, batch)
            fates.add(number, f.LATE, late)
            self._into(block, decided, fates, topic)
        block.fates = fates.packed()
        block.combos = combos.names[known:]
        block.label_topics = combos.label_topics[topics:]
        return block

    def _by_labels_topic(self, kind: int, fresh: list[Batch]) -> Iterator[tuple[int, Batch]]:
        """The records by the code of the labels topic whose ids they share."""
        combos = self.state.combos
        if kind == f.LABELS:
            by_source_topic: dict[str, list[Batch]] = {}
            for part in fresh:
                by_source_topic.setdefault(part.source.topic, []).append(part)
            for name, parts in by_source_topic.items():
                yield combos.topic_code(name), Batch.concat(parts)
            return
        by_task: dict[str, list[Batch]] = {}
        for part in fresh:
            by_task.setdefault(part.task, []).append(part)
        for alike in by_task.values():  # of all topics together: an id may have predictions in several
            batch = Batch.concat(alike)
            codes = combos.codes(batch.combos)
            topics = combos.columns[LABEL_TOPIC][codes]
            distinct = np.unique(topics).tolist()
            for topic in distinct:
                one = len(distinct) == 1
                yield topic, batch if one else batch.select((topics == topic)[batch.combo_index])

    # -- what is new

    def _fresh(self, batches: list[Batch]) -> tuple[list[Batch], list[SourceMark], int]:
        """Records not yet in the state, the marks of their sources, and how many were bad.

        A batch at or below the applied offset is a replay. One that continues an offset which
        never arrived is dropped: its sender failed in between and sends all of it again.
        """
        fresh: list[Batch] = []
        marks: dict[Source, SourceMark] = {}
        bad = 0
        for batch in batches:
            mark = self._mark(batch.source, marks)
            if batch.base > mark.last >= 0:
                self.state.gaps += 1
                continue
            if batch.last >= mark.last or batch.base < 0:  # else it tells of the past
                mark.idle = batch.idle
            new = batch.offsets > mark.last
            if len(batch) and new.any():
                fresh.append(batch if new.all() else batch.select(new))
            bad += int((batch.bad > mark.last).sum())
            mark.last = max(mark.last, batch.last)
            mark.watermark_ms = max(mark.watermark_ms, batch.watermark_ms)
        return fresh, [m for s, m in marks.items() if self._says_something(s, m)], bad

    def _mark(self, source: Source, marks: dict[Source, SourceMark]) -> SourceMark:
        if source not in marks:
            known = self.state.sources.states.get(source)
            last, watermark_ms, idle = (known.applied, known.watermark_ms, known.idle) if known else (-1, MIN_MS, False)
            marks[source] = SourceMark(source.topic, source.partition, last, watermark_ms, idle)
        return marks[source]

    def _says_something(self, source: Source, mark: SourceMark) -> bool:
        known = self.state.sources.states.get(source)
        return known is None or (known.applied, known.watermark_ms, known.idle) != (
            mark.last,
            mark.watermark_ms,
            mark.idle,
        )

    # -- predictions and labels

    def _predictions(self, topic: int, batch: Batch) -> tuple[Decided, int]:
        combos = self.state.combos
        codes = combos.codes(batch.combos)[batch.combo_index]
        model, _, window_ms, hold_ms, _, _, _ = combos.columns[:, codes]
        end_ms = batch.time_ms - batch.time_ms % window_ms + window_ms
        late = end_ms + hold_ms <= self._frontiers()[model]
        lost = int(late.sum())
        if lost:
            batch, codes = batch.select(~late), codes[~late]
        failed = has_failed(batch.outcome)
        failures = observe(combos, batch, codes, np.flatnonzero(failed))
        self.served += served(combos, batch, codes, np.flatnonzero(failed))
        if failed.any():  # nothing to join, but errors of their windows
            batch, codes = batch.select(~failed), codes[~failed]
        form = self._form_of(topic, batch)
        prefix = key_prefix(topic)
        keys = [prefix + i for i in batch.ids]
        found = self.state.rows.get_many(keys, form.dtype.itemsize)
        decided = decide_predictions(form, batch, codes, combos, keys, found)
        carried = fitted(batch.carried, len(batch), form.carried_bytes)
        news = [
            Prediction(*fields)
            for fields in zip(
                *(c[decided.slow].tolist() for c in (codes, batch.time_ms, batch.score, batch.outcome, carried)),
                strict=True,
            )
        ]
        self._slow(topic, decided, keys, found, news)
        decided.observed = failures + observe(combos, batch, codes, decided.counted)
        self.served += served(combos, batch, codes, decided.counted)
        decided.fates.add(f.PREDICTIONS, f.FAILED, int(failed.sum()))
        return decided, lost

    def _labels(self, topic: int, batch: Batch) -> tuple[Decided, int]:
        state = self.state
        prefix = key_prefix(topic)
        late = state.lifetimes.label_final_ms(topic, batch.time_ms) <= state.labels_frontier(topic)
        lost = int(late.sum())
        if lost:
            batch = batch.select(~late)
        form = self._form_of(topic, batch)
        keys = [prefix + i for i in batch.ids]
        found = state.rows.get_many(keys, form.dtype.itemsize)
        decided = decide_labels(form, batch, state.combos, self._frontiers(), keys, found)
        news = [
            Label(label_ms, actual, pending=True)
            for label_ms, actual in zip(
                batch.time_ms[decided.slow].tolist(),
                batch.outcome[decided.slow].tolist(),
                strict=True,
            )
        ]
        self._slow(topic, decided, keys, found, news)
        return decided, lost

    def _form(self, topic: int) -> RowForm:
        return self.state.plan.row_form(self.state.combos.label_topics[topic])

    def _form_of(self, topic: int, batch: Batch) -> RowForm:
        """The form of a labels topic's rows. Raises WorldError for records of another task."""
        form = self._form(topic)
        if batch.task != form.task:
            name = self.state.combos.label_topics[topic]
            raise WorldError(f"records for {name} were decoded as {batch.task}, its models are {form.task} ones")
        return form

    def _frontiers(self) -> Ints:
        """Watermark of each model code, in ms."""
        return np.array([self.state.sources.frontier(m) for m in self.state.combos.models], np.int64)

    def _slow(
        self,
        topic: int,
        out: Decided,
        keys: list[bytes],
        found: FoundRows,
        news: Sequence[Prediction | Label],
    ) -> None:
        """Decide the remaining records one by one, in order."""
        form = self._form(topic)
        rules = _Rules(self.state)
        rows: dict[bytes, Row] = {}
        began: Counter[int] = Counter()
        counted: list[int] = []
        for i, new in zip(out.slow.tolist(), news, strict=True):
            key = keys[i]
            row = rows[key] if key in rows else form.decode(found[i])
            began.subtract(x.label_ms for x in row.labels if x.pending)
            if isinstance(new, Prediction):
                effects = len(out.effects)
                row = add_prediction(row, new, rules, out.fates, out.effects)
                if len(out.effects) > effects:  # the first of them counts it
                    counted.append(i)
            else:
                row = add_label(row, new, rules, out.fates, out.effects)
            began.update(x.label_ms for x in row.labels if x.pending)
            rows[key] = row
        out.counted = np.concatenate((out.counted, np.array(counted, np.int64)))
        out.full = {key: form.encode(row, joined=is_joined(row, rules)) for key, row in rows.items() if any(row)}
        out.begun = np.concatenate((out.begun, _repeat(began, 1)))
        out.ended = np.concatenate((out.ended, _repeat(began, -1)))

    # -- the block

    def _into(self, block: JoinBlock, decided: Decided, fates: f.Fates, topic: int) -> None:
        fates.counts += decided.fates.counts
        form = self._form(topic)
        block.add_rows(form, decided.keys, decided.rows.tobytes(), decided.ops.tobytes())
        block.observed += decided.observed
        block.full_keys += decided.full
        block.full_rows += decided.full.values()
        if decided.effects:
            block.add_effects(form, np.array(decided.effects, form.effect))
        holds: Counter[int] = Counter()
        for times, sign in ((decided.begun, 1), (decided.ended, -1)):
            final_ms, records = np.unique(self.state.lifetimes.label_final_ms(topic, times), return_counts=True)
            for at_ms, n in zip(final_ms.tolist(), records.tolist(), strict=True):
                holds[at_ms] += sign * n
        block.holds += [(topic, at_ms, n) for at_ms, n in holds.items() if n]


def _repeat(counts: Counter[int], sign: int) -> Ints:
    values = [k for k, n in counts.items() for _ in range(sign * n)]
    return np.array(values, np.int64)
