"""Writes what was measured, and what follows for some loads, into docs/capacity.md: `python -m docs.capacity_table`.

Measured by `make bench BENCH=ci` (results/ci.json) and `python -m benchmarks.state_size` (results/state_size.json).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path
from typing import Any

from docs.markers import DOCS, markdown_table, write

RESULTS = DOCS.parent / "benchmarks" / "results"
LOADS = (1e3, 1e4, 1e5, 1e6, 25e6)
"""Events a second; a prediction is one, and so is a label."""
HOLD_SECONDS = 6 * 3600 + 60
"""Default horizon and allowed lateness: as long is a row kept."""
RETENTION_SECONDS = 7 * 86_400
SPARE = 2
"""Twice the workers that the load needs by itself."""
WORKERS_MIN, PARTITIONS_MIN = 2, 8


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one worker and one event."""

    re_keyed: float
    """Events a second of one worker, as are the next two."""
    keyed: float
    with_features: float
    recovered: float
    changelog_bytes: float
    row_bytes: float

    @staticmethod
    def load(bench: Path = RESULTS / "ci.json", size: Path = RESULTS / "state_size.json") -> Measured:
        """Of the result files. Raises KeyError if a program was not measured."""
        result: dict[str, Any] = json.loads(bench.read_text(encoding="utf-8"))
        bytes_of: dict[str, float] = json.loads(size.read_text(encoding="utf-8"))
        programs = {name: found["events_per_second"] for name, found in result["programs"].items()}
        return Measured(
            programs["one_worker_rekeyed"],
            programs["one_worker"],
            programs["one_worker_features"],
            result["recovery"]["events_per_second"],
            bytes_of["changelog_bytes_an_event"],
            bytes_of["disk_bytes_a_row"],
        )


def workers(events_per_second: float, of_one: float) -> int:
    """How many, with as much again to spare."""
    return max(WORKERS_MIN, ceil(SPARE * events_per_second / of_one))


def partitions(count: int) -> int:
    """The next power of two, at least the default."""
    return max(PARTITIONS_MIN, 1 << ceil(log2(count)))


def table(measured: Measured) -> str:
    """One row a load: the default way, which keys again."""
    heads = ["events/s", "workers", "`kafka.partitions`", "with 15 features", "rows", "disk a worker"]
    heads += ["changelog, one copy", "recovery without a disk"]
    return markdown_table(heads, [_row(load, measured) for load in LOADS], right=len(heads))


def _row(load: float, measured: Measured) -> list[str]:
    count = workers(load, measured.re_keyed)
    rows = load / 2 * HOLD_SECONDS
    replay_minutes = load / count * RETENTION_SECONDS / measured.recovered / 60
    return [
        f"{load:,.0f}",
        f"{count:,}",
        f"{partitions(count):,}",
        f"{workers(load, measured.with_features):,} workers",
        f"{rows / 1e6:,.0f} M",
        f"{rows * measured.row_bytes / count / 1e9:,.1f} GB",
        f"{load * measured.changelog_bytes * RETENTION_SECONDS / 1e9:,.0f} GB",
        f"{replay_minutes:,.0f} min",
    ]


def main() -> int:
    """Fill in the page."""
    write(DOCS / "capacity.md", "capacity", table(Measured.load()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
