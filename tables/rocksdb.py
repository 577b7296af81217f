"""The checkpoint on disk: one RocksDB a state partition, memory from a budget.

Its own write-ahead log is off: the changelog is the log. RocksDB's ``ttl`` option is never set
(it expires by wall-clock and breaks values when toggled): rows go by event time, in buckets.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn

import msgspec
from rocksdict import (
    BlockBasedOptions,
    Cache,
    DataBlockIndexType,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
    WriteOptions,
)

from tables import state_format
from tables.checkpoint import Cut, RowsWritten
from tables.strings import Strings

_META, _SLOT, _INDEX, _FORMAT = b"\x00M", b"\x00A", b"\x00X", b"\x00F"
"""Row keys begin with a labels topic code, which is never 0."""

_encode = msgspec.msgpack.Encoder().encode
_decode_keys = msgspec.msgpack.Decoder(list[bytes]).decode
_NO_LOG = WriteOptions()
_NO_LOG.disable_wal = True  # type: ignore[method-assign,assignment]  # a property, the stub errs
OPEN_FILES_MAX = 128
BATCH_ROWS_MAX = 20_000
"""Rows written at once: some 20 ms."""
_DAMAGE = ("Corruption", "checksum", "No such file")

Damaged = Callable[[Exception], NoReturn]
"""Called in whatever thread has met a block that is not as it was written."""


def _raise(error: Exception) -> NoReturn:
    raise error


def _options(memory_bytes: int) -> Options:
    """Options for one database: a quarter of the memory to read, the rest to write."""
    table = BlockBasedOptions()
    table.set_block_cache(Cache(max(memory_bytes // 4, 1 << 20)))
    table.set_bloom_filter(10, block_based=False)
    table.set_data_block_index_type(DataBlockIndexType.binary_and_hash())
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_compression_type(DBCompressionType.none())  # rows hardly compress
    options.set_write_buffer_size(max(memory_bytes * 3 // 8, 1 << 20))
    options.set_max_write_buffer_number(2)
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.02)
    options.set_max_open_files(OPEN_FILES_MAX)
    options.set_max_background_jobs(2)
    return options


def _bucket_prefix(bucket: tuple[int, int]) -> bytes:
    topic, bucket_ms = bucket
    return _INDEX + topic.to_bytes(2, "big") + bucket_ms.to_bytes(8, "big")


class RocksCheckpoint:
    """Cuts kept in RocksDB; see `checkpoint.Checkpoint`.

    A damaged block is found when it is read, which may be long after opening: ``tell_damage`` is called.
    """

    def __init__(self, path: Path, memory_bytes: int) -> None:
        self.path = path
        self.tell_damage: Damaged = _raise
        path.parent.mkdir(parents=True, exist_ok=True)
        self._options = _options(memory_bytes)
        self._db = Rdict(str(path), self._options)
        try:
            self._sequence = self._last_sequence()
        except Exception:  # a damaged one must not stay open: it is going to be moved
            self._db.close()
            raise

    def _last_sequence(self) -> int:
        stored = self._db.get(_INDEX)
        return 0 if stored is None else int.from_bytes(stored, "big")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # rocksdict raises plain Exception
            if any(word in str(error) for word in _DAMAGE):
                self.tell_damage(error)
            raise

    def meta(self) -> bytes | None:
        """The meta of the last cut; None when there is none."""
        with self._reading():
            value: bytes | None = self._db.get(_META)
        return value

    def format(self) -> int | None:
        """The state format of the last cut; None when there is none."""
        with self._reading():
            stored = self._db.get(_FORMAT)
        if stored is not None:
            return int.from_bytes(stored, "big")
        return None if self.meta() is None else 1  # the first format did not say so

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The rows of the keys, in order."""
        with self._reading():
            return list(map(self._db.get, keys))  # most are misses, which multi_get answers slower

    def slot(self, key: int) -> bytes | None:
        """One accumulator."""
        with self._reading():
            value: bytes | None = self._db.get(_SLOT + key.to_bytes(8, "big"))
        return value

    def slot_keys(self) -> list[int]:
        """The keys of all accumulators."""
        return [int.from_bytes(key[len(_SLOT) :], "big") for key, _ in self._entries(_SLOT)]

    def write(self, cut: Cut) -> None:
        """Store a cut; raises OSError when the disk refuses.

        Everything but the rows goes in one batch, at the end. Rows may be there before it: they stand in the
        blocks, so a replay from the old position writes the same again.
        """
        # First: a row may come anew after its bucket is over. Until the meta is written the old one names the buckets.
        for bucket in cut.purge:
            self._purge(bucket, cut.spared)
        self._write_rows(cut.rows)
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        for slot, value in cut.slots.items():
            put(_SLOT + slot.to_bytes(8, "big"), value)
        for slot in cut.dropped_slots:
            batch.delete(_SLOT + slot.to_bytes(8, "big"))
        for bucket, keys in cut.index.items():
            self._sequence += 1
            put(_bucket_prefix(bucket) + self._sequence.to_bytes(8, "big"), _encode(keys))
        put(_INDEX, self._sequence.to_bytes(8, "big"))
        put(_META, cut.meta)
        put(_FORMAT, state_format.FORMAT.to_bytes(2, "big"))
        self._write(batch)

    def _write_rows(self, written: list[RowsWritten]) -> None:
        """Roughly in the order of their keys, which costs RocksDB less than half, and not all at once: it lets no other
        thread run meanwhile. Of rows with one key the last is written, or all in order.
        """
        keys, rows = Strings.concat(k for k, _ in written), Strings.concat(r for _, r in written)
        order = keys.order()
        for start in range(0, len(order), BATCH_ROWS_MAX):
            some = order[start : start + BATCH_ROWS_MAX]
            names = keys.pick(some)
            batch = WriteBatch(raw_mode=True)
            put = batch.put
            for key, following, row in zip(names, chain(islice(names, 1, None), (None,)), rows.pick(some), strict=True):
                if key != following:
                    put(key, row)
            self._write(batch)
            time.sleep(0)

    def _write(self, batch: WriteBatch) -> None:
        try:
            with self._reading():  # a background merge of files reads, too, and fails the next write
                self._db.write(batch, _NO_LOG)
        except Exception as error:  # rocksdict raises plain Exception
            raise OSError(f"cannot write the checkpoint {self.path.name}: {error}") from error

    def _purge(self, bucket: tuple[int, int], spared: set[bytes]) -> None:
        """Delete the rows of a bucket that are on disk."""
        prefix = _bucket_prefix(bucket)
        for entry, packed in self._entries(prefix):
            batch = WriteBatch(raw_mode=True)
            for key in _decode_keys(packed):
                if key not in spared:
                    batch.delete(key)
            batch.delete(entry)
            self._write(batch)

    def _entries(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All entries whose keys begin so. rocksdict's own iterators end at a damaged block as if all had been told."""
        with self._reading():
            at = self._db.iter()
            try:
                at.seek(prefix)
                while at.valid() and at.key().startswith(prefix):
                    yield at.key(), at.value()
                    at.next()
                at.status()
            finally:
                del at  # an exception would keep it in its traceback, and it the database open

    def close(self) -> None:
        """Write what is in memory to disk and close."""
        self._db.flush()
        self._db.close()

    def destroy(self) -> None:
        """Close and delete the database: the partition is rebuilt from the changelog."""
        self._db.close()
        shutil.rmtree(self.path, ignore_errors=True)
        self._db = Rdict(str(self.path), self._options)
        self._sequence = 0
