"""Writes the figures of a result file into README.md and docs/benchmarks.md.

`python -m docs.bench_table [RESULT_FILE]`, after `make bench`; default: benchmarks/results/full.json. Without a
result file nothing is written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness.table import TITLES
from benchmarks.harness.throughput import ONE_WORKER, ONE_WORKER_FEATURES, REKEYED, TWO_WORKERS
from docs.markers import DOCS, markdown_table, write

ROOT = DOCS.parent
RESULT = ROOT / "benchmarks/results/full.json"
MIB = 1 << 20
OURS = (ONE_WORKER, TWO_WORKERS, REKEYED, ONE_WORKER_FEATURES)

Result = dict[str, Any]


def short(result: Result) -> str:
    """What the README shows: speed and cost of every program, and where it was measured."""
    return _joined(_programs(result, memory=False), _picture("docs/images/bench.svg"), _where(result))


def full(result: Result) -> str:
    """Everything in the result file that a reader can use."""
    failed = "; ".join(map(str, result["failed"]))
    tables = _programs(result, memory=True), _picture("images/bench.svg"), _where(result), _targets(result)
    return _joined(*tables, f"Failed: {failed}" if failed else "")


def _picture(path: str) -> str:
    return f"![Events per second and CPU time of an event, program by program]({path})"


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _programs(result: Result, *, memory: bool) -> str:
    heads = ["program", "events/s", "µs of CPU an event", *(["peak memory, MiB"] if memory else [])]
    rows = []
    for key, run in result["programs"].items():
        title = TITLES.get(key, key)
        name = f"**{title}**" if key in OURS else title
        row = [name, f"{run['events_per_second']:,.0f}", f"{run['cpu_us_per_event']:,.1f}"]
        rows.append([*row, *([f"{run['peak_rss_bytes'] / MIB:,.0f}"] if memory else [])])
    return markdown_table(heads, rows, right=len(heads) - 1) if rows else ""


def _where(result: Result) -> str:
    machine = result["environment"]
    return (
        f"Measured {str(machine['measured_at'])[:10]} with `make bench BENCH={result['setting']}` on "
        f"{machine['cores']} cores ({machine['processor']}) that the broker shares, one run on the same topics. "
        "Ratios within a run compare; figures of different machines do not."
    )


def _targets(result: Result) -> str:
    rows = []
    for target in result.get("targets", []):
        sign = "≥" if target["at_least"] else "≤"
        reached = "none" if target["reached"] is None else _number(target["reached"], target["unit"])
        met = "yes" if target["met"] else "**no**"
        rows.append([target["what"], reached, f"{sign} {_number(target['bound'], target['unit'])}", met])
    return markdown_table(["goal", "reached", "wanted", "met"], rows) if rows else ""


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def main() -> int:
    """Fill in both pages; 1 if there is no result yet."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULT
    if not path.is_file():
        print(f"{path.name} is not there yet: run make bench first")
        return 1
    result = json.loads(path.read_text(encoding="utf-8"))
    write(ROOT / "README.md", "bench", short(result))
    write(DOCS / "benchmarks.md", "bench", full(result))
    print(f"README.md and docs/benchmarks.md hold the figures of {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
