"""Keys and rows by thousands: the same as with a dictionary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import key_index
from tables.found_rows import FoundRows
from tables.key_index import KeyIndex, hashed
from tables.row_table import RowTable
from tables.strings import Strings

KEYS = st.one_of(
    st.binary(min_size=1, max_size=3),
    st.sampled_from([b"a", b"a\0", b"a" + b"\0" * 7, b"a" * 8, b"a" * 9, b"a" * 258, b"a" * 257 + b"b"]),
)
ROWS = st.one_of(st.binary(min_size=3, max_size=3), st.binary(min_size=1, max_size=9)).filter(lambda row: row[0] > 0)
STEPS = st.lists(st.dictionaries(KEYS, ROWS, max_size=12), max_size=8)


@given(STEPS)
def test_keys_are_numbered_as_they_came(steps: list[dict[bytes, bytes]]) -> None:
    index, expected = KeyIndex(), dict[bytes, int]()
    for step in steps:
        for key in step:
            expected.setdefault(key, len(expected))
        assert index.find(hashed(Strings.of(list(expected)))).max(initial=-1) < len(index)
        assert index.add(hashed(Strings.of(list(step)))).tolist() == [expected[key] for key in step]
    assert len(index) == len(expected)
    assert index.find(hashed(Strings.of(list(expected)))).tolist() == list(expected.values())


@given(STEPS, st.integers(1, 6), st.integers(1, 6))
def test_the_last_row_of_a_key_is_found(steps: list[dict[bytes, bytes]], width: int, asked: int) -> None:
    table, expected = RowTable(width), dict[bytes, bytes]()
    for step in steps:
        table.put(hashed(Strings.of(list(step))), Strings.of(list(step.values())))
        expected |= step
        keys = [*expected, b"nobody", *step]
        found = FoundRows(len(keys), asked)
        missing = table.look_up(hashed(Strings.of(keys)), np.arange(len(keys)), found)
        assert [keys[at] for at in missing.tolist()] == [b"nobody"]
        assert list(found) == [expected.get(key) for key in keys]


def test_rows_of_one_width_stand_side_by_side_and_the_others_apart() -> None:
    table, found = RowTable(3), FoundRows(4, 3)
    table.put(hashed(Strings.of([b"a", b"b"])), Strings.of([b"one", b"two"]))
    table.put(hashed(Strings.of([b"c", b"d"])), Strings.of([b"three", b"six"]))
    table.look_up(hashed(Strings.of([b"d", b"b", b"a", b"c"])), np.arange(4), found)
    assert [row.tobytes() for row in found.rows] == [bytes(3), b"two", b"one", bytes(3)]
    assert found.others == {0: b"six", 3: b"three"}


def test_a_table_grows_and_begins_anew() -> None:
    rng = np.random.default_rng(3)
    table = RowTable(8)
    for _ in range(2):
        keys = [rng.bytes(int(size)) for size in rng.integers(9, 60, 5_000)]
        for start in range(0, 5_000, 700):
            some = keys[start : start + 700]
            table.put(hashed(Strings.of(some)), Strings.of([b"%08d" % len(key) for key in some]))
        found = FoundRows(5_000, 8)
        assert not len(table.look_up(hashed(Strings.of(keys)), np.arange(5_000), found))
        assert list(found) == [b"%08d" % len(key) for key in keys]
        assert len(table) == len(set(keys))
        table.clear()
        assert len(table.look_up(hashed(Strings.of(keys)), np.arange(5_000), FoundRows(5_000, 8))) == 5_000


def test_keys_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_index, "_hash", lambda words: np.full(len(words), 2**64 - 1, np.uint64))
    keys = [b"%d" % number for number in range(600)]
    index = KeyIndex()
    assert index.add(hashed(Strings.of(keys[:300]))).tolist() == list(range(300))
    assert index.add(hashed(Strings.of(keys))).tolist() == list(range(600))
    assert index.find(hashed(Strings.of([*keys[::-1], b"x"]))).tolist() == [*range(599, -1, -1), -1]


@given(st.lists(KEYS, max_size=30))
def test_keys_that_occur_more_than_once_are_told(keys: list[bytes]) -> None:
    assert hashed(Strings.of(keys)).repeated().tolist() == [keys.count(key) > 1 for key in keys]


@given(st.lists(st.none() | ROWS, min_size=1, max_size=12), st.integers(1, 4))
def test_rows_that_were_found_one_by_one_are_what_they_were(values: list[bytes | None], width: int) -> None:
    assert list(FoundRows.of(values, width)) == values
