"""The merge stage alone, without Kafka: what one partial costs, and the load of many slices and open windows.

Run it by itself with ``python -m benchmarks.bench_merge``; the bench takes ``measure``.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from metrics.layout import COARSE, FINE, HEAD_COLUMNS, Column, Layout
from models.partial import Mark, Partial, decode_partials, encode_partials
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState, decode_merge_block, encode_merge_block
from tables.plan import SEGMENT, WHOLE, ModelPlan, Plan
from tables.records import Recorder
from tables.schedule import interval_ms
from tables.snapshot import Snapshot

SEGMENTS, OPEN_WINDOWS, WORKERS = 100, 360, 2
RECORDS_A_WINDOW = 500
WINDOW_MS, EMIT_EVERY_MS = 60_000, 10_000
ROUNDS = 2
MESSAGE_PARTIALS = 200


def packed(rng: np.random.Generator, layout: Layout, version: int, records: int = RECORDS_A_WINDOW) -> bytes:
    """An accumulator of so many labelled predictions, as a partial carries it."""
    head = np.zeros(HEAD_COLUMNS, np.int64)
    head[[Column.TOTAL, Column.LABELLED, Column.SCORED]] = records
    head[Column.TP], head[Column.TN] = records // 10, records - records // 10
    cells = np.zeros(layout.cells, np.int32)
    np.add.at(cells, rng.integers(0, layout.cells, records), 1)
    return Snapshot(version, head, cells).pack(SEGMENT if layout is COARSE else WHOLE)


def _round(rng: np.random.Generator, number: int) -> list[Partial]:
    """Every slice of every open window once from every worker; each worker has half of 16 partitions."""
    found = []
    values = {layout: [packed(rng, layout, 8 * number) for _ in range(50)] for layout in (FINE, COARSE)}
    for segment in ("", *(f"merchant=m{i}" for i in range(SEGMENTS - 1))):
        layout = COARSE if segment else FINE
        for window in range(OPEN_WINDOWS):
            for worker in range(WORKERS):
                cover = [(p, number) for p in range(worker, 16, WORKERS)]
                value = values[layout][(window + worker) % 50]
                found.append(Partial("fraud", "v1", segment, window * WINDOW_MS, cover, value))
    return found


def revisions_per_second(open_windows: int) -> float:
    """How often the windows of one slice are sent, all of them together, when each changes all the time."""
    return sum(1000 / interval_ms(EMIT_EVERY_MS, age * WINDOW_MS) for age in range(open_windows))


def measure() -> dict[str, float]:
    """CPU µs for one partial (bytes in, block, fold) and for one record, and the load that follows from them."""
    plan = Plan({"fraud": ModelPlan("fraud", "p", "l", emit_every_ms=EMIT_EVERY_MS)})
    state = MergeState(plan, 16, MemoryCheckpoint())
    recorder = Recorder(state)
    rng = np.random.default_rng(1)
    closed_ms = OPEN_WINDOWS * WINDOW_MS
    marks = [Mark("fraud", p, closed_ms, 0, idle=False) for p in range(16)]
    merging = recording = 0.0
    partials = records = 0
    for number in range(1, ROUNDS + 1):
        sent = _round(rng, number)
        messages = [
            encode_partials(marks, sent[i : i + MESSAGE_PARTIALS]) for i in range(0, len(sent), MESSAGE_PARTIALS)
        ]
        started = time.process_time()
        for message in messages:
            read = decode_partials(message)
            block = encode_merge_block(MergeBlock(number, read.marks, read.partials))
            state.apply(decode_merge_block(block))
        merging += time.process_time() - started
        partials += len(sent)
        started = time.process_time()
        due = recorder.collect(now_ms=number * 86_400_000)
        for record in due.records:
            record.encode(number)
        recording += time.process_time() - started
        records += len(due.records)
    a_slice = revisions_per_second(OPEN_WINDOWS)
    partial_us, record_us = merging / partials * 1e6, recording / records * 1e6
    revisions = a_slice * SEGMENTS
    return {
        "partial_cpu_us": partial_us,
        "record_cpu_us": record_us,
        "segments": SEGMENTS,
        "open_windows": OPEN_WINDOWS,
        "senders": WORKERS,
        "revisions_per_second": revisions,
        "load_cores": revisions * (WORKERS * partial_us + record_us) / 1e6,
    }


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=1)
