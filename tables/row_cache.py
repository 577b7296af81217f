"""Rows in memory before the database: those not yet written, and the newest ones after."""

from __future__ import annotations

from collections.abc import Iterable

from tables.checkpoint import Checkpoint

ROW_BYTES = 300
"""What one cached row takes in memory: key, value and dictionary entry, measured."""


class RowCache:
    """Looks rows up: unwritten, in the cut being written, recent, then the checkpoint.

    ``recent`` is two generations: when the young one is full it becomes the old one, so memory
    stays bounded and the newest rows, which labels most often ask for, stay.
    """

    def __init__(self, checkpoint: Checkpoint, recent_max: int) -> None:
        self._checkpoint = checkpoint
        self._generation_max = max(recent_max // 2, 1)
        self.fresh: dict[bytes, bytes] = {}
        self.frozen: dict[bytes, bytes] = {}
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The rows of the keys, in order; None for unknown ones."""
        found = list(map(self.fresh.get, keys))
        missing = [i for i, row in enumerate(found) if row is None]
        for older in (self.frozen, self._young, self._old):
            if not missing:
                return found
            if older:
                missing = self._fill(found, missing, list(map(older.get, [keys[i] for i in missing])))
        if missing:
            self._fill(found, missing, self._checkpoint.get_many([keys[i] for i in missing]))
        return found

    @staticmethod
    def _fill(found: list[bytes | None], missing: list[int], rows: list[bytes | None]) -> list[int]:
        """Put in what was found for the missing ones; those that are still missing."""
        for i, row in zip(missing, rows, strict=True):
            if row is not None:
                found[i] = row
        return [i for i in missing if found[i] is None]

    def update(self, keys: Iterable[bytes], rows: Iterable[bytes]) -> None:
        """Rows as they stand now."""
        self.fresh.update(zip(keys, rows, strict=True))

    def freeze(self) -> dict[bytes, bytes]:
        """The rows to be written; they stay readable until `written`."""
        self.frozen, self.fresh = self.fresh, {}
        return self.frozen

    def written(self, *, keep: bool = True) -> None:
        """The frozen rows are in the checkpoint; ``keep`` them among the recent ones."""
        if keep:
            self._young.update(self.frozen)
        self.frozen = {}
        if len(self._young) > self._generation_max:
            self._old, self._young = self._young, {}

    def forget(self) -> None:
        """Drop the recent generations: rows have been purged from the checkpoint."""
        self._young, self._old = {}, {}
