"""Measures Hindcast beside the baselines on a real broker: ``make bench``, or ``python -m benchmarks.run --help``."""

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from benchmarks.harness import environment, latency, results, state, table, throughput
from benchmarks.harness.baselines import REPOSITORY, build_kafka_streams
from benchmarks.harness.bench import Bench, open_bench
from benchmarks.harness.child import ChildError
from benchmarks.harness.sampling import StuckError
from benchmarks.harness.topics import LoadError

THROUGHPUT, FEATURES, RECOVERY = "throughput", "features", "recovery"
LATENCY, MEMORY, MERGE = "latency", "memory", "merge"
STAGES = (THROUGHPUT, FEATURES, RECOVERY, LATENCY, MEMORY, MERGE)


@dataclass(frozen=True, slots=True)
class Setting:
    """How much of everything; `pending_rows` 0 leaves the memory stage out."""

    predictions: int  # and as many labels
    with_features: int  # of the features stage, likewise
    rounds: int
    plain_faust_seconds: float
    latency_seconds: float
    pending_rows: int


SETTINGS = {
    "ci": Setting(500_000, 250_000, rounds=1, plain_faust_seconds=12, latency_seconds=20, pending_rows=0),
    "full": Setting(2_000_000, 2_000_000, rounds=3, plain_faust_seconds=20, latency_seconds=60, pending_rows=5_000_000),
}


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--setting", choices=SETTINGS, default=os.environ.get("BENCH", "full"))
    parser.add_argument("--stages", default=",".join(STAGES), help=f"some of {','.join(STAGES)}")
    parser.add_argument("--programs", default="", help=f"some of {','.join(table.TITLES)} (default: all)")
    parser.add_argument("--predictions", type=int, help="instead of the setting's number")
    parser.add_argument("--rounds", type=int, help="instead of the setting's number")
    parser.add_argument("--bootstrap", help="a running broker instead of one of our own")
    parser.add_argument("--name", help="name of the result file (default: the setting)")
    parser.add_argument("--image", type=Path, help="where the drawing goes, without its ending")
    parser.add_argument("--keep", action="store_true", help="keep logs and state under .cache/bench")
    parser.add_argument("--strict", action="store_true", help="a missed target is a failure")
    return parser.parse_args(argv)


class Run:
    """The stages that were asked for, one after the other, each saved when it is done."""

    def __init__(self, asked: argparse.Namespace, console: Console) -> None:
        self._asked, self._console = asked, console
        self._setting = SETTINGS[asked.setting]
        self._predictions = asked.predictions or self._setting.predictions
        self.path = REPOSITORY / "benchmarks/results" / f"{asked.name or asked.setting}.json"
        self.results = results.Results(asked.setting, environment.describe())

    def all(self, bench: Bench) -> None:
        stages: dict[str, Callable[[Bench], None]] = {
            THROUGHPUT: self._throughput,
            FEATURES: self._features,
            RECOVERY: self._recovery,
            LATENCY: self._latency,
            MEMORY: self._memory,
            MERGE: self._merge,
        }
        for name in self._asked.stages.split(","):
            self._console.rule(name)
            try:
                stages[name](bench)
            except (ChildError, StuckError, LoadError) as error:
                self.results.failed.append(f"{name}: {error}")
            self.results.environment["load_average_after"] = environment.load_average()
            results.save(self.results, self.path)

    def _throughput(self, bench: Bench) -> None:
        load = bench.workload(self._predictions)
        contenders = throughput.contenders(bench, load, self._setting.plain_faust_seconds)
        wanted = self._asked.programs.split(",") if self._asked.programs else list(table.TITLES)
        chosen = [contender for contender in contenders if contender.key in wanted]
        if any(contender.key.startswith("kafka_streams") for contender in chosen):
            build_kafka_streams()
        self._measure(chosen, load.events)

    def _features(self, bench: Bench) -> None:
        load = bench.workload(self._asked.predictions or self._setting.with_features, with_inputs=True)
        self._measure([throughput.with_features(bench, load)], load.events)

    def _measure(self, chosen: list[throughput.Contender], events: int) -> None:
        rounds = self._asked.rounds or self._setting.rounds
        self.results.failed += throughput.measure(chosen, events, rounds, self.results.runs, self._say)

    def _recovery(self, bench: Bench) -> None:
        self.results.recovery = state.recovery(bench, bench.workload(self._predictions))

    def _latency(self, bench: Bench) -> None:
        self.results.latency = latency.measure(bench, self._setting.latency_seconds)

    def _memory(self, bench: Bench) -> None:
        if rows := self._setting.pending_rows:
            self.results.memory = state.memory(bench, rows)

    def _merge(self, _bench: Bench) -> None:
        if find_spec("benchmarks.bench_merge"):
            self.results.merge = importlib.import_module("benchmarks.bench_merge").measure()

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False)


def main(argv: list[str] | None = None) -> int:
    asked, console = arguments(argv), Console()
    if unknown := set(asked.stages.split(",")) - set(STAGES):
        console.print(f"no such stage: {', '.join(sorted(unknown))}")
        return 2
    run = Run(asked, console)
    with open_bench(asked.bootstrap, keep=asked.keep) as bench:
        run.all(bench)
    table.show(run.results, console)
    _draw(run, asked.image)
    missed = [target for target in results.targets(run.results) if not target.met]
    return 1 if run.results.failed or (asked.strict and missed) else 0


def _draw(run: Run, image: Path | None) -> None:
    """Draw for the README after a full bench, under .cache otherwise; in a process of its own, off the figures."""
    if not run.results.runs:
        return
    full = run.results.setting == "full" and not run.results.failed
    stem = image or (REPOSITORY / ("docs/images/bench" if full else f".cache/bench/{run.path.stem}"))
    subprocess.run([sys.executable, "-m", "benchmarks.drawing", str(run.path), str(stem)], cwd=REPOSITORY, check=True)


if __name__ == "__main__":
    sys.exit(main())
