"""What was fetched and not handed out is fetched again."""

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from transport.chunked import Consumer, ConsumerThread

FIRST, LOG = TP("in", 0), TP("state-changelog", 0)


class Fetcher:
    """The position of each partition, as aiokafka's consumer keeps it."""

    def __init__(self, positions: dict[TP, int]) -> None:
        self.positions = positions

    async def position(self, tp: TP) -> int:
        return self.positions[tp]

    def seek(self, tp: TP, offset: int) -> None:
        self.positions[tp] = offset


def thread(fetcher: Fetcher) -> Any:  # noqa: ANN401  # a thread without its thread
    made = object.__new__(ConsumerThread)
    made.__dict__["_ensure_consumer"] = lambda: fetcher
    made.__dict__["assignment"] = lambda: set(fetcher.positions)
    return made


async def test_records_that_were_dropped_are_fetched_again() -> None:
    fetcher = Fetcher({FIRST: 8, LOG: 3})
    await thread(fetcher)._give_back({FIRST: 5, LOG: 0}, {FIRST: 8, LOG: 3})
    assert fetcher.positions == {FIRST: 5, LOG: 0}


async def test_a_partition_that_was_sought_meanwhile_is_left_where_it_is() -> None:
    fetcher = Fetcher({LOG: 0})
    await thread(fetcher)._give_back({LOG: 7}, {LOG: 9})
    assert fetcher.positions == {LOG: 0}


async def test_a_partition_that_is_gone_is_not_asked_for() -> None:
    fetcher = Fetcher({})
    await thread(fetcher)._give_back({LOG: 7}, {LOG: 9})
    assert fetcher.positions == {}


@pytest.mark.parametrize(("committed", "expected"), [(None, [FIRST]), (0, []), (12, [])])
async def test_a_partition_without_a_committed_offset_begins_anew(committed: int | None, expected: list[TP]) -> None:
    sought: list[TP] = []

    async def seek_to_beginning(*partitions: TP) -> None:
        sought.extend(partitions)

    consumer: Any = object.__new__(Consumer)
    consumer.__dict__.update(
        app=SimpleNamespace(tables=SimpleNamespace(changelog_topics={LOG.topic})),
        _thread=SimpleNamespace(seek_to_beginning=seek_to_beginning),
        _read_offset={FIRST: committed, LOG: None},
        assignment=lambda: {FIRST, LOG},
    )
    await consumer._seek_uncommitted()
    assert [tuple(tp) for tp in sought] == [tuple(tp) for tp in expected]
