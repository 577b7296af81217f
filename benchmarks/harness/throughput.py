"""Events per second and CPU per event of each program on the same two topics, one program after the other."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.harness import baselines, inputs, sampling
from benchmarks.harness.baselines import Workload
from benchmarks.harness.bench import Bench
from benchmarks.harness.child import ChildError
from benchmarks.harness.hindcast import Hindcast, Setup
from benchmarks.harness.sampling import Program, StuckError, Throughput, running

FLOOR, PLAIN_FAUST = "floor", "plain_faust"
STREAMS_1, STREAMS_2 = "kafka_streams_1", "kafka_streams_2"
STREAMS_HEAP_1, STREAMS_HEAP_2 = "kafka_streams_heap_1", "kafka_streams_heap_2"
ONE_WORKER, TWO_WORKERS, REKEYED = "one_worker", "two_workers", "one_worker_rekeyed"
ONE_WORKER_FEATURES = "one_worker_features"
TRAINING_RECORDS = 20_000

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to make a fresh program, and how to measure it."""

    key: str
    make: Callable[[], Program]
    seconds_max: float = 0.0
    to_rest: bool = False  # from the first event until nothing is left to do, instead of the steady part


def contenders(bench: Bench, load: Workload, plain_faust_seconds: float) -> list[Contender]:
    """All programs of the comparison, the slow and the fast, in the order of the table."""

    def streams(threads: int, counters: str) -> Program:
        output = bench.output_topic("streams-out")
        return baselines.kafka_streams(load, bench.name("streams"), output, threads, counters)

    def faust() -> Program:
        return baselines.plain_faust(load, bench.name("faust"), bench.output_topic("faust-out"))

    def hindcast(name: str, setup: Setup) -> Program:
        return Hindcast(name, load, bench.name("hindcast"), setup)

    return [
        Contender(FLOOR, lambda: baselines.floor(load, bench.name("floor"))),
        Contender(PLAIN_FAUST, faust, seconds_max=plain_faust_seconds),
        Contender(STREAMS_1, lambda: streams(1, "store")),
        Contender(STREAMS_2, lambda: streams(2, "store")),
        Contender(STREAMS_HEAP_1, lambda: streams(1, "heap")),
        Contender(STREAMS_HEAP_2, lambda: streams(2, "heap")),
        Contender(ONE_WORKER, lambda: hindcast("Hindcast, one worker", Setup())),
        Contender(TWO_WORKERS, lambda: hindcast("Hindcast, two workers", Setup(workers=2))),
        Contender(
            REKEYED, lambda: hindcast("Hindcast, one worker, re-keying", Setup(partitioned_by_id=False)), to_rest=True
        ),
    ]


def with_features(bench: Bench, load: Workload) -> Contender:
    """One worker whose model has a baseline of everything that the predictions of `load` carry."""
    training = bench.directory / "training.jsonl"
    inputs.training_file(training, TRAINING_RECORDS, seed=17)
    setup = Setup(training=training, features=inputs.NAMES)

    def hindcast() -> Program:
        return Hindcast("Hindcast, one worker, features", load, bench.name("features"), setup)

    return Contender(ONE_WORKER_FEATURES, hindcast)


def measure(
    chosen: list[Contender], events: int, rounds: int, runs: dict[str, list[Throughput]], say: Say
) -> list[str]:
    """Every contender once a round, so that a noisy minute of the machine does not hit only one of them.

    Adds what it measures to `runs`, by the contender's key; answers what failed, one text each.
    """
    failed = []
    for _ in range(rounds):
        for contender in chosen:
            try:
                run = _measure_one(contender, events)
            except (ChildError, StuckError) as error:
                failed.append(f"{contender.key}: {error}")
                continue
            say(
                f"{contender.key}: {run.events_per_second:,.0f} events/s, {run.cpu_us_per_event:.1f} µs of CPU an event"
            )
            runs.setdefault(contender.key, []).append(run)
    return failed


def _measure_one(contender: Contender, events: int) -> Throughput:
    with running(contender.make()) as program:
        samples = sampling.watch(program, events, contender.seconds_max)
        if not contender.to_rest:
            return sampling.steady(samples)
        rest = sampling.settle(program)
        first = next(sample for sample in samples if sample.events)
        return sampling.between(first, rest, rest.peak_rss_bytes)
