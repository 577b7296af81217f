"""The checkpoint's twin in memory: for tests, `evaluate` and the demo."""

from __future__ import annotations

from tables.checkpoint import Cut


class MemoryCheckpoint:
    """Cuts kept in dictionaries; see `checkpoint.Checkpoint`."""

    def __init__(self) -> None:
        self._meta: bytes | None = None
        self.rows: dict[bytes, bytes] = {}
        self.slots: dict[int, bytes] = {}
        self.index: dict[tuple[int, int], list[bytes]] = {}

    def meta(self) -> bytes | None:
        """The meta of the last cut; None when there is none."""
        return self._meta

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The rows of the keys, in order."""
        return list(map(self.rows.get, keys))

    def slot(self, key: int) -> bytes | None:
        """One accumulator."""
        return self.slots.get(key)

    def slot_keys(self) -> list[int]:
        """The keys of all accumulators."""
        return list(self.slots)

    def write(self, cut: Cut) -> None:
        """Store a cut."""
        for keys, rows in cut.rows:
            self.rows.update(zip(keys.to_list(), rows.to_list(), strict=True))
        self.slots.update(cut.slots)
        for slot in cut.dropped_slots:
            self.slots.pop(slot, None)
        for bucket, new in cut.index.items():
            self.index.setdefault(bucket, []).extend(new)
        for bucket in cut.purge:
            for key in self.index.pop(bucket, []):
                if key not in cut.spared:
                    self.rows.pop(key, None)
        self._meta = cut.meta

    def close(self) -> None:
        """Nothing to let go of."""

    def destroy(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]  # same as new
