"""Rows in memory before the database: those not yet written, and the newest ones after."""

from __future__ import annotations

from itertools import chain

import numpy as np

from tables.checkpoint import Checkpoint, RowsWritten
from tables.found_rows import FoundRows
from tables.key_index import hashed
from tables.row_table import RowTable
from tables.strings import Strings

KEPT_BYTES = 120
"""What a cached row takes in memory besides itself: key (of an id of up to 48 bytes), slots, and room not used yet."""
WAITING_BYTES = 140
"""What a row that only waits to be written takes: key and value."""


class RowCache:
    """Looks rows up: the recent ones in memory, then the checkpoint.

    The recent rows are two generations: when the young one is full it becomes the old one, so
    memory stays bounded and the newest rows, which labels most often ask for, stay. Rows that are
    not yet written are always among them: a generation lasts at least from one cut to the next.

    row_bytes: what most rows have, at most; recent_max: rows of both generations together; waiting_max: rows that wait
    during a replay.
    """

    def __init__(self, checkpoint: Checkpoint, row_bytes: int, recent_max: int, waiting_max: int) -> None:
        self._checkpoint = checkpoint
        self._generation_max = max(recent_max // 2, 1)
        self._waiting_max = waiting_max
        self._unwritten: list[RowsWritten] = []
        self._in_cut: list[RowsWritten] = []
        self._row_bytes = row_bytes
        self._young, self._old = RowTable(row_bytes), RowTable(row_bytes)
        self._replaying = False
        self.waiting = 0
        """Rows that wait to be written, those of one key each by itself."""

    def get_many(self, keys: list[bytes], width: int) -> FoundRows:
        """The rows of the keys, in order; most of them have ``width`` bytes."""
        if self._replaying:
            self._replaying = False
            self.forget()
        missing, names = np.arange(len(keys)), hashed(Strings.of(keys))
        found = FoundRows(len(keys), width, names.repeated())
        for table in (self._young, self._old):
            if len(table) and len(missing):
                asked = names if len(missing) == len(keys) else names.take(missing)
                missing = table.look_up(asked, missing, found)
        if len(missing):
            found.enter(missing, self._checkpoint.get_many([keys[i] for i in missing.tolist()]))
        return found

    def is_full(self) -> bool:
        """Whether so many rows wait that a checkpoint should be written now."""
        return self.waiting >= (self._waiting_max if self._replaying else self._generation_max)

    def update(self, keys: list[bytes], rows: Strings) -> None:
        """Rows as they stand now, of keys of which no two are equal."""
        names = Strings.of(keys)
        if not self._replaying:
            self._young.put(hashed(names), rows)
        self._unwritten.append((names, rows))
        self.waiting += len(keys)

    def replay(self) -> None:
        """Updates come from the log now and nobody asks for rows, so none are kept at hand until somebody does."""
        if not self._replaying:
            self._replaying = True
            self._young, self._old = RowTable(self._row_bytes), RowTable(self._row_bytes)

    def unwritten(self) -> dict[bytes, bytes]:
        """The rows since the last cut."""
        pairs = (zip(keys.to_list(), rows.to_list(), strict=True) for keys, rows in self._unwritten)
        return dict(chain.from_iterable(pairs))

    def freeze(self) -> list[RowsWritten]:
        """What is to be written, in order: of two rows with one key the later counts."""
        self._in_cut, self._unwritten, self.waiting = self._unwritten, [], 0
        return self._in_cut

    def written(self) -> None:
        """The frozen rows are in the checkpoint."""
        self._in_cut = []
        if len(self._young) > self._generation_max:
            self._old, self._young = self._young, self._old
            self._young.clear()

    def forget(self) -> None:
        """Keep only what is not stored: rows have been purged from the checkpoint, or some were not kept at hand."""
        self._young.clear()
        self._old.clear()
        for keys, rows in (*self._in_cut, *self._unwritten):
            self._young.put(hashed(keys), rows)
