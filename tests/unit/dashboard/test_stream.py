import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import ClientResponse

from dashboard import stream
from dashboard.message import News
from dashboard.ring import Ring
from tests.unit.dashboard.samples import alert, decision, letter, metric
from tests.unit.dashboard.scene import Scene, scene

Told = tuple[str, str, str]
"""(event, id, data)."""


async def events(answer: ClientResponse, count: int) -> list[Told]:
    """So many blocks of the stream; a comment is an event without id."""
    found: list[Told] = []
    async for told in _blocks(answer):
        found.append(told)
        if len(found) == count:
            return found
    return found


async def _blocks(answer: ClientResponse) -> AsyncIterator[Told]:
    while block := await asyncio.wait_for(_block(answer), 3):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        yield fields.get("event", "comment"), fields.get("id", ""), fields.get("data", "")


async def _block(answer: ClientResponse) -> str:
    try:
        return (await answer.content.readuntil(b"\n\n")).decode().rstrip("\n")
    except asyncio.IncompleteReadError:
        return ""


async def test_every_record_that_is_taken_in_is_an_event_with_an_id() -> None:
    async with scene() as it:
        answer = await it.open()
        assert answer.content_type == "text/event-stream"
        assert await events(answer, 1) == [("hello", "boot-0", "{}")]
        message = metric()
        it.tell(message, message, alert(), decision(), letter())
        told = await events(answer, 4)
        assert [(kind, number) for kind, number, _ in told] == [
            ("metric", "boot-1"),
            ("alert", "boot-2"),
            ("decision", "boot-3"),
            ("dead_letter", "boot-4"),
        ]
        assert told[0][2].encode() == message.value
        assert orjson.loads(told[3][2])["code"] == "json"


async def test_a_client_goes_on_where_it_left_off() -> None:
    async with scene() as it:
        it.tell(*(metric(i) for i in range(5)))
        answer = await it.open(**{"Last-Event-ID": "boot-3"})
        assert [number for _, number, _ in await events(answer, 2)] == ["boot-4", "boot-5"]
        answer = await it.open("/stream?last_event_id=boot-4")
        assert [number for _, number, _ in await events(answer, 1)] == ["boot-5"]


@pytest.mark.parametrize("last", ["other-2", "boot-9", "boot-x", "boot-1", "²", ""])
async def test_a_client_that_has_missed_events_is_told_to_load_again(last: str) -> None:
    async with scene(ring_bytes_max=1_000) as it:
        it.tell(*(metric(i) for i in range(5)))
        answer = await it.open(**{"Last-Event-ID": last})
        kind, number, _ = (await events(answer, 1))[0]
        assert (kind, number) == ("reset" if last else "hello", "boot-5")


async def test_only_one_model_may_be_asked_for() -> None:
    async with scene() as it:
        answer = await it.open("/stream?model=churn")
        it.tell(metric(), metric(model="churn"), alert())
        assert [number for _, number, _ in await events(answer, 2)] == ["boot-0", "boot-2"]


async def test_a_quiet_stream_says_that_it_lives() -> None:
    async with scene(heartbeat_seconds=0.01) as it:
        answer = await it.open()
        assert [kind for kind, _, _ in await events(answer, 3)] == ["hello", "comment", "comment"]


async def test_a_client_that_does_not_read_is_dropped() -> None:
    async with scene(ring_bytes_max=1 << 30) as it:
        answer = await it.open()
        await events(answer, 1)
        it.tell(*(metric(i, filler="x" * 500_000) for i in range(40)))
        await _until(it, clients=0)


async def test_a_client_that_leaves_is_forgotten() -> None:
    async with scene(heartbeat_seconds=0.01) as it:
        answer = await it.open()
        await events(answer, 1)
        assert it.stream.clients == 1
        answer.close()
        await _until(it, clients=0)


async def _until(it: Scene, clients: int) -> None:
    for _ in range(200):
        if it.stream.clients == clients:
            return
        await asyncio.sleep(0.01)
    assert it.stream.clients == clients


async def test_there_is_a_most_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CLIENTS_MAX", 1)
    async with scene() as it:
        answer = await it.open()
        await events(answer, 1)
        status, refused = await it.get("/stream")
        assert (status, refused["errors"][0]["message"]) == (503, "1 clients read the stream already")


async def test_the_end_of_the_process_ends_the_stream() -> None:
    async with scene() as it:
        answer = await it.open()
        await events(answer, 1)
        it.stream.close()
        assert await events(answer, 1) == []


async def test_what_is_forgotten_makes_every_client_load_again() -> None:
    async with scene() as it:
        it.tell(metric())
        answer = await it.open(**{"Last-Event-ID": "boot-1"})
        it.site.ring.forget()
        assert [kind for kind, _, _ in await events(answer, 1)] == ["reset"]


def test_the_ring_keeps_the_newest_that_fit() -> None:
    ring = Ring("r", bytes_max=10)
    for _ in range(5):
        ring.add(News("metric", "m", b"1234"))
    assert [event.number for event in ring.after(3) or []] == [4, 5]
    assert ring.after(2) is None
    assert ring.after(5) == []
    ring.add(News("metric", "m", b"x" * 100))
    assert [event.number for event in ring.after(5) or []] == [6]


async def test_who_waits_for_an_event_that_came_already_does_not_wait() -> None:
    ring = Ring("r")
    ring.add(News("metric", "m", b"{}"))
    assert await ring.beyond(0, seconds=60)
    assert not await ring.beyond(1, seconds=0.01)
