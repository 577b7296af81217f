"""Strings side by side, and what a checkpoint makes of rows that come so."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tables.checkpoint import Cut, RowsWritten
from tables.memory import MemoryCheckpoint
from tables.rocksdb import RocksCheckpoint
from tables.strings import Strings

some = st.lists(st.one_of(st.binary(max_size=40), st.binary(min_size=12, max_size=12)), max_size=30)
keys = st.sampled_from(
    [b"\x01\x00" + tail for tail in (b"a", b"b", b"a\0", b"long-and-alike-1", b"long-and-alike-2", b"")]
)
written = st.lists(st.lists(st.tuples(keys, st.binary(min_size=1, max_size=9)), max_size=12), max_size=6)


def parts(cuts: list[list[tuple[bytes, bytes]]]) -> list[RowsWritten]:
    return [(Strings.of([key for key, _ in part]), Strings.of([row for _, row in part])) for part in cuts]


@given(some, some)
def test_strings_are_what_they_were_made_of(left: list[bytes], right: list[bytes]) -> None:
    assert Strings.of(left).to_list() == left
    both = Strings.concat([Strings.of(left), Strings.of(right)])
    assert both.to_list() == left + right
    backwards = np.arange(len(both))[::-1]
    assert both.pick(backwards) == (left + right)[::-1]


@given(some)
def test_the_order_has_every_string_once_and_equal_ones_as_they_came(strings: list[bytes]) -> None:
    order = Strings.of(strings).order().tolist()
    assert sorted(order) == list(range(len(strings)))
    for string in strings:
        places = [at for at in order if strings[at] == string]
        assert places == sorted(places)


def test_the_order_is_that_of_the_keys_behind_what_they_have_in_common() -> None:
    rng = np.random.default_rng(7)
    strings = [b"\x01\x00order-" + rng.bytes(6) for _ in range(500)]
    laid = Strings.of(strings)
    assert laid.pick(laid.order()) == sorted(strings)


def test_rows_of_an_array_are_its_entries() -> None:
    array = np.array([(1, 2.5), (3, 4.5)], [("a", "<i2"), ("b", "<f8")])
    assert Strings.alike(array).to_list() == [array[:1].tobytes(), array[1:].tobytes()]


@given(written)
def test_of_several_rows_of_a_key_the_last_is_stored(cuts: list[list[tuple[bytes, bytes]]]) -> None:
    expected = {key: row for part in cuts for key, row in part}
    memory = MemoryCheckpoint()
    memory.write(Cut(b"", rows=parts(cuts)))
    assert memory.rows == expected


def a_key(rng: np.random.Generator) -> bytes:
    """One of few, of any length."""
    return b"\x01\x00" + rng.choice(list(b"abc"), rng.integers(1, 12)).astype(np.uint8).tobytes()


def test_the_database_stores_the_last_row_of_a_key_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    database = RocksCheckpoint(tmp_path / "db", 1 << 20)
    expected: dict[bytes, bytes] = {}
    for _ in range(40):
        cuts = [
            [(a_key(rng), rng.bytes(int(rng.integers(1, 10)))) for _ in range(60)] for _ in range(rng.integers(1, 4))
        ]
        database.write(Cut(b"", rows=parts(cuts)))
        expected |= {key: row for part in cuts for key, row in part}
        assert database.get_many(list(expected)) == list(expected.values())
    database.close()
