"""Writes the measured coverage of the intervals into docs/statistics.md, from benchmarks/results/coverage.json.

`python -m docs.coverage_table`, after `python -m benchmarks.coverage` (`make test-coverage` does both).
"""

from __future__ import annotations

import json
import sys

from benchmarks.coverage.__main__ import RESULT, rows
from benchmarks.coverage.tally import SIZES, Coverage
from docs.markers import DOCS, markdown_table, write


def table() -> str:
    """One row an interval; in bold what is outside 93 to 97 %."""
    found = [Coverage(**one) for one in json.loads(RESULT.read_text(encoding="utf-8"))]
    heads = ["windows", "interval", *(f"n = {records:,}" for records in SIZES)]
    cells = [
        [scenario, metric, *(_cell(by_records.get(records)) for records in SIZES)]
        for (scenario, metric), by_records in rows(found).items()
    ]
    windows = min(one.windows for one in found)
    return f"{windows:,} windows of each size.\n\n{markdown_table(heads, cells, right=len(SIZES))}"


def _cell(one: Coverage | None) -> str:
    if one is None or one.share is None:
        return ""
    text = f"{100 * one.share:.1f} %"
    return text if one.is_as_wanted else f"**{text}**"


def main() -> int:
    """Fill in the page."""
    write(DOCS / "statistics.md", "coverage", table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
