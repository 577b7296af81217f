"""What every channel that posts over HTTP does alike, each against a server with the limits of its original."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from alerting.channels.alertmanager import AlertmanagerChannel
from alerting.channels.pagerduty import PagerDutyChannel
from alerting.channels.secret import SecretSource
from alerting.channels.slack import SlackChannel
from alerting.channels.specs import AlertmanagerSpec, PagerDutySpec, SlackSpec, WebhookSpec
from alerting.channels.webhook import WebhookChannel
from alerting.notification import Channel, ChannelError
from tests.support.alert_samples import alert, notification
from tests.support.channels import LINKS, NOW_MS, now_ms, quick_http, renderer
from tests.support.http_fakes import Answer, Fake, Fault, Hang, PagerDutyFake, Reset, SlackFake, WebhookFake


@dataclass
class Pair:
    """A channel, its server, and what of it must never be seen."""

    channel: Channel
    fake: Fake
    secret: str


def _slack() -> tuple[Fake, Callable[[], Channel], str]:
    fake = SlackFake(interval_seconds=0)
    made = lambda: SlackChannel(SlackSpec(SecretSource(fake.url)), LINKS, renderer(is_slack=True), quick_http())  # noqa: E731
    return fake, made, "SECRETsecretSECRET"


def _pagerduty() -> tuple[Fake, Callable[[], Channel], str]:
    fake, key = PagerDutyFake(), PagerDutyFake.ROUTING_KEY
    made = lambda: PagerDutyChannel(PagerDutySpec(SecretSource(key), fake.url), LINKS, renderer(), quick_http())  # noqa: E731
    return fake, made, key


def _webhook() -> tuple[Fake, Callable[[], Channel], str]:
    fake = WebhookFake("swordfish", NOW_MS // 1000)
    made = lambda: WebhookChannel(WebhookSpec(fake.url, SecretSource("swordfish")), quick_http(), now_ms)  # noqa: E731
    return fake, made, "swordfish"


def _alertmanager() -> tuple[Fake, Callable[[], Channel], str]:
    fake = Fake()
    made = lambda: AlertmanagerChannel(AlertmanagerSpec((fake.origin,)), LINKS, quick_http(), now_ms)  # noqa: E731
    return fake, made, "no secret at all"


@pytest.fixture(params=[_slack, _pagerduty, _webhook, _alertmanager], ids=lambda make: make.__name__.strip("_"))
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    fake, make, secret = request.param()
    async with fake:
        channel = make()
        yield Pair(channel, fake, secret)
        await channel.close()


async def test_a_notification_is_delivered(pair: Pair) -> None:
    await pair.channel.send(notification())
    await pair.channel.send(notification(alert(status="resolved"), why="RESOLVED", key="oncall/fraud/2"))
    assert len(pair.fake.accepted) == 2


async def test_checking_posts_nothing_and_shows_no_secret(pair: Pair) -> None:
    await pair.channel.check()
    assert [received.method for received in pair.fake.received] == ["HEAD"]
    assert pair.secret not in str(pair.fake.received)


FAULTS: list[tuple[Fault, str, bool]] = [
    (Answer(500), "server", True),
    (Answer(503), "server", True),
    (Reset(), "unreachable", True),
    (Hang(), "timeout", True),
    (Answer(429, {"Retry-After": "30"}), "rate_limited", True),
    (Answer(302, {"Location": "https://example.com/"}), "refused", False),
    (Answer(400), "invalid", False),
    (Answer(401), "unauthorised", False),
    (Answer(403), "unauthorised", False),
    (Answer(404), "not_found", False),
]


@pytest.mark.parametrize(("fault", "failed", "retryable"), FAULTS, ids=[str(fault) for fault, *_ in FAULTS])
async def test_f63_f64_f65_a_failure_says_what_it_is_and_the_next_attempt_carries_the_same(
    pair: Pair, fault: Fault, failed: str, retryable: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.NOTSET)
    if isinstance(fault, Answer):  # it repeats what it was sent, as some do
        fault = Answer(fault.status, fault.headers, f"{pair.secret} fraud rf_v2".encode())
    pair.fake.next_faults(fault)
    with pytest.raises(ChannelError) as caught:
        await pair.channel.send(notification())
    await pair.channel.send(notification())
    error = caught.value
    assert (error.failure, error.retryable) == (failed, retryable)
    assert error.retry_after_seconds == (30.0 if failed == "rate_limited" else None)
    assert pair.secret not in f"{error} {error!r} {caplog.text} {pair.channel!r}"
    assert "rf_v2" not in f"{error} {caplog.text}"
    assert error.__suppress_context__ or error.__context__ is None
    first, second = pair.fake.received
    assert first.body == second.body
    assert first.headers.get("Idempotency-Key") == second.headers.get("Idempotency-Key")


async def test_f66_a_server_that_comes_back_gets_what_it_missed(pair: Pair) -> None:
    pair.fake.next_faults(*[Answer(502)] * 3)
    refused = 0
    while not pair.fake.accepted:
        try:
            await pair.channel.send(notification())
        except ChannelError:
            refused += 1
    assert refused == 3
