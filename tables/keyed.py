"""A small durable map of rows: the state of what judges and notifies.

A fold of blocks like every state: what rows were put and dropped, and up to which offset of which topic the block
covers the input. What the rows mean is known to whoever writes them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec

from tables.checkpoint import Checkpoint, Cut

_COMPRESSION = 1  # rows repeat each other's names; a snapshot must fit into one record


class KeyedBlock(msgspec.Struct, array_like=True, gc=False):
    """One entry of the log. applied: topic -> last offset of it that is covered; others stay as they were."""

    applied: dict[str, int] = {}
    puts: dict[str, bytes] = {}
    drops: list[str] = []


class _Meta(msgspec.Struct):
    position: tuple[int, int, int]
    applied: dict[str, int]


class _Snapshot(msgspec.Struct, array_like=True):
    applied: dict[str, int]
    rows: dict[str, bytes]


_encode = msgspec.msgpack.Encoder().encode
_decode_block = msgspec.msgpack.Decoder(KeyedBlock).decode
_decode_meta = msgspec.msgpack.Decoder(_Meta).decode
_decode_snapshot = msgspec.msgpack.Decoder(_Snapshot).decode
_decode_row = msgspec.msgpack.Decoder(tuple[str, bytes]).decode


def encode_keyed_block(block: KeyedBlock) -> bytes:
    """Bytes of a block's body."""
    return _encode(block)


class KeyedState:
    """All rows of one partition, in memory; each stands in a slot of its own in the checkpoint."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.rows: dict[str, bytes] = {}
        self.applied: dict[str, int] = {}
        self._slots: dict[str, int] = {}
        self._next_slot = 0
        self._dirty: set[str] = set()
        self._dropped: list[int] = []
        self._restore(checkpoint)

    # -- fold

    def apply(self, block: KeyedBlock) -> None:
        """Fold one block in. Drops come after puts."""
        self.applied.update(block.applied)
        self._put(block.puts)
        for key in block.drops:
            if self.rows.pop(key, None) is not None:
                self._dirty.discard(key)
                slot = self._slots.pop(key, None)
                if slot is not None:
                    self._dropped.append(slot)

    def _put(self, rows: Mapping[str, bytes]) -> None:
        self.rows.update(rows)
        self._dirty.update(rows)

    def apply_body(self, body: bytes) -> None:
        """Fold one block's bytes in."""
        self.apply(_decode_block(body))

    def snapshot_body(self) -> bytes:
        """All of it."""
        return zlib.compress(_encode(_Snapshot(self.applied, self.rows)), _COMPRESSION)

    def restore_body(self, body: bytes) -> None:
        """Begin from `snapshot_body` where the log's older blocks are gone."""
        snapshot = _decode_snapshot(zlib.decompress(body))
        self.apply(KeyedBlock(drops=list(self.rows)))
        self.applied = snapshot.applied
        self._put(snapshot.rows)

    # -- checkpoint

    def cut(self, position: tuple[int, int, int]) -> Cut:
        """All that has changed since the last cut."""
        slots = {self._slot(key): _encode((key, self.rows[key])) for key in sorted(self._dirty)}
        dropped, self._dropped, self._dirty = self._dropped, [], set()
        return Cut(meta=_encode(_Meta(position, self.applied)), slots=slots, dropped_slots=dropped)

    def is_full(self) -> bool:
        """Never: what waits to be stored is kept in memory anyway."""
        return False

    def cut_written(self) -> None:
        """Nothing leaves memory: the rows are few."""

    def _slot(self, key: str) -> int:
        if key not in self._slots:
            self._slots[key] = self._next_slot
            self._next_slot += 1
        return self._slots[key]

    def _restore(self, checkpoint: Checkpoint) -> None:
        meta = checkpoint.meta()
        if meta is None:
            return
        self.applied = _decode_meta(meta).applied
        for slot in checkpoint.slot_keys():
            stored = checkpoint.slot(slot)
            if stored is not None:
                key, self.rows[key] = _decode_row(stored)
                self._slots[key] = slot
                self._next_slot = max(self._next_slot, slot + 1)
