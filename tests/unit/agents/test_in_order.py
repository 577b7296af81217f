from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NoReturn, cast

import pytest

from agents.context import Context
from agents.in_order import InOrder
from transport.chunk import Chunk


@dataclass
class Record:
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b""
    headers: Sequence[tuple[str, bytes]] = ()


class StoppedError(Exception):
    pass


def fatal(reason: str) -> NoReturn:
    raise StoppedError(reason)


def in_order(*, rebalancing: bool) -> InOrder:
    return InOrder(cast("Context", SimpleNamespace(app=SimpleNamespace(rebalancing=rebalancing), fatal=fatal)))


def chunk(first: int, last: int, after: int) -> Chunk:
    return Chunk("t", 0, [Record(first), Record(last)], after)


def test_a_chunk_behind_one_that_was_left_out_does_not_follow_until_the_partition_is_sought() -> None:
    order = in_order(rebalancing=True)
    assert order.follows(chunk(0, 9, after=-1))
    order.taken(chunk(0, 9, after=-1))
    assert order.follows(chunk(10, 19, after=9))  # and is left out
    assert not order.follows(chunk(20, 29, after=19))
    assert order.follows(chunk(10, 29, after=-1))
    order.taken(chunk(10, 29, after=-1))
    assert order.follows(chunk(30, 39, after=29))


def test_partitions_are_followed_apart() -> None:
    order = in_order(rebalancing=True)
    order.taken(chunk(0, 9, after=-1))
    assert not order.follows(Chunk("u", 0, [Record(10)], after=9))


def test_a_gap_without_a_rebalance_ends_the_process() -> None:
    order = in_order(rebalancing=False)
    order.taken(chunk(0, 9, after=-1))
    with pytest.raises(StoppedError, match="t-0: taken up to 9, then came 20"):
        order.follows(chunk(20, 29, after=19))


def test_f27_offsets_that_begin_again_end_the_process() -> None:
    order = in_order(rebalancing=False)
    order.taken(chunk(0, 9, after=-1))
    with pytest.raises(StoppedError, match="t-0: offset 0 came again after 9: the topic was deleted and made anew"):
        order.follows(chunk(0, 4, after=9))
