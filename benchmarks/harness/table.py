"""The bench on the terminal."""

from rich.console import Console
from rich.table import Table

from benchmarks.harness.results import MIB, Results, Target, targets
from benchmarks.harness.throughput import (
    FLOOR,
    ONE_WORKER,
    ONE_WORKER_FEATURES,
    PLAIN_FAUST,
    REKEYED,
    STREAMS_1,
    STREAMS_2,
    STREAMS_HEAP_1,
    STREAMS_HEAP_2,
    TWO_WORKERS,
)

TITLES = {
    FLOOR: "floor: consume and parse only",
    PLAIN_FAUST: "plain Faust",
    STREAMS_1: "Kafka Streams, 1 thread",
    STREAMS_2: "Kafka Streams, 2 threads",
    STREAMS_HEAP_1: "Kafka Streams, heap, 1 thread",
    STREAMS_HEAP_2: "Kafka Streams, heap, 2 threads",
    ONE_WORKER: "Hindcast, one worker",
    TWO_WORKERS: "Hindcast, two workers",
    REKEYED: "Hindcast, one worker, re-keying",
    ONE_WORKER_FEATURES: "Hindcast, one worker, 15 features",
}


def show(results: Results, console: Console) -> None:
    """Print the programs, then the targets, then what failed."""
    if results.runs:
        console.print(_programs(results))
    if found := targets(results):
        console.print(_targets(found))
    if results.merge:
        console.print("merge stage:", ", ".join(f"{name} {value:,.3g}" for name, value in results.merge.items()))
    for line in results.failed:
        console.print(f"[red]failed[/red] {line}", highlight=False)


def _programs(results: Results) -> Table:
    table = Table(title=f"Same topics, same broker, {results.environment['cores']} cores")
    table.add_column("program")
    for name in ("events/s", "µs of CPU an event", "events per CPU s", "peak memory, MiB", "runs"):
        table.add_column(name, justify="right")
    for key, run in results.programs.items():
        table.add_row(
            TITLES[key],
            f"{run.events_per_second:,.0f}",
            f"{run.cpu_us_per_event:,.1f}",
            f"{run.events_per_cpu_second:,.0f}",
            f"{run.peak_rss_bytes / MIB:,.0f}",
            str(len(results.runs[key])),
        )
    return table


def _targets(found: list[Target]) -> Table:
    table = Table(title="Targets")
    table.add_column("what")
    for name in ("reached", "wanted", ""):
        table.add_column(name, justify="right")
    for target in found:
        sign = "≥" if target.at_least else "≤"
        mark = "[green]met[/green]" if target.met else "[red]missed[/red]"
        table.add_row(
            target.what, _number(target.reached, target.unit), f"{sign} {_number(target.bound, target.unit)}", mark
        )
    return table


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".strip()
