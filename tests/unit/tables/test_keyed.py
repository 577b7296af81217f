"""Rows put and dropped by blocks: live, replayed, from a snapshot and from a checkpoint they are the same."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.block_log import LogPosition
from tables.checkpoint import Checkpoint
from tables.keyed import KeyedBlock, KeyedState, encode_keyed_block
from tables.memory import MemoryCheckpoint
from tables.partition import BlockPartition, position_of
from tables.rocksdb import RocksCheckpoint

Reopen = Callable[[Checkpoint], Checkpoint]
POSITION = (7, 3, 4)
KEYS = st.sampled_from("abcd")
BLOCKS = st.lists(
    st.builds(
        KeyedBlock,
        applied=st.dictionaries(st.sampled_from(["alerts", "silences"]), st.integers(0, 99), max_size=2),
        puts=st.dictionaries(KEYS, st.binary(max_size=3), max_size=3),
        drops=st.lists(KEYS, max_size=2, unique=True),
    ),
    max_size=12,
)


def folded(blocks: list[KeyedBlock]) -> KeyedState:
    state = KeyedState(MemoryCheckpoint())
    for block in blocks:
        state.apply_body(encode_keyed_block(block))
    return state


def content(state: KeyedState) -> tuple[dict[str, bytes], dict[str, int]]:
    return state.rows, state.applied


def test_the_newest_row_of_a_key_stands_until_it_is_dropped() -> None:
    state = folded([KeyedBlock({"t": 1}, {"a": b"1", "b": b"1"}), KeyedBlock({"t": 2}, {"a": b"2"}, ["b"])])
    assert content(state) == ({"a": b"2"}, {"t": 2})


def test_a_row_that_is_put_and_dropped_by_one_block_is_gone() -> None:
    assert folded([KeyedBlock(puts={"a": b"1"}, drops=["a"])]).rows == {}


def test_a_block_says_nothing_of_topics_that_it_does_not_name() -> None:
    assert folded([KeyedBlock({"t": 1}), KeyedBlock({"u": 5}), KeyedBlock()]).applied == {"t": 1, "u": 5}


@given(BLOCKS, st.lists(st.integers(0, 12), max_size=4))
def test_a_checkpoint_cut_anywhere_and_the_blocks_behind_it_are_the_whole_log(
    blocks: list[KeyedBlock], cuts: list[int]
) -> None:
    checkpoint = MemoryCheckpoint()
    state = KeyedState(checkpoint)
    for number, block in enumerate(blocks):
        state.apply(block)
        if number in cuts:
            checkpoint.write(state.cut(POSITION))
            state.cut_written()
            state = KeyedState(checkpoint)  # as after a restart
    assert content(state) == content(folded(blocks))


@given(BLOCKS)
def test_many_cuts_of_one_state_leave_nothing_of_dropped_rows_behind(blocks: list[KeyedBlock]) -> None:
    checkpoint = MemoryCheckpoint()
    state = KeyedState(checkpoint)
    for block in blocks:
        state.apply(block)
        checkpoint.write(state.cut(POSITION))
    assert content(KeyedState(checkpoint)) == content(folded(blocks))
    assert len(checkpoint.slots) == len(state.rows)


@given(BLOCKS, BLOCKS)
def test_a_snapshot_and_the_blocks_behind_it_are_the_whole_log(
    before: list[KeyedBlock], behind: list[KeyedBlock]
) -> None:
    state = folded([KeyedBlock(puts={"stale": b"1"})])
    state.restore_body(folded(before).snapshot_body())
    for block in behind:
        state.apply(block)
    assert content(state) == content(folded(before + behind))


@pytest.mark.parametrize("kind", ["memory", "rocksdb"])
def test_both_kinds_of_checkpoint_keep_rows_offsets_and_position(tmp_path: Path, kind: str) -> None:
    checkpoint: Checkpoint = MemoryCheckpoint() if kind == "memory" else RocksCheckpoint(tmp_path / "0", 8 << 20)
    state = KeyedState(checkpoint)
    state.apply(KeyedBlock({"t": 9}, {"a": b"1", "b": b"2", "ä|%": b""}))
    checkpoint.write(state.cut(POSITION))
    state.apply(KeyedBlock({"t": 10}, {"a": b"3"}, ["b"]))
    checkpoint.write(state.cut(POSITION))
    if kind == "rocksdb":
        checkpoint.close()
        checkpoint = RocksCheckpoint(tmp_path / "0", 8 << 20)
    assert content(KeyedState(checkpoint)) == ({"a": b"3", "ä|%": b""}, {"t": 10})
    assert position_of(checkpoint) == POSITION
    checkpoint.close()


def test_a_partition_replays_its_log_into_the_rows_and_passes_over_a_zombies_block() -> None:
    writer, zombie = LogPosition(), LogPosition()
    log = [writer.frame(encode_keyed_block(KeyedBlock({"t": 0}, {"a": b"1"})), log_id=1 << 40 | 1)]
    writer.appended()
    zombie.log_id, zombie.head, zombie.seen = writer.log_id, writer.head, writer.seen
    log.append(writer.frame(encode_keyed_block(KeyedBlock({"t": 1}, {"a": b"2"})), log_id=1 << 40 | 2))
    log.append(zombie.frame(encode_keyed_block(KeyedBlock({"t": 1}, {"a": b"zombie"})), log_id=1 << 40 | 3))
    partition = BlockPartition(0, lambda _, checkpoint: KeyedState(checkpoint), MemoryCheckpoint())
    for offset, value in enumerate(log):
        partition.replay(offset, value)
    assert isinstance(partition.state, KeyedState)
    assert content(partition.state) == ({"a": b"2"}, {"t": 1})
    assert partition.position.skipped == 1


def test_a_snapshot_of_ten_thousand_rows_fits_into_one_record() -> None:
    row = b'{"fingerprint":"0123456789abcdef","rule":"accuracy-critical","status":"firing","model":"fraud"}' * 6
    rows = {f"incident|{number:08d}|slack": row + str(number * 7919).encode() for number in range(10_000)}
    assert len(folded([KeyedBlock(puts=rows)]).snapshot_body()) < 1 << 20
