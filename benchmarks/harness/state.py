"""What a worker's state costs: recovery from the changelog alone, and memory with many pending rows."""

from dataclasses import dataclass

from benchmarks.harness import sampling
from benchmarks.harness.baselines import Workload
from benchmarks.harness.bench import Bench
from benchmarks.harness.hindcast import Hindcast, Setup
from benchmarks.harness.sampling import running

MEMORY_BUDGET = "256MiB"  # for rows and RocksDB; the interpreter and its libraries come on top


@dataclass(frozen=True, slots=True)
class Recovery:
    """A worker with an empty disk, from its changelog to ready."""

    events: int
    recovery_seconds: float | None  # as the worker says
    ready_seconds: float  # from the start of the process to /readyz, imports and joining the group included

    @property
    def events_per_second(self) -> float:
        """By the worker's own figure; by the time to ready, which is longer, if it gives none."""
        return self.events / (self.recovery_seconds or self.ready_seconds)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of one worker that holds so many predictions without a label."""

    pending_rows: int
    rss_bytes: int
    peak_rss_bytes: int


def recovery(bench: Bench, load: Workload) -> Recovery:
    """Work off the topics, stop, delete the state directory, start again with nothing new to consume."""
    program = Hindcast("recovery", load, bench.name("recovery"))
    with running(program):
        sampling.watch(program, load.events)
        sampling.settle(program)
    program.forget_state()
    with running(program):
        ready_seconds = program.await_ready()
        return Recovery(load.events, program.value("hindcast_recovery_seconds") or None, ready_seconds)


def memory(bench: Bench, rows: int) -> Memory:
    """Predictions only: every row stays pending."""
    load = bench.workload(rows, labelled=False, seed=11)
    with running(Hindcast("memory", load, bench.name("memory"), Setup(memory_budget=MEMORY_BUDGET))) as program:
        sampling.watch(program, rows)
        sampling.settle(program)
        return Memory(rows, program.rss_bytes(), program.peak_rss_bytes())
