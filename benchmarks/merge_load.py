"""The load of the merge stage in a large installation, without Kafka: one merge partition, simulated in event time.

`python -m benchmarks.merge_load --partitions 256 --segments 1000` gives every sender its share of the partitions, fills
all windows that are open within the horizon, and then takes rounds of 10 s out of an hour at random: each slice of each
window that is due comes from every sender (as under traffic that touches all of them), marks come every 0.25 s, records
are made as they are due. CPU is that of `MergeState` and `Recorder`; sending, Kafka's client and the workers' own sums
are not in it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np

from agents.emit import TICK_SECONDS, owner
from benchmarks.bench_merge import EMIT_EVERY_MS, WINDOW_MS, packed, revisions_per_second
from metrics.layout import COARSE
from models.partial import Mark, Partial, decode_partials, encode_partials
from tables.memory import MemoryCheckpoint
from tables.merge_state import MergeBlock, MergeState, decode_merge_block, encode_merge_block
from tables.plan import ModelPlan, Plan
from tables.records import PHASE_MS, Recorder
from tables.schedule import interval_ms, is_due

ROUND_MS = EMIT_EVERY_MS
ROUNDS_AN_HOUR = 360
VALUES = 20
"""Different accumulators of each layout; what is in them changes nothing of the work."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is simulated. slices: how many of all slices the simulated merge partition owns."""

    partitions: int
    senders: int
    segments: int
    open_windows: int
    events_per_second: float
    slices: int

    @property
    def predictions_a_window(self) -> float:
        """Of one sender, over all segments; every second event is a label."""
        return self.events_per_second / 2 / self.senders * WINDOW_MS / 1000


def owned(segments: int, partitions: int) -> list[int]:
    """How many slices (the segments and the whole model) each merge partition owns, the busiest first."""
    names = ["", *(f"merchant=m{i}" for i in range(segments))]
    counts = Counter(owner("fraud", name, partitions) for name in names)
    return sorted((counts[p] for p in range(partitions)), reverse=True)


class Simulation:
    """One merge partition and all who send to it."""

    def __init__(self, what: Installation) -> None:
        self._what = what
        plan = Plan({"fraud": ModelPlan("fraud", "p", "l", emit_every_ms=EMIT_EVERY_MS)})
        self._state = MergeState(plan, what.partitions, MemoryCheckpoint())
        self._recorder = Recorder(self._state)
        rng = np.random.default_rng(1)
        each = what.predictions_a_window / what.segments
        self._values = [packed(rng, COARSE, 1, max(1, round(each))) for _ in range(VALUES)]
        self._names = [f"merchant=m{i}" for i in range(what.slices)]
        self._begin_ms = what.open_windows * WINDOW_MS
        self._version = 0
        self.cpu = {"partials": 0.0, "marks": 0.0, "records": 0.0}
        self.counted = Counter[str]()
        self._fill()

    def _fill(self) -> None:
        self._take(self._messages(range(self._what.open_windows), 0))
        self._record(0)
        for name in self.cpu:
            self.cpu[name] = 0.0
        self.counted.clear()

    def run(self, rounds: int) -> None:
        """So many rounds of the hour; the newest windows in each of them, older ones as rarely as they are due."""
        for number in sorted(random.Random(1).sample(range(1, ROUNDS_AN_HOUR + 1), rounds)):
            now_ms = number * ROUND_MS
            self._take(self._messages([w for w in range(self._what.open_windows) if self._is_due(w, now_ms)], number))
            self._mark(number)
            self._record(now_ms + PHASE_MS)

    def _is_due(self, window: int, now_ms: int) -> bool:
        age_ms = self._begin_ms - (window + 1) * WINDOW_MS
        return is_due(now_ms, now_ms - ROUND_MS, interval_ms(EMIT_EVERY_MS, age_ms))

    def _messages(self, windows: range | list[int], number: int) -> list[bytes]:
        self._version += 1
        what, found = self._what, []
        for sender in range(what.senders):
            cover = [(p, self._version) for p in range(sender, what.partitions, what.senders)]
            partials = [
                Partial("fraud", "v1", name, w * WINDOW_MS, cover, self._values[(w + sender) % VALUES])
                for name in self._names
                for w in windows
            ]
            found.append(encode_partials(self._marks(sender, number), partials))
            self.counted["partials"] += len(partials)
        self.counted["bytes"] += sum(map(len, found))
        return found

    def _marks(self, sender: int, number: int) -> list[Mark]:
        # a little further each time, so that windows keep their ages
        closed_ms, what = self._begin_ms + number, self._what
        return [Mark("fraud", p, closed_ms, 0, idle=False) for p in range(sender, what.partitions, what.senders)]

    def _take(self, messages: list[bytes]) -> None:
        started = time.process_time()
        for message in messages:
            read = decode_partials(message)
            self._state.apply(decode_merge_block(encode_merge_block(MergeBlock(1, read.marks, read.partials))))
        self.cpu["partials"] += time.process_time() - started

    def _mark(self, number: int) -> None:
        """What every sender says on the ticks of a round on which no window is due."""
        messages = [encode_partials(self._marks(s, number), []) for s in range(self._what.senders)]
        ticks = round(ROUND_MS / 1000 / TICK_SECONDS) - 1
        started = time.process_time()
        block = MergeBlock(1)
        for message in messages:
            block.marks += decode_partials(message).marks
        self._state.apply(decode_merge_block(encode_merge_block(block)))
        self.cpu["marks"] += ticks * (time.process_time() - started)

    def _record(self, now_ms: int) -> None:
        started = time.process_time()
        due = self._recorder.collect(now_ms=now_ms)
        for record in due.records:
            record.encode(now_ms)
        self.cpu["records"] += time.process_time() - started
        self.counted["records"] += len(due.records)


