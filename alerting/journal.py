"""Rows that have changed; each is encoded once, when they are collected."""

from __future__ import annotations

import msgspec

from alerting.changes import Changes

_encode = msgspec.msgpack.Encoder().encode


class Journal:
    """Remembers which rows were put and dropped since the last `collect`; the last word on a row counts."""

    def __init__(self) -> None:
        self._changed: dict[str, msgspec.Struct | None] = {}

    def put(self, key: str, row: msgspec.Struct) -> None:
        """The row as it will be when collected: it may change until then."""
        self._changed[key] = row

    def drop(self, key: str) -> None:
        """Forget the row."""
        self._changed[key] = None

    def collect(self) -> Changes:
        """What has changed since the last time."""
        changes = Changes()
        for key, row in self._changed.items():
            if row is None:
                changes.drops.append(key)
            else:
                changes.puts[key] = _encode(row)
        self._changed = {}
        return changes
