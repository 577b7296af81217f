"""Chunks are cut by records and by bytes, and never lose or split one."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from transport.chunk import ChunkSchema

SIZES = st.lists(st.integers(0, 30), min_size=1, max_size=60)


def records(sizes: list[int]) -> list[Any]:
    return [SimpleNamespace(offset=i, value=bytes(size) if size else None) for i, size in enumerate(sizes)]


@given(SIZES, st.integers(1, 10))
def test_chunks_hold_at_most_so_many_records_in_order(sizes: list[int], most: int) -> None:
    chunks = list(ChunkSchema(most).cut(records(sizes)))
    assert [r.offset for c in chunks for r in c] == list(range(len(sizes)))
    assert all(1 <= len(c) <= most for c in chunks)


@given(SIZES, st.integers(1, 10), st.integers(1, 80))
def test_chunks_hold_at_most_so_many_bytes_unless_one_record_is_larger(
    sizes: list[int], most: int, bytes_max: int
) -> None:
    chunks = list(ChunkSchema(most, bytes_max).cut(records(sizes)))
    assert [r.offset for c in chunks for r in c] == list(range(len(sizes)))
    for chunk in chunks:
        assert 1 <= len(chunk) <= most
        assert len(chunk) == 1 or sum(len(r.value or b"") for r in chunk) <= bytes_max
