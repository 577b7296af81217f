import builtins
import logging
from collections.abc import AsyncIterator

import pytest

from alerting.channels.apprise import MISSING, AppriseChannel, is_installed, url_problem
from alerting.channels.secret import SecretSource
from alerting.channels.specs import AppriseSpec, Hosts
from alerting.notification import ChannelError
from tests.support.alert_samples import alert, notification
from tests.support.channels import LOOPBACK, renderer
from tests.support.http_fakes import Answer, Fake, Hang


def channel(*urls: str, hosts: Hosts = LOOPBACK, seconds: float = 10.0) -> AppriseChannel:
    return AppriseChannel(AppriseSpec(SecretSource("\n".join(urls))), renderer(), hosts, seconds)


def url_of(fake: Fake) -> str:
    """A service that takes JSON from Apprise, with a secret in its path."""
    return f"json://127.0.0.1:{fake.port}/SECRET"


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with Fake() as server:
        yield server


async def test_title_and_body_go_to_every_url(fake: Fake) -> None:
    apprise = channel("# comment", url_of(fake), "", url_of(fake) + "/2")
    await apprise.check()
    assert fake.received == []
    await apprise.send(notification())
    await apprise.close()
    assert sorted(received.path for received in fake.accepted) == ["/SECRET", "/SECRET/2"]
    sent = fake.accepted[0].json()
    assert sent["title"] == "[FIRING P1] accuracy-critical: fraud rf_v2"
    assert "threshold 0.9" in sent["message"]
    assert sent["type"] == "failure"


@pytest.mark.parametrize(
    ("changes", "kind"), [({"severity": "warning"}, "warning"), ({"status": "resolved"}, "success")]
)
async def test_the_kind_of_message_follows_the_alerts(fake: Fake, changes: dict[str, str], kind: str) -> None:
    await channel(url_of(fake)).send(notification(alert(**changes)))
    assert fake.accepted[0].json()["type"] == kind


async def test_f64_a_retry_goes_only_to_the_service_that_refused(fake: Fake) -> None:
    async with Fake() as other:
        apprise = channel(url_of(fake), url_of(other))
        fake.next_faults(Answer(500))
        with pytest.raises(ChannelError) as caught:
            await apprise.send(notification())
        await apprise.send(notification())
    assert (caught.value.failure, caught.value.retryable) == ("server", True)
    assert "service 1" in str(caught.value)
    assert (len(fake.accepted), len(other.accepted)) == (1, 1)


async def test_f64_a_service_that_does_not_answer_is_given_up(fake: Fake) -> None:
    fake.next_faults(Hang())
    with pytest.raises(ChannelError) as caught:
        await channel(url_of(fake) + "?rto=1&cto=1", seconds=0.3).send(notification())
    assert (caught.value.failure, caught.value.retryable) == ("timeout", True)


async def test_f74_what_apprise_says_of_its_urls_is_not_logged(fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.NOTSET)
    fake.next_faults(Answer(403, body=b"SECRET"))
    with pytest.raises(ChannelError) as caught:
        await channel(url_of(fake)).send(notification())
    assert "SECRET" not in f"{caught.value} {caplog.text}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "169.254.169.254"])
def test_f72_a_literal_address_in_a_url_has_to_be_public_or_allowed(host: str) -> None:
    assert url_problem(f"json://{host}/x", Hosts()) is not None
    assert url_problem(f"json://{host}/x", Hosts(frozenset({host}))) is None
    assert url_problem("tgram://123456789:AABBCCDDEEFFaabbccddeeff0123456789/123", Hosts()) is None


def test_a_url_that_apprise_does_not_know_is_a_problem_and_not_shown() -> None:
    problem = url_problem("nonsense://SECRET", Hosts())
    assert problem == "is not a URL that Apprise knows"


async def test_without_the_extra_a_clear_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name == "apprise":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    assert is_installed()
    monkeypatch.setattr(builtins, "__import__", missing)
    assert not is_installed()
    with pytest.raises(ChannelError, match=MISSING.partition("[")[0]) as caught:
        await channel("json://8.8.8.8").send(notification())
    assert not caught.value.retryable
