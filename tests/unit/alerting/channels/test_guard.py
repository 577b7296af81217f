import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from alerting.channels.guard import GuardedResolver, host_refusal, is_public, url_refusal
from alerting.channels.http import Http
from alerting.channels.specs import Hosts
from alerting.notification import ChannelError
from tests.support.http_fakes import Answer, Fake

NOBODY = Hosts()


class Names(AbstractResolver):
    """A name server that answers each question with the next of its answers, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in answer
        ]

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",  # a cloud's metadata
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # carrier-grade NAT
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "2852039166",  # 169.254.169.254 as one number
        "0xA9FEA9FE",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "017700000001",
        "127.1",
        "127.0.0.1.",
        "134744072",  # 8.8.8.8, public, but who writes it like that hides something
        "[::1]",
        "[::]",
        "[fd00::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::10.0.0.1]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:a9fe:a9fe::1]",
        "\uff11\uff12\uff17.0.0.1",  # wide digits, which are the usual ones once the name is prepared
        "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",  # localhost in circles
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "localhost.localdomain",
        "metadata.google.internal",
        "printer.local",
        "alertmanager",
        "",
    ],
)
def test_f72_a_host_that_is_not_public_is_refused_in_every_spelling(host: str) -> None:
    assert url_refusal(f"https://{host}/hook", NOBODY) is not None


@pytest.mark.parametrize(
    "host",
    ["hooks.slack.com", "8.8.8.8", "[2606:4700:4700::1111]", "[64:ff9b::8.8.8.8]", "[::ffff:8.8.8.8]", "münchen.de"],
)
def test_f72_a_public_host_passes(host: str) -> None:
    assert url_refusal(f"https://{host}/hook", NOBODY) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/x",
        "ftp://hooks.slack.com/x",
        "file:///etc/passwd",
        "hooks.slack.com/x",
        "https://",
        "https://hooks.slack.com:99999/",
        "https://hooks.slack.com@169.254.169.254/",
        "https://[::1",
    ],
)
def test_f72_what_is_not_an_https_url_is_refused(url: str) -> None:
    assert url_refusal(url, NOBODY) is not None


@pytest.mark.parametrize(
    "url", ["http://alertmanager.monitoring:9093", "https://ALERTMANAGER.monitoring.", "http://[::1]:9"]
)
def test_f72_the_allow_list_permits_plain_http_and_private_hosts(url: str) -> None:
    assert url_refusal(url, Hosts(frozenset({"alertmanager.monitoring", "::1"}))) is None
    assert url_refusal("http://other.monitoring", Hosts(frozenset({"alertmanager.monitoring"}))) is not None


def test_f72_a_refusal_shows_no_more_of_a_url_than_its_host() -> None:
    said = url_refusal("http://user:PASSWORD@hooks.example.com/SECRET?token=TOKEN", NOBODY)
    assert said is not None
    assert "hooks.example.com" in said
    assert not any(secret in said for secret in ("PASSWORD", "SECRET", "TOKEN"))


def test_what_is_no_address_is_not_public() -> None:
    assert not is_public("hooks.slack.com")
    assert host_refusal("smtp.example.com", NOBODY) is None


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fe80::1%eth0"]
)
async def test_f72_a_public_name_that_resolves_to_a_private_address_is_refused_at_connect(address: str) -> None:
    async with Fake() as fake:
        # a public address beside it does not help: every address must be one
        http = Http(NOBODY, lambda: 0, resolver=Names(["8.8.8.8", address]))
        with pytest.raises(ChannelError) as caught:
            await http.post(f"https://hooks.example.com:{fake.port}/SECRET", b"{}", {})
        await http.close()
    assert (caught.value.failure, caught.value.retryable) == ("refused", False)
    assert "SECRET" not in str(caught.value)
    assert fake.received == []


async def test_f72_a_name_is_asked_once_a_connection_so_that_it_cannot_change_between_check_and_connect() -> None:
    names = Names(["127.0.0.1"], ["127.0.0.1"], ["10.0.0.1"])
    allowed = Hosts(frozenset({"hooks.example.com"}))
    async with Fake() as fake:
        http = Http(allowed, lambda: 0, resolver=names)
        for count in (1, 2):  # the second time anew: an answer is not kept beyond its check
            await http.post(f"http://hooks.example.com:{fake.port}/", b"{}", {})
            assert names.asked == count
        await http.close()
    assert len(fake.accepted) == 2


async def test_f72_a_name_that_was_public_once_is_refused_when_it_turns_private() -> None:
    resolver = GuardedResolver(NOBODY, Names(["8.8.8.8"], ["127.0.0.1"]))
    assert [found["host"] for found in await resolver.resolve("hooks.example.com", 443)] == ["8.8.8.8"]
    with pytest.raises(ChannelError, match="not public"):
        await resolver.resolve("hooks.example.com", 443)


async def test_f72_a_literal_address_is_refused_before_the_connection() -> None:
    async with Fake() as fake:
        http = Http(NOBODY, lambda: 0)
        for host in ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"):
            with pytest.raises(ChannelError) as caught:
                await http.post(f"https://{host}:{fake.port}/", b"{}", {})
            assert not caught.value.retryable
        await http.close()
    assert fake.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_f72_redirects_are_not_followed(status: int) -> None:
    async with Fake() as fake, Fake() as elsewhere:
        fake.next_faults(Answer(status, {"Location": f"{elsewhere.origin}/latest/meta-data"}))
        http = Http(Hosts(frozenset({"127.0.0.1"})), lambda: 0)
        with pytest.raises(ChannelError, match="redirects are not followed") as caught:
            await http.post(f"{fake.origin}/", b"{}", {})
        await http.close()
    assert not caught.value.retryable
    assert elsewhere.received == []


async def test_f72_a_proxy_of_the_environment_is_not_used_for_it_would_resolve_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with Fake() as fake:
        http = Http(Hosts(frozenset({"127.0.0.1"})), lambda: 0)
        await http.post(f"{fake.origin}/", b"{}", {})
        await http.close()
    assert len(fake.accepted) == 1
