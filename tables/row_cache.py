"""Rows in memory before the database: those not yet written, and the newest ones after."""

from __future__ import annotations

from tables.checkpoint import Checkpoint, RowsWritten
from tables.strings import Strings

ROW_BYTES = 300
"""What one cached row takes in memory: key, value and dictionary entry, measured."""
WAITING_BYTES = 140
"""What a row that only waits to be written takes: key and value."""


class RowCache:
    """Looks rows up: the recent ones in memory, then the checkpoint.

    The recent rows are two generations: when the young one is full it becomes the old one, so
    memory stays bounded and the newest rows, which labels most often ask for, stay. Rows that are
    not yet written are always among them: a generation lasts at least from one cut to the next.

    recent_max: rows of both generations together; waiting_max: rows that wait during a replay.
    """

    def __init__(self, checkpoint: Checkpoint, recent_max: int, waiting_max: int) -> None:
        self._checkpoint = checkpoint
        self._generation_max = max(recent_max // 2, 1)
        self._waiting_max = waiting_max
        self._unwritten: list[RowsWritten] = []
        self._in_cut: list[RowsWritten] = []
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._replaying = False
        self.waiting = 0
        """Rows that wait to be written, those of one key each by itself."""

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The rows of the keys, in order; None for unknown ones."""
        if self._replaying:
            self._replaying = False
            self.forget()
        found: list[bytes | None] = list(map(self._young.get, keys))
        for look_up in (self._get_old, self._checkpoint.get_many):
            if not any(found):  # no row is empty
                found = look_up(keys)
            elif missing := [i for i, row in enumerate(found) if row is None]:
                for i, row in zip(missing, look_up([keys[i] for i in missing]), strict=True):
                    found[i] = row
        return found

    def _get_old(self, keys: list[bytes]) -> list[bytes | None]:
        return list(map(self._old.get, keys))

    def is_full(self) -> bool:
        """Whether so many rows wait that a checkpoint should be written now."""
        return self.waiting >= (self._waiting_max if self._replaying else self._generation_max)

    def update(self, keys: list[bytes], rows: Strings) -> None:
        """Rows as they stand now."""
        if not self._replaying:
            self._young.update(zip(keys, rows.to_list(), strict=True))
        self._unwritten.append((Strings.of(keys), rows))
        self.waiting += len(keys)

    def replay(self) -> None:
        """Updates come from the log now and nobody asks for rows, so none are kept at hand until somebody does."""
        if not self._replaying:
            self._replaying = True
            self._young, self._old = {}, {}

    def unwritten(self) -> dict[bytes, bytes]:
        """The rows since the last cut."""
        return _by_key(self._unwritten)

    def freeze(self) -> list[RowsWritten]:
        """What is to be written, in order: of two rows with one key the later counts."""
        self._in_cut, self._unwritten, self.waiting = self._unwritten, [], 0
        return self._in_cut

    def written(self) -> None:
        """The frozen rows are in the checkpoint."""
        self._in_cut = []
        if len(self._young) > self._generation_max:
            self._old, self._young = self._young, {}

    def forget(self) -> None:
        """Keep only what is not stored: rows have been purged from the checkpoint, or some were not kept at hand."""
        self._young, self._old = _by_key([*self._in_cut, *self._unwritten]), {}


def _by_key(written: list[RowsWritten]) -> dict[bytes, bytes]:
    """Rows, of several of one key the last."""
    return {key: row for keys, rows in written for key, row in zip(keys.to_list(), rows.to_list(), strict=True)}
