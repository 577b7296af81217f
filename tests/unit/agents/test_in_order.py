from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NoReturn, cast

import pytest

from agents.context import Context
from agents.in_order import InOrder
from telemetry.registry import Telemetry
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
    app = SimpleNamespace(rebalancing=rebalancing)
    return InOrder(cast("Context", SimpleNamespace(app=app, fatal=fatal, telemetry=Telemetry(series_max=10))))


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


def test_f31_records_that_retention_took_are_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    order = in_order(rebalancing=False)
    order.taken(Chunk("t", 3, [Record(40)], after=9, lost=30))
    order.taken(Chunk("t", 3, [Record(41)], after=40))
    labels = {"topic": "t", "partition": "3"}
    assert order._context.telemetry.registry.get_sample_value("hindcast_records_lost_total", labels) == 30
    assert [record.getMessage() for record in caplog.records] == [
        "t-3: 30 records were deleted by retention before they were read; it goes on at offset 40"
    ]
