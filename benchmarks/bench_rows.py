"""CPU time of keeping rows at hand, in microseconds a key: `tables.row_table` beside dictionaries of bytes.

Run with `python -m benchmarks.bench_rows`; needs no broker. Predictions are looked up, are not there, and are entered;
their labels come after an exponential delay, so they ask for rows in another order, and enter them again. Both do the
same to the same keys, in turns; the best of several rounds counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from tables.found_rows import FoundRows
from tables.key_index import hashed
from tables.row_table import RowTable
from tables.strings import Strings

PARTITIONS = 4
KEYS = 96_000
"""Of each partition."""
CHUNK = 8_000
DELAY_MEAN = 30_000
"""Predictions between one and its label, in the mean."""
ROW_BYTES = 29
ROUNDS = 7

Apply = Callable[[int, list[bytes], Strings], None]
"""Look up the keys of a partition's chunk, enter their rows."""


def chunks() -> Iterator[tuple[int, list[bytes]]]:
    """Partition and keys: each chunk of predictions, then the labels that have come by then, in chunks."""
    rng = np.random.default_rng(5)
    keys = [[b"\x01\x00%016x" % one for one in rng.integers(0, 2**63, KEYS).tolist()] for _ in range(PARTITIONS)]
    order = np.argsort(np.arange(KEYS) + rng.exponential(DELAY_MEAN, KEYS))
    labels = [[some[at] for at in order.tolist()] for some in keys]
    behind = KEYS // 2
    for start in range(0, KEYS + behind, CHUNK):
        for partition in range(PARTITIONS):
            for some, at in ((keys, start), (labels, start - behind)):
                if 0 <= at < KEYS:  # new objects, as they come from a decoder
                    yield partition, [bytes(bytearray(key)) for key in some[partition][at : at + CHUNK]]


def with_dictionaries() -> Apply:
    rows_of: list[dict[bytes, bytes]] = [{} for _ in range(PARTITIONS)]
    nothing = bytes(ROW_BYTES)

    def apply(partition: int, keys: list[bytes], rows: Strings) -> None:
        of = rows_of[partition]
        found = [nothing if row is None else row for row in map(of.get, keys)]
        np.frombuffer(b"".join(found), f"V{ROW_BYTES}")
        of.update(zip(keys, rows.to_list(), strict=True))

    return apply


def with_tables() -> Apply:
    tables = [RowTable(ROW_BYTES) for _ in range(PARTITIONS)]

    def apply(partition: int, keys: list[bytes], rows: Strings) -> None:
        table, found = tables[partition], FoundRows(len(keys), ROW_BYTES)
        table.look_up(hashed(Strings.of(keys)), np.arange(len(keys)), found)
        table.put(hashed(Strings.of(keys)), rows)  # hashed anew, as a block is applied by itself

    return apply


def measured(begin: Callable[[], Apply]) -> float:
    """CPU seconds of all chunks."""
    apply, spent = begin(), 0.0
    for partition, keys in chunks():
        rows = Strings(b"\x01" * (ROW_BYTES * len(keys)), np.full(len(keys), ROW_BYTES))
        started = time.thread_time()
        apply(partition, keys, rows)
        spent += time.thread_time() - started
    return spent


def main() -> None:
    keys = 2 * KEYS * PARTITIONS
    rounds = [(measured(with_dictionaries), measured(with_tables)) for _ in range(ROUNDS)]
    dictionaries, tables = (min(spent) / keys * 1e6 for spent in zip(*rounds, strict=True))
    worst = [max(spent) / keys * 1e6 for spent in zip(*rounds, strict=True)]
    print(f"dictionaries {dictionaries:.2f} µs a key (slowest round {worst[0]:.2f})")
    print(f"tables       {tables:.2f} µs a key (slowest round {worst[1]:.2f})")
    print(f"dictionaries / tables: {dictionaries / tables:.2f}")


if __name__ == "__main__":
    main()
