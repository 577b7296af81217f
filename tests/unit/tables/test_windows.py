"""Accumulators: packing, eviction, reload; rows in memory."""

import numpy as np

from metrics.binary_part import BinaryPart
from metrics.layout import COARSE, FINE, HEAD_COLUMNS, Layout
from metrics.window_layout import WindowLayout
from tables.checkpoint import Cut
from tables.join_state import JoinState, Memory
from tables.memory import MemoryCheckpoint
from tables.plan import SEGMENT, WHOLE
from tables.row_cache import RowCache
from tables.snapshot import NAMES_MAX, Snapshot, add_names
from tables.strings import Strings
from tables.windows import slot_key, slot_of
from tests.support.cuts import rows_written
from tests.unit.tables.support import PLAN, T0, WINDOW_MS, Feed


def test_a_snapshot_comes_back_as_it_was() -> None:
    rng = np.random.default_rng(7)
    for layout in (WHOLE, SEGMENT, WindowLayout((BinaryPart(COARSE), BinaryPart(FINE)))):
        cells = (rng.integers(0, 3, layout.cells) * rng.integers(0, 9, layout.cells)).astype(np.int32)
        one = Snapshot(12, rng.integers(-(2**60), 2**60, layout.head_columns), cells, {"errors/timeout": 3})
        other = Snapshot.unpack(one.pack(layout), layout)
        assert (other.version, other.named) == (12, one.named)
        assert np.array_equal(other.head, one.head)
        assert np.array_equal(other.cells, one.cells)


def test_a_part_that_is_laid_out_differently_now_is_empty_and_the_others_stay() -> None:
    fine, coarse, other = BinaryPart(FINE), BinaryPart(COARSE), BinaryPart(Layout(7, 3))
    before, after = WindowLayout((fine, coarse)), WindowLayout((coarse, other))
    one = Snapshot(1, np.arange(before.head_columns), np.arange(before.cells, dtype=np.int32))
    found = Snapshot.unpack(one.pack(before), after)
    assert found.head.tolist() == [*one.head[HEAD_COLUMNS:].tolist(), *[0] * HEAD_COLUMNS]
    assert found.cells.tolist() == [*one.cells[FINE.cells :].tolist(), *[0] * other.cells]


def test_what_has_no_name_left_is_counted_together() -> None:
    names = {f"errors/{number}": 1 for number in range(NAMES_MAX["errors"])}
    full = add_names(names, {"errors/new": 2, "errors/7": 1})
    assert (full["errors/__other__"], full["errors/7"], len(full)) == (2, 2, NAMES_MAX["errors"] + 1)
    both = add_names(full, {"columns_extra/age": 1})
    assert both["columns_extra/age"] == 1, "one field's names take no room from another's"


def test_slot_keys_come_apart_again() -> None:
    assert slot_of(slot_key(T0, 1_048_575)) == (T0, 1_048_575)


def test_evicted_windows_come_back_from_the_checkpoint_and_go_on() -> None:
    checkpoint = MemoryCheckpoint()
    feed = Feed(JoinState(PLAN, 0, checkpoint, Memory(recent_rows_max=2, slots_bytes_max=1)))
    for number in range(5):
        feed.predict(f"a{number}", T0 + number * WINDOW_MS)
    checkpoint.write(feed.state.cut((1, 1, 1)))
    feed.state.cut_written()
    assert [len(pool.slots) for pool in feed.state.windows.pools.values()] == [1]
    for number in range(5):
        feed.predict(f"b{number}", T0 + number * WINDOW_MS)
    keys = [key for keys in feed.state.windows.keys.values() for key in keys]
    found = [feed.state.windows.snapshot(key) for key in keys]
    assert [(s.version, int(s.head[0])) for s in found if s] == [(2, 2)] * 5


def test_what_is_not_stored_is_never_evicted() -> None:
    feed = Feed(JoinState(PLAN, 0, MemoryCheckpoint(), Memory(recent_rows_max=2, slots_bytes_max=1)))
    for number in range(5):
        feed.predict(f"a{number}", T0 + number * WINDOW_MS)
    assert [pool.evict(1) for pool in feed.state.windows.pools.values()] == [0]


def test_the_newest_of_several_generations_of_a_row_is_found() -> None:
    checkpoint = MemoryCheckpoint()
    cache = RowCache(checkpoint, 3, recent_max=2, waiting_max=9)
    checkpoint.write(Cut(b"", rows=rows_written({b"stored": b"0", b"a": b"0"})))
    for value in (b"1", b"2", b"3"):
        cache.update([b"a"], Strings.of([value]))
        rows = cache.freeze()
        assert list(cache.get_many([b"a", b"stored", b"none"], 3)) == [value, b"0", None]
        cache.update([b"a"], Strings.of([value + b"+"]))
        assert list(cache.get_many([b"a"], 3)) == [value + b"+"]
        checkpoint.write(Cut(b"", rows=rows))
        cache.written()


def test_recent_rows_stay_within_their_bound_and_answer_without_the_checkpoint() -> None:
    cache = RowCache(MemoryCheckpoint(), 3, recent_max=10, waiting_max=9)
    for number in range(100):
        cache.update([b"%d" % number], Strings.of([b"row"]))
        cache.freeze()
        cache.written()
    held = [key for key in range(100) if list(cache.get_many([b"%d" % key], 3)) != [None]]
    assert 5 <= len(held) <= 12
    assert held[-1] == 99
    cache.forget()
    assert list(cache.get_many([b"99"], 3)) == [None]


def test_the_rows_are_full_at_a_generation_and_during_a_replay_at_what_may_wait() -> None:
    cache = RowCache(MemoryCheckpoint(), 3, recent_max=4, waiting_max=3)
    cache.update([b"a"], Strings.of([b"row"]))
    assert not cache.is_full()
    cache.update([b"a"], Strings.of([b"again"]))
    assert cache.is_full(), "rows of one key wait each by itself"
    cache.replay()
    assert not cache.is_full()
    cache.update([b"b"], Strings.of([b"row"]))
    assert cache.is_full()
    cache.freeze()
    assert not cache.is_full()


def test_rows_of_a_replay_are_found_when_somebody_asks_written_or_not() -> None:
    checkpoint = MemoryCheckpoint()
    cache = RowCache(checkpoint, 3, recent_max=10, waiting_max=9)
    cache.update([b"a", b"b"], Strings.of([b"old", b"old"]))
    cache.replay()
    cache.update([b"a"], Strings.of([b"new"]))
    checkpoint.write(Cut(b"", rows=cache.freeze()))
    cache.update([b"c"], Strings.of([b"unwritten"]))
    cache.written()
    cache.replay()
    assert list(cache.get_many([b"a", b"b", b"c", b"d"], 3)) == [b"new", b"old", b"unwritten", None]
    cache.update([b"d"], Strings.of([b"live"]))
    assert list(cache.get_many([b"d", b"a"], 3)) == [b"live", b"new"]
