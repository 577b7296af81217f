"""The capacity page's table follows its formula; the disasters page has every fault, and names tests that exist."""

import re
from pathlib import Path

from docs import capacity_table, markers

ROOT = Path(__file__).parents[3]
MEASURED = capacity_table.Measured(
    re_keyed=100_000, keyed=120_000, with_features=50_000, recovered=1_000_000, changelog_bytes=50, row_bytes=100
)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_a_row_is_twice_the_workers_and_what_they_keep() -> None:
    lines = capacity_table.table(MEASURED).splitlines()
    # 1 M events/s: 20 workers; 500,000 ids/s for 21,660 s; 50 bytes for 7 days; a twentieth of it at 1 M/s
    assert "| 1,000,000 | 20 | 32 | 40 workers | 10,830 M | 54.1 GB | 30,240 GB | 504 min |" in lines


def test_two_workers_and_the_default_partitions_are_the_least() -> None:
    assert capacity_table.workers(1, 100_000) == 2
    assert capacity_table.partitions(2) == 8
    assert capacity_table.partitions(17) == 32


def test_the_capacity_page_has_its_place_and_the_figures_can_be_read() -> None:
    assert capacity_table.Measured.load().row_bytes > 0
    markers.filled(page("capacity.md"), "capacity", "")


def test_each_fault_of_processes_brokers_and_disks_has_one_row() -> None:
    rows = re.findall(r"(?m)^\| F(\d+) \|", page("disasters.md"))
    assert rows == [str(number) for number in range(8, 34)]


def test_the_proofs_that_the_disasters_page_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+\.py)`", page("disasters.md")))
    assert {name for name in named if not (ROOT / "tests" / "faults" / name).is_file()} == set()
