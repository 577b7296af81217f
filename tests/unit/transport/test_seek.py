"""What was fetched and not handed out is fetched again."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from transport.chunk import Chunk, ChunkSchema
from transport.chunked import Consumer, ConsumerThread
from transport.in_flight import InFlight

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


@dataclass(frozen=True)
class Record:
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b"{}"
    headers: tuple[()] = ()


class Fetching(Consumer):
    """A consumer that has fetched four records; what it gives back is noted."""

    should_stop = False

    def __init__(self, active: set[TP] | None = None) -> None:
        self.app = cast("Any", SimpleNamespace(consumer_generation_id=1, monitor=Mock()))
        self.flow_active = True
        self._seeks = 0
        self._in_flight, self.positions, self._read_offset = InFlight(), {}, {}
        self.earliest = 0
        self._schemas = {FIRST.topic: ChunkSchema(2)}
        self._buffered_partitions = set()
        self.active = active
        self.given_back: list[tuple[dict[TP, int], dict[TP, int]]] = []
        self._thread = cast("Any", self)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ANN401, ASYNC109  # as Faust's
        return {FIRST: [Record(offset) for offset in range(5, 9)]}, self.active

    def highwater(self, tp: TP) -> int:
        return 9

    async def deleted_before(self, wanted: dict[TP, int]) -> dict[TP, int]:
        return await ConsumerThread.deleted_before(cast("Any", self), wanted)

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        if self.earliest < 0:
            raise KafkaConnectionError
        return dict.fromkeys(partitions, self.earliest)

    async def perform_seek(self) -> None:
        self._seeks += 1
        self.positions.clear()

    async def give_back(self, first: dict[TP, int], following: dict[TP, int]) -> None:
        self.given_back.append((first, following))


async def test_all_that_was_fetched_is_handed_out() -> None:
    consumer = Fetching()
    assert [message.offset async for _, message in consumer.getmany(1.0)] == [6, 8]
    assert consumer.given_back == []
    assert consumer.positions == {FIRST: 9}


@pytest.mark.parametrize(
    ("committed", "earliest", "lost"),
    [(2, 5, 3), (2, 4, 2), (2, 0, 0), (5, 5, 0), (None, 5, 0), (2, -1, 0)],
    ids=["all of a gap", "some of it", "a gap of compaction", "no gap", "never read before", "no broker answers"],
)
async def test_f31_the_first_chunk_says_how_many_records_retention_took(
    committed: int | None, earliest: int, lost: int
) -> None:
    consumer = Fetching()
    consumer._read_offset[FIRST] = committed
    consumer.earliest = earliest
    found = [cast("Chunk", message.value).lost async for _, message in consumer.getmany(1.0)]
    assert found == [lost, 0]


async def test_what_was_fetched_before_a_seek_is_not_handed_out_after_it() -> None:
    consumer = Fetching()
    handed_out = []
    async for _, message in consumer.getmany(1.0):
        handed_out.append(message.offset)
        await consumer.perform_seek()  # begins and ends while the chunk is being taken
    assert handed_out == [6]
    assert consumer.given_back == [({FIRST: 7}, {FIRST: 9})]
    assert consumer.positions == {}


async def test_what_is_fetched_while_the_flow_stands_still_is_given_back() -> None:
    consumer = Fetching()
    consumer.flow_active = False
    assert [message async for message in consumer.getmany(1.0)] == []
    assert consumer.given_back == [({FIRST: 5}, {FIRST: 9})]


async def test_records_of_a_partition_that_was_paused_meanwhile_are_given_back() -> None:
    consumer = Fetching(active=set())
    assert [message async for message in consumer.getmany(1.0)] == []
    assert consumer.given_back == [({FIRST: 5}, {FIRST: 9})]
