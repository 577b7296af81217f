"""Coverage of every interval; takes minutes. The figures of a whole run stand in benchmarks/results/coverage.json."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.coverage.classes import RARE, USUAL, binary_windows, multiclass_windows
from benchmarks.coverage.estimates import cbpe_windows, dle_windows
from benchmarks.coverage.numbers import HEAVY, NORMAL, regression_windows
from benchmarks.coverage.tally import SIZES, Coverage, Tally

RESULT = Path(__file__).parents[1] / "results/coverage.json"
WINDOWS = 2000

SCENARIOS: tuple[Callable[[int, int, np.random.Generator], Tally], ...] = (
    partial(binary_windows, USUAL),
    partial(binary_windows, RARE),
    multiclass_windows,
    partial(regression_windows, NORMAL),
    partial(regression_windows, HEAVY),
    partial(cbpe_windows, USUAL, 20_000),
    partial(cbpe_windows, USUAL, 2_000),
    partial(dle_windows, 5_000),
)


def measured(windows: int) -> Iterator[Coverage]:
    """Every interval of every scenario and size, each with a seed of its own."""
    jobs = [(number, records, windows) for number in range(len(SCENARIOS)) for records in SIZES]
    with ProcessPoolExecutor() as pool:
        for found in pool.map(_one, jobs):
            yield from found


def _one(job: tuple[int, int, int]) -> list[Coverage]:
    number, records, windows = job
    return list(SCENARIOS[number](records, windows, np.random.default_rng([number, records])).found())


def rows(found: list[Coverage]) -> dict[tuple[str, str], dict[int, Coverage]]:
    """By scenario and metric, then by records."""
    table: dict[tuple[str, str], dict[int, Coverage]] = {}
    for one in found:
        table.setdefault((one.scenario, one.metric), {})[one.records] = one
    return table


def show(found: list[Coverage], console: Console) -> None:
    table = Table(title="95 % intervals that hold the truth; red outside 93 to 97 %")
    table.add_column("windows")
    table.add_column("interval")
    for records in SIZES:
        table.add_column(f"n = {records:,}", justify="right")
    for (scenario, metric), cells in rows(found).items():
        table.add_row(scenario, metric, *(_cell(cells.get(records)) for records in SIZES))
    console.print(table)


def _cell(one: Coverage | None) -> str:
    if one is None or one.share is None:
        return ""
    text = f"{one.share:.1%}"
    return text if one.is_as_wanted else f"[red]{text}[/red]"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--windows", type=int, default=WINDOWS, help="simulated windows of each size")
    windows = parser.parse_args().windows
    found = list(measured(windows))
    show(found, Console())
    if windows >= WINDOWS:
        lines = ",\n".join(json.dumps(asdict(one)) for one in found)
        RESULT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
