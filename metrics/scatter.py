"""Adding what a chunk of records counts to the windows that they belong to, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Table = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What n records add to a table, k terms each."""

    columns: Ints  # [k, n] the columns that each record touches …
    amounts: Ints  # [k, n] … and what it adds there

    @staticmethod
    def of(*rows: tuple[int | Ints, int | Ints | NDArray[np.bool_]], records: int) -> Terms:
        """Terms of (columns, amounts), each a number, [n], or for several terms at once [m, n].

        >>> Terms.of((0, 1), (np.array([3, 4]), np.array([True, False])), records=2).columns.tolist()
        [[0, 0], [3, 4]]
        """
        whole = [[np.asarray(side, dtype=np.int64) for side in row] for row in rows]
        shapes = [np.broadcast_shapes((1, records), *(side.shape for side in row)) for row in whole]
        columns, amounts = (
            np.concatenate([np.broadcast_to(row[side], shape) for row, shape in zip(whole, shapes, strict=True)])
            for side in (0, 1)
        )
        return Terms(columns, amounts)

    def __len__(self) -> int:
        return len(self.columns.T)

    def take(self, index: Ints) -> Terms:
        """The terms of the records at those positions, i8[m]."""
        return Terms(self.columns[:, index], self.amounts[:, index])

    def add_to(self, table: Table, slot: Ints, sign: int | Ints = 1) -> None:
        """Add to the rows slot [n] of table [S, columns], in place; sign -1, or an i8[n] of +-1, retracts exactly."""
        scatter(table, slot, self.columns, self.amounts * sign)


def scatter(table: Table, slot: Ints, columns: Ints, amounts: Table) -> None:
    """Add amounts [k, n] at (slot [n], columns [k, n]) of table, in place.

    The table is flattened because np.add.at is 15 times faster on one index than on a pair, and has
    amounts of the table's own type. Raises ValueError where flattening would copy, and IndexError for
    a slot that is not there (a negative one would count from the end).
    """
    if not table.flags.c_contiguous:
        raise ValueError("accumulators must be C-contiguous")
    if slot.size and slot.min() < 0:
        raise IndexError("negative slot")
    where = slot * table.shape[1] + columns
    np.add.at(table.reshape(-1), where.reshape(-1), amounts.astype(table.dtype, copy=False).reshape(-1))


def bin_of(values: Floats, scale: float, bins: int) -> Ints:
    """Bin of each value >= 0, the last bin taking all that lies beyond.

    >>> bin_of(np.array([0.0, 0.25, 1.0]), 4, 4).tolist()
    [0, 1, 3]
    """
    return np.minimum((values * scale).astype(np.int64), bins - 1)


def waited(latency_ms: Ints) -> tuple[Ints, Floats]:
    """Label latencies as they are counted: in ms, not below 0; and log2 of them, what is below 1 ms as 1 ms.

    >>> waited(np.array([-5, 1024]))
    (array([   0, 1024]), array([ 0., 10.]))
    """
    waited_ms = np.maximum(latency_ms, 0)
    return waited_ms, np.log2(np.maximum(waited_ms, 1).astype(np.float64))
