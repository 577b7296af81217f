"""Watches a program at work and says how fast its steady part was."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeVar

SAMPLE_SECONDS = 0.1
STEADY = (0.2, 0.95)  # of the events reached: start-up, warming up and the last partitions stay outside
STUCK_SECONDS_MAX = 120.0
CPU_IDLE = 0.15  # cores: below this a worker has nothing left to do
SETTLED_SECONDS = 2.0


class Program(Protocol):
    """What can be measured: a program that works off the topics and says how far it has come."""

    @property
    def name(self) -> str: ...
    def start(self) -> None: ...
    def check(self) -> None: ...
    def progress(self) -> list[int]: ...  # events done, by process
    def cpu_seconds(self) -> float: ...
    def peak_rss_bytes(self) -> int: ...
    def stop(self) -> None: ...


ProgramT = TypeVar("ProgramT", bound=Program)


@contextmanager
def running(program: ProgramT) -> Iterator[ProgramT]:
    """The program, started; stopped whatever happens."""
    try:
        program.start()
        yield program
    finally:
        program.stop()


@dataclass(frozen=True, slots=True)
class Sample:
    at_seconds: float
    events: int
    processes_busy: int
    cpu_seconds: float
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """The steady part of one run, or the median of several."""

    events: int
    events_per_second: float
    cpu_us_per_event: float
    peak_rss_bytes: int

    @property
    def events_per_cpu_second(self) -> float:
        return 1e6 / self.cpu_us_per_event if self.cpu_us_per_event else 0.0


class StuckError(RuntimeError):
    """A program stopped making progress."""


def watch(program: Program, events: int, seconds_max: float = 0.0) -> list[Sample]:
    """Sample `program` until it has done `events`, or for `seconds_max` after its first one (0: no bound)."""
    samples: list[Sample] = []
    moved_at = time.monotonic()
    while True:
        program.check()
        sample = take(program)
        if not samples or sample.events > samples[-1].events:
            moved_at = sample.at_seconds
            samples.append(sample)
        if sample.events >= events or (seconds_max and _seconds_working(samples, sample) > seconds_max):
            return samples
        if sample.at_seconds - moved_at > STUCK_SECONDS_MAX:
            raise StuckError(f"{program.name}: {sample.events} of {events} events, then nothing more")
        time.sleep(SAMPLE_SECONDS)


def settle(program: Program, seconds_max: float = 120.0) -> Sample:
    """Wait until the program rests; answer the last sample in which it was still busy."""
    busy = last = take(program)
    while last.at_seconds - busy.at_seconds < SETTLED_SECONDS:
        if (seconds_max := seconds_max - SAMPLE_SECONDS * 2) < 0:
            raise StuckError(f"{program.name}: still busy long after its last event")
        time.sleep(SAMPLE_SECONDS * 2)
        sample = take(program)
        if sample.cpu_seconds - last.cpu_seconds > CPU_IDLE * (sample.at_seconds - last.at_seconds):
            busy = sample
        last = sample
    return busy


def take(program: Program) -> Sample:
    by_process = program.progress()
    return Sample(
        at_seconds=time.monotonic(),
        events=sum(by_process),
        processes_busy=sum(done > 0 for done in by_process),
        cpu_seconds=program.cpu_seconds(),
        peak_rss_bytes=program.peak_rss_bytes(),
    )


def steady(samples: list[Sample]) -> Throughput:
    """Rate and cost between 20 % and 95 % of the events, counted once every process had begun."""
    reached = samples[-1].events
    processes = max(sample.processes_busy for sample in samples)
    low, high = (share * reached for share in STEADY)
    inside = [s for s in samples if low <= s.events <= high and s.processes_busy == processes]
    if len(inside) < 2:
        raise StuckError(f"only {len(inside)} samples in the steady part: give it more events")
    return between(inside[0], inside[-1], samples[-1].peak_rss_bytes)


def between(first: Sample, last: Sample, peak_rss_bytes: int) -> Throughput:
    events = last.events - first.events
    return Throughput(
        events=events,
        events_per_second=events / (last.at_seconds - first.at_seconds),
        cpu_us_per_event=(last.cpu_seconds - first.cpu_seconds) / events * 1e6,
        peak_rss_bytes=peak_rss_bytes,
    )


def middle(runs: list[Throughput]) -> Throughput:
    """The median of each figure, the highest of the memory."""
    return Throughput(
        events=round(median(run.events for run in runs)),
        events_per_second=median(run.events_per_second for run in runs),
        cpu_us_per_event=median(run.cpu_us_per_event for run in runs),
        peak_rss_bytes=max(run.peak_rss_bytes for run in runs),
    )


def _seconds_working(samples: list[Sample], now: Sample) -> float:
    first = next((sample for sample in samples if sample.events), now)
    return now.at_seconds - first.at_seconds
