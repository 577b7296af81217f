import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme

from alerting.channels.http import Http, retry_after_seconds
from alerting.channels.specs import Hosts
from alerting.notification import ChannelError
from tests.support.http_fakes import Answer, Dribble, Fake, Fault, Hang, Reset
from tests.support.ports import free_ports

NOW_MS = 1_795_000_000_000
LOOPBACK = Hosts(frozenset({"127.0.0.1"}))


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http(LOOPBACK, lambda: NOW_MS, connect_seconds=0.3, total_seconds=0.5)
    yield client
    await client.close()


async def failure(http: Http, url: str) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await http.post(url, b"PAYLOAD", {})
    assert "PAYLOAD" not in str(caught.value)
    assert "SECRET" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("status", "failed", "retryable"),
    [
        (400, "invalid", False),
        (401, "unauthorised", False),
        (403, "unauthorised", False),
        (404, "not_found", False),
        (405, "refused", False),
        (408, "timeout", True),
        (410, "not_found", False),
        (413, "invalid", False),
        (418, "refused", False),
        (422, "invalid", False),
        (425, "timeout", True),
        (429, "rate_limited", True),
        (500, "server", True),
        (502, "server", True),
        (503, "server", True),
        (504, "server", True),
    ],
)
async def test_f64_f65_a_status_says_whether_trying_again_helps(
    http: Http, status: int, failed: str, retryable: bool
) -> None:
    async with Fake() as fake:
        fake.next_faults(Answer(status, body=b"SECRET of /SECRET"))
        error = await failure(http, f"{fake.origin}/SECRET")
    assert (error.failure, error.retryable) == (failed, retryable)
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("fault", "failed"), [(Reset(), "unreachable"), (Hang(), "timeout"), (Dribble(500), "server")], ids=str
)
async def test_f64_resets_time_outs_and_slow_bodies_are_tried_again(http: Http, fault: Fault, failed: str) -> None:
    began = time.monotonic()
    async with Fake() as fake:
        fake.next_faults(fault)
        error = await failure(http, f"{fake.origin}/SECRET")
        await http.post(f"{fake.origin}/SECRET", b"again", {})
    assert (error.failure, error.retryable) == (failed, True)
    assert time.monotonic() - began < 5


async def test_f64_an_accepted_message_is_not_sent_again_because_its_answer_is_slow(http: Http) -> None:
    async with Fake() as fake:
        fake.next_faults(Dribble(200))
        await http.post(f"{fake.origin}/", b"once", {})
    assert len(fake.received) == 1


async def test_f64_nobody_listening_and_an_unknown_name_are_tried_again(http: Http) -> None:
    [port] = free_ports(1)
    refused = await failure(http, f"http://127.0.0.1:{port}/SECRET")
    unknown = Http(LOOPBACK, lambda: NOW_MS)
    no_such_name = await failure(unknown, "https://hooks.example.invalid/SECRET")
    await unknown.close()
    assert [(error.failure, error.retryable) for error in (refused, no_such_name)] == [("unreachable", True)] * 2


async def test_f64_a_server_that_speaks_no_http_is_tried_again(http: Http) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP SECRET\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    error = await failure(http, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert (error.failure, error.retryable) == ("unreachable", True)


async def test_an_answer_is_read_up_to_64_kib_and_not_unpacked(http: Http) -> None:
    said: list[bytes] = []

    def explain(body: bytes) -> str:
        said.append(body)
        return "explained"

    async with Fake() as fake:
        fake.next_faults(Answer(400, {"Content-Encoding": "gzip"}, b"x" * 1_000_000))
        with pytest.raises(ChannelError, match="explained"):
            await http.post(f"{fake.origin}/", b"", {}, explain)
    assert said == [b"x" * 65_536]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("999999999", 86_400.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_f63_retry_after_is_read_in_seconds_and_bounded(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW_MS) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90.0), (-90, 0.0)])
def test_f63_retry_after_is_read_as_a_date(ahead: int, seconds: float) -> None:
    then = datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(seconds=ahead)
    assert retry_after_seconds(format_datetime(then, usegmt=True), NOW_MS) == seconds


@pytest.mark.parametrize("status", [429, 503])
async def test_f63_what_the_server_asks_for_is_handed_on(http: Http, status: int) -> None:
    async with Fake() as fake:
        fake.next_faults(Answer(status, {"Retry-After": "30"}))
        assert (await failure(http, f"{fake.origin}/")).retry_after_seconds == 30.0


async def test_reaching_posts_nothing_and_keeps_the_path_to_itself(http: Http) -> None:
    async with Fake() as fake:
        await http.reach(f"{fake.origin}/services/SECRET?token=SECRET")
    assert [(received.method, received.path) for received in fake.received] == [("HEAD", "/")]
    assert "SECRET" not in str(fake.received)


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with Fake(tls=server) as fake:
        stranger, friend = Http(LOOPBACK, lambda: NOW_MS), Http(LOOPBACK, lambda: NOW_MS, tls=trusting)
        error = await failure(stranger, f"{fake.origin}/SECRET")
        await friend.post(f"{fake.origin}/", b"PAYLOAD", {})
        await stranger.close()
        await friend.close()
    assert error.failure == "unreachable"
    assert "certificate" in str(error)
    assert [received.body for received in fake.received] == [b"PAYLOAD"]
