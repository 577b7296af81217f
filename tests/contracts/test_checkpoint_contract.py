"""One suite for the checkpoint on disk and its twin in memory."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rocksdict import WriteBatch

from tables.checkpoint import Checkpoint, Cut
from tables.memory import MemoryCheckpoint
from tables.rocksdb import RocksCheckpoint
from tests.support.cuts import rows_written

Open = Callable[[], Checkpoint]
MEMORY_BYTES = 8 << 20
ROW = b"\x01\x00"


@pytest.fixture(params=["memory", "rocksdb"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    return MemoryCheckpoint() if request.param == "memory" else RocksCheckpoint(tmp_path / "0", MEMORY_BYTES)


def test_a_new_checkpoint_is_empty(checkpoint: Checkpoint) -> None:
    assert checkpoint.meta() is None
    assert checkpoint.get_many([ROW + b"a"]) == [None]
    assert checkpoint.slot(7) is None
    assert checkpoint.slot_keys() == []


def test_what_was_cut_is_there(checkpoint: Checkpoint) -> None:
    checkpoint.write(Cut(b"1", rows_written({ROW + b"a": b"A", ROW + b"b": b"B"}), {7: b"seven", 2**60: b"big"}))
    checkpoint.write(Cut(b"2", rows_written({ROW + b"a": b"AA"}), {7: b"SEVEN"}, dropped_slots=[2**60, 5]))
    assert checkpoint.meta() == b"2"
    assert checkpoint.get_many([ROW + b"b", ROW + b"c", ROW + b"a"]) == [b"B", None, b"AA"]
    assert checkpoint.slot(7) == b"SEVEN"
    assert checkpoint.slot_keys() == [7]


def test_a_purge_takes_the_rows_of_its_buckets_but_the_spared_ones(checkpoint: Checkpoint) -> None:
    keys = [ROW + name for name in (b"a", b"b", b"c", b"d")]
    rows = dict.fromkeys(keys, b"row")
    index = {(0, 60_000): keys[:2], (0, 120_000): keys[2:3], (1, 60_000): keys[3:]}
    checkpoint.write(Cut(b"1", rows_written(rows), index=index))
    checkpoint.write(Cut(b"2", index={(0, 60_000): [ROW + b"c"]}))
    checkpoint.write(Cut(b"3", purge=[(0, 60_000)], spared={ROW + b"b"}))
    assert checkpoint.get_many(keys) == [None, b"row", None, b"row"]
    checkpoint.write(Cut(b"4", rows_written({keys[0]: b"new"}), purge=[(0, 60_000)]))
    assert checkpoint.get_many(keys[:2]) == [b"new", b"row"]
    checkpoint.write(Cut(b"5", purge=[(1, 60_000), (0, 120_000)]))
    assert checkpoint.get_many(keys) == [b"new", b"row", None, None]


def test_what_is_destroyed_is_empty_and_usable(checkpoint: Checkpoint) -> None:
    checkpoint.write(Cut(b"1", rows_written({ROW: b"A"}), {7: b"seven"}, index={(0, 60_000): [ROW]}))
    checkpoint.destroy()
    assert (checkpoint.meta(), checkpoint.get_many([ROW]), checkpoint.slot_keys()) == (None, [None], [])
    checkpoint.write(Cut(b"2", rows_written({ROW: b"B"}), index={(0, 60_000): [ROW]}))
    assert checkpoint.get_many([ROW]) == [b"B"]
    checkpoint.write(Cut(b"3", purge=[(0, 60_000)]))
    assert checkpoint.get_many([ROW]) == [None]


def test_rocksdb_opens_again_with_everything(tmp_path: Path) -> None:
    first = RocksCheckpoint(tmp_path / "0", MEMORY_BYTES)
    first.write(
        Cut(b"1", rows_written({ROW + b"a": b"A", ROW + b"b": b"B"}), {7: b"seven"}, index={(0, 60_000): [ROW + b"a"]})
    )
    first.close()
    again = RocksCheckpoint(tmp_path / "0", MEMORY_BYTES)
    assert (again.meta(), again.slot_keys()) == (b"1", [7])
    again.write(Cut(b"2", index={(0, 60_000): [ROW + b"b"]}))  # beside the entry of before, not over it
    again.write(Cut(b"3", purge=[(0, 60_000)]))
    assert again.get_many([ROW + b"a", ROW + b"b"]) == [None, None]
    again.close()


class BrokenOffError(Exception):
    """The process dies here."""


def test_rocksdb_purges_again_what_a_crash_broke_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = RocksCheckpoint(tmp_path / "0", MEMORY_BYTES)
    checkpoint.write(Cut(b"old", rows_written({ROW: b"A"}), index={(0, 60_000): [ROW]}))
    written: list[object] = []
    write = checkpoint._write

    def once(batch: WriteBatch) -> None:
        if written:
            raise BrokenOffError
        written.append(batch)
        write(batch)

    monkeypatch.setattr(checkpoint, "_write", once)
    with pytest.raises(BrokenOffError):
        checkpoint.write(Cut(b"new", purge=[(0, 60_000)]))
    assert checkpoint.get_many([ROW]) == [None] or checkpoint.meta() == b"old"
    assert checkpoint.meta() == b"old"  # which still names the bucket


@pytest.mark.parametrize("kind", ["*.sst", "MANIFEST-*"])
def test_f22_flipped_bytes_are_an_error_and_not_another_answer(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "0"
    checkpoint = RocksCheckpoint(path, MEMORY_BYTES)
    rows = {ROW + b"%06d" % n: b"value %d" % n for n in range(5_000)}
    checkpoint.write(Cut(b"meta", rows_written(rows), dict.fromkeys(range(50), b"slot")))
    checkpoint.close()
    damaged = max(path.glob(kind), key=lambda file: file.stat().st_size)
    content = bytearray(damaged.read_bytes())
    for at in range(0, len(content), 997):
        content[at] ^= 0x55
    damaged.write_bytes(content)
    with pytest.raises(Exception, match=r"(?i)corruption|checksum|bad table|mismatch"):  # rocksdict raises no other
        RocksCheckpoint(path, MEMORY_BYTES).get_many(list(rows))