def measure(what: Installation, rounds: int) -> dict[str, object]:
    """What one partial, record and second of marks costs, and the load of all merge partitions that follows."""
    simulation = Simulation(what)
    simulation.run(rounds)
    cpu, counted = simulation.cpu, simulation.counted
    partial_us = cpu["partials"] / counted["partials"] * 1e6
    record_us = cpu["records"] / counted["records"] * 1e6
    marks_cores = cpu["marks"] / (rounds * ROUND_MS / 1000)
    revisions = revisions_per_second(what.open_windows)
    a_slice = revisions * (what.senders * partial_us + record_us) / 1e6
    share = owned(what.segments, what.partitions)
    return {
        "schema": "hindcast.merge_load/1",
        "installation": asdict(what),
        "partial_cpu_us": partial_us,
        "record_cpu_us": record_us,
        "partial_bytes": counted["bytes"] / counted["partials"],
        "marks_cores_of_a_partition": marks_cores,
        "revisions_per_second_and_slice": revisions,
        "cores_of_a_slice": a_slice,
        "slices_of_a_partition": {"mean": sum(share) / len(share), "max": share[0]},
        "cores": {
            "all": a_slice * sum(share) + marks_cores * what.partitions,
            "busiest_partition": a_slice * share[0] + marks_cores,
        },
        "partials_per_second": revisions * sum(share) * what.senders,
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partitions", type=int, default=256)
    parser.add_argument("--senders", type=int, default=None, help="workers [default: one for each partition]")
    parser.add_argument("--segments", type=int, default=1000)
    parser.add_argument("--open-windows", type=int, default=361, help="horizon and lateness in windows of a minute")
    parser.add_argument("--events-per-second", type=float, default=25e6)
    parser.add_argument("--slices", type=int, default=1, help="of the merge partition that is simulated")
    parser.add_argument("--rounds", type=int, default=6, help="of 10 s each")
    given = parser.parse_args(arguments)
    what = Installation(
        given.partitions,
        given.senders or given.partitions,
        given.segments,
        given.open_windows,
        given.events_per_second,
        given.slices,
    )
    json.dump(measure(what, given.rounds), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
