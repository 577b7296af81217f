"""The figures of one bench, the ratios between them, and the targets they are held to."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path

from benchmarks.harness.latency import Latency
from benchmarks.harness.sampling import Throughput, middle
from benchmarks.harness.state import Memory, Recovery
from benchmarks.harness.throughput import (
    ONE_WORKER,
    ONE_WORKER_FEATURES,
    PLAIN_FAUST,
    STREAMS_1,
    STREAMS_2,
    STREAMS_HEAP_1,
    STREAMS_HEAP_2,
    TWO_WORKERS,
)

EMIT_EVERY_SECONDS = 10.0  # the workers' default
MIB = 1 << 20
STREAMS = {"kafka_streams": (STREAMS_1, STREAMS_2), "kafka_streams_heap": (STREAMS_HEAP_1, STREAMS_HEAP_2)}


@dataclass(slots=True)
class Results:
    """Everything measured so far; what was not measured is empty or None."""

    setting: str
    environment: dict[str, object]
    runs: dict[str, list[Throughput]] = field(default_factory=dict)
    recovery: Recovery | None = None
    memory: Memory | None = None
    latency: Latency | None = None
    merge: dict[str, float] | None = None
    failed: list[str] = field(default_factory=list)

    @property
    def programs(self) -> dict[str, Throughput]:
        """The median run of each program."""
        return {key: middle(found) for key, found in self.runs.items() if found}


@dataclass(frozen=True, slots=True)
class Target:
    """A bound and what was reached; `at_least` says on which side of the bound is good."""

    what: str
    reached: float
    bound: float
    unit: str = ""
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.reached >= self.bound if self.at_least else self.reached <= self.bound


def ratios(programs: Mapping[str, Throughput]) -> dict[str, float]:
    """How one worker stands to each rival and two workers to one."""
    one, two, faust = (programs.get(key) for key in (ONE_WORKER, TWO_WORKERS, PLAIN_FAUST))
    if one is None:
        return {}
    found: dict[str, float] = {}
    if faust:
        found["one_worker_over_plain_faust"] = one.events_per_second / faust.events_per_second
    for name, keys in STREAMS.items():
        if streams := [programs[key] for key in keys if key in programs]:
            found |= _over_streams(name, one, streams)
    if two:
        found["two_workers_over_one"] = two.events_per_second / one.events_per_second
    if watching := programs.get(ONE_WORKER_FEATURES):
        found["features_over_one_worker_cpu"] = watching.cpu_us_per_event / one.cpu_us_per_event
    return found


def _over_streams(name: str, one: Throughput, streams: list[Throughput]) -> dict[str, float]:
    """Against Kafka Streams with its better number of threads, for each figure anew."""
    fastest = max(run.events_per_second for run in streams)
    cheapest = max(run.events_per_cpu_second for run in streams)
    return {
        f"one_worker_over_{name}": one.events_per_second / fastest,
        f"one_worker_over_{name}_per_cpu_second": one.events_per_cpu_second / cheapest,
    }


def targets(results: Results) -> list[Target]:
    """The bounds of everything that was measured."""
    return [*_throughput_targets(results), *_state_targets(results)]


def _throughput_targets(results: Results) -> list[Target]:
    bounds = {
        "one_worker_over_plain_faust": ("one worker / plain Faust, events per second", 70.0),
        "one_worker_over_kafka_streams": ("one worker / Kafka Streams, events per second", 2.0),
        "one_worker_over_kafka_streams_per_cpu_second": ("one worker / Kafka Streams, events per CPU second", 3.0),
        "two_workers_over_one": ("two workers / one, events per second", 1.4),
    }
    reached = ratios(results.programs)
    found = [Target(what, reached[key], bound, "x") for key, (what, bound) in bounds.items() if key in reached]
    if one := results.programs.get(ONE_WORKER):
        found.append(Target("CPU of one event, end to end", one.cpu_us_per_event, 7.0, "µs", at_least=False))
    if watching := results.programs.get(ONE_WORKER_FEATURES):
        what = "CPU of one event with 15 features watched"
        found.append(Target(what, watching.cpu_us_per_event, 15.0, "µs", at_least=False))
    return found


def _state_targets(results: Results) -> list[Target]:
    found = []
    if recovery := results.recovery:
        found.append(Target("recovery from the changelog alone", recovery.events_per_second, 800_000, "events/s"))
    if memory := results.memory:
        what = f"resident memory with {memory.pending_rows / 1e6:.1f} M pending rows"
        found.append(Target(what, memory.peak_rss_bytes / MIB, 512, "MiB", at_least=False))
    if latency := results.latency:
        what = f"label to metric record, p95 at {latency.events_per_second:,.0f} events/s"
        p95_seconds = float("inf") if latency.p95_seconds is None else latency.p95_seconds
        found.append(Target(what, p95_seconds, EMIT_EVERY_SECONDS + 1, "s", at_least=False))
        found.append(Target("labels that no record counted", latency.uncounted, 0, at_least=False))
    return found


def as_json(results: Results) -> dict[str, object]:
    """The result file's content."""
    return {
        "schema": "hindcast.bench/1",
        "setting": results.setting,
        "environment": results.environment,
        "programs": {key: {**asdict(run), "runs": len(results.runs[key])} for key, run in results.programs.items()},
        "runs": {key: [asdict(run) for run in found] for key, found in results.runs.items()},
        "ratios": ratios(results.programs),
        "recovery": {**asdict(results.recovery), "events_per_second": results.recovery.events_per_second}
        if results.recovery
        else None,
        "memory": asdict(results.memory) if results.memory else None,
        "latency": asdict(results.latency) if results.latency else None,
        "merge": results.merge,
        "targets": [_target(target) for target in targets(results)],
        "failed": results.failed,
    }


def _target(target: Target) -> dict[str, object]:
    """A target as JSON, which has no infinity."""
    return {**asdict(target), "reached": target.reached if isfinite(target.reached) else None, "met": target.met}


def save(results: Results, path: Path) -> None:
    """Write the result file; done after every stage, so that a late failure costs no early figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(results), indent=1, allow_nan=False) + "\n")
