"""How much may be fetched while chunks wait, and what of them may be committed."""

from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from transport.chunked import ROOM_SECONDS, Consumer
from transport.in_flight import InFlight

BUSY, QUIET = TP("in", 0), TP("names", 0)


def test_what_is_safe_ends_before_the_first_chunk_that_is_not() -> None:
    in_flight = InFlight()
    first, second, third = (in_flight.add(BUSY, last, 2) for last in (1, 3, 5))
    second.acknowledged = True
    assert in_flight.take_safe(BUSY) is None
    first.acknowledged = True
    assert in_flight.take_safe(BUSY) == 3
    third.acknowledged = True
    assert (in_flight.take_safe(BUSY), in_flight.take_safe(BUSY), in_flight.take_safe(QUIET)) == (5, None, None)


def test_where_too_much_waits_only_partitions_with_nothing_waiting_are_fetched() -> None:
    in_flight = InFlight(records_max=10)
    assert in_flight.with_room([BUSY, QUIET]) == {BUSY, QUIET}
    first, _ = in_flight.add(BUSY, 5, 6), in_flight.add(BUSY, 9, 4)
    assert in_flight.with_room([BUSY, QUIET]) == {QUIET}
    first.acknowledged = True
    assert in_flight.with_room([BUSY, QUIET]) == {BUSY, QUIET}
    in_flight.add(BUSY, 99, 90)
    in_flight.forget([BUSY])
    assert in_flight.with_room([BUSY]) == {BUSY}
    in_flight.add(BUSY, 99, 90)
    in_flight.clear()
    assert in_flight.with_room([BUSY]) == {BUSY}


def test_many_chunks_of_few_records_are_too_much_as_well() -> None:
    in_flight = InFlight(records_max=100, chunks_max=2)
    first, _ = in_flight.add(BUSY, 0, 1), in_flight.add(BUSY, 1, 1)
    assert in_flight.with_room([BUSY, QUIET]) == {QUIET}
    first.acknowledged = True
    assert in_flight.with_room([BUSY, QUIET]) == {BUSY, QUIET}


@pytest.mark.parametrize(
    ("waiting", "active", "asked"),
    [
        (0, {BUSY, QUIET}, [({BUSY, QUIET}, 1.0)]),
        (100, {BUSY, QUIET}, [({QUIET}, ROOM_SECONDS)]),
        (100, {BUSY}, []),
        (100, None, [(None, 1.0)]),
    ],
    ids=["room", "no room for one", "no room", "a client that only reads"],
)
async def test_partitions_without_room_are_not_fetched(
    monkeypatch: pytest.MonkeyPatch, waiting: int, active: set[TP] | None, asked: list[Any]
) -> None:
    found: list[Any] = []

    async def getmany(_: object, active_partitions: Any, timeout: float) -> Any:  # noqa: ANN401, ASYNC109  # as Faust's
        found.append((active_partitions, timeout))
        return {}

    monkeypatch.setattr(driver.Consumer, "_getmany", getmany)
    consumer: Any = object.__new__(Consumer)
    consumer.__dict__.update(_in_flight=InFlight(records_max=100), app=SimpleNamespace())
    if waiting:
        consumer._in_flight.add(BUSY, 9, waiting)
    assert await consumer._getmany(active, 1.0) == {}
    assert found == asked
