"""The whole core on batches in memory: no Kafka, no clock. `hindcast evaluate` is this.

One state partition, one merge partition; no window is ever late, because no watermark moves
until all is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from models.batch import MIN_MS, Batch
from tables.emitter import Emitter
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState, SliceWindows
from tables.plan import Plan
from tables.records import ClassNames, Record, Recorder, no_names, rolled
from tables.rolling import RollingSum

END_OF_TIME_MS = 2**61


def evaluate(
    plan: Plan, batches: Iterable[Batch], class_names: ClassNames = no_names
) -> tuple[list[Record], dict[str, dict[str, int]]]:
    """(final metric records by slice, windows and spans; fates by kind) of all predictions and labels.

    batches: in any order, of any kind; each source's own in the order of its offsets. class_names: see `Recorder`.
    """
    join = JoinState(plan, 0, MemoryCheckpoint())
    for batch in batches:
        block = join.decide(batch.kind, [replace(batch, watermark_ms=MIN_MS, idle=False)])
        if block is not None:
            join.apply(block)
    emitter, merged = Emitter(plan), MergeState(plan, 1, MemoryCheckpoint())
    for model in plan.models:
        join.sources.frontiers[model] = END_OF_TIME_MS
    emission = emitter.collect({0: join}, now_ms=0)
    merged.apply(MergeBlock(0, emission.marks, emission.partials))
    records = Recorder(merged, class_names).collect(now_ms=0).records
    join.expire()
    whole = [r for r in records if r.final] + [r for one in merged.slices.values() for r in _spans(one, class_names)]
    return sorted(whole, key=lambda r: (r.name, r.start_ms, r.end_ms)), join.fates.as_dict()


def _spans(one: SliceWindows, class_names: ClassNames) -> Iterator[Record]:
    """The spans of a slice, back to back, and each as it stands at the end; a counted one at the end alone."""
    window_ms = one.plan.window_ms
    last_ms = max(one.windows) + window_ms
    unwatched = one.concept
    for span in one.plan.spans:
        if span.whole_only and one.name[2]:
            continue
        one.concept, watched_ms = unwatched, MIN_MS
        total, length_ms = RollingSum(one), span.length_ms
        ends = [] if length_ms is None else range(min(one.windows) // length_ms * length_ms, last_ms, length_ms)
        for end_ms in (*ends, last_ms):
            one.watch(watched_ms, end_ms)
            watched_ms = end_ms
            record = rolled(one, span, total, end_ms, class_names(one.plan.labels_topic), final=True)
            if record is not None:
                yield record
