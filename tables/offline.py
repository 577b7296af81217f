"""The whole core on batches in memory: no Kafka, no clock. `hindcast evaluate` is this.

One state partition, one merge partition; no window is ever late, because no watermark moves
until all is read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from models.batch import MIN_MS, Batch
from tables.emitter import Emitter
from tables.join_state import JoinState
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState, SliceWindows
from tables.moment import AT_THE_END
from tables.plan import Plan, Span
from tables.records import ClassNames, Record, no_names, rolled, windowed
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
    join.expire()
    records = [record for one in merged.slices.values() for record in _records(one, class_names)]
    fates = join.fates.as_dict()
    del fates["heartbeats"]  # files have none
    return sorted(records, key=lambda r: (r.name, r.start_ms, r.end_ms)), fates


def _records(one: SliceWindows, class_names: ClassNames) -> Iterator[Record]:
    """Final ones, of each window and span; what is learned from final windows is what earlier ones have taught."""
    classes = class_names(one.plan.labels_topic)
    yield from _windows(replace(one), classes)
    for span in one.plan.spans:
        if not (span.whole_only and one.name[2]):
            yield from _spans(replace(one), span, classes)


def _windows(one: SliceWindows, classes: Sequence[str]) -> Iterator[Record]:
    for start_ms in sorted(one.windows):
        yield windowed(one, start_ms, AT_THE_END, classes)
        one.watch([start_ms])


def _spans(one: SliceWindows, span: Span, classes: Sequence[str]) -> Iterator[Record]:
    """A span, back to back, and as it stands at the end; a counted one at the end alone."""
    total, length_ms = RollingSum(one), span.length_ms
    starts, watched = sorted(one.windows), 0
    last_ms = starts[-1] + one.plan.window_ms
    ends = [] if length_ms is None else range(starts[0] // length_ms * length_ms, last_ms, length_ms)
    for end_ms in (*ends, last_ms):
        ended = bisect_left(starts, end_ms)
        one.watch(starts[watched:ended])
        watched = ended
        record = rolled(one, span, total, end_ms, AT_THE_END, classes)
        if record is not None:
            yield record
