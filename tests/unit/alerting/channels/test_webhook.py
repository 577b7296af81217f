import pytest

from alerting.channels.secret import SecretSource
from alerting.channels.specs import WebhookSpec
from alerting.channels.webhook import WebhookChannel, idempotency_key, signature
from alerting.notification import ChannelError
from tests.support.alert_samples import alert, notification
from tests.support.channels import NOW_MS, now_ms, quick_http
from tests.support.http_fakes import WebhookFake

SECRET = "swordfish"


def channel(fake: WebhookFake, secret: str | None = SECRET) -> WebhookChannel:
    spec = WebhookSpec(fake.url, None if secret is None else SecretSource(secret))
    return WebhookChannel(spec, quick_http(), now_ms)


def test_the_signature_is_hmac_sha256_over_time_and_body() -> None:
    # printf '1795000090.[]' | openssl dgst -sha256 -hmac swordfish
    expected = "6efb33686e68b1e5923eb0aa82739baa20d678a44cc20d51a5872d1d165ba2f3"
    assert signature(SECRET, 1_795_000_090, b"[]") == f"t=1795000090,v1={expected}"


async def test_the_body_is_the_list_of_alert_records_and_a_copy_has_the_same_key() -> None:
    message = notification(alert(), alert(fingerprint="b", status="resolved"))
    async with WebhookFake(SECRET, NOW_MS // 1000) as fake:
        webhook = channel(fake)
        await webhook.check()
        await webhook.send(message)
        await webhook.send(message)
        await webhook.send(notification(key="another"))
        await webhook.close()
    assert len(fake.accepted) == 3
    assert [found["status"] for found in fake.alerts] == ["firing", "resolved", "firing"]
    assert fake.alerts[0]["schema"] == "hindcast.alert/1"
    assert fake.accepted[0].headers["Content-Type"] == "application/json"


async def test_f65_a_wrong_secret_is_refused_and_not_tried_again() -> None:
    async with WebhookFake(SECRET, NOW_MS // 1000) as fake:
        for secret in ("another-SECRET", None):
            webhook = channel(fake, secret)
            with pytest.raises(ChannelError) as caught:
                await webhook.send(notification())
            await webhook.close()
            assert (caught.value.failure, caught.value.retryable) == ("unauthorised", False)
            assert "SECRET" not in str(caught.value)
    assert fake.accepted == []


async def test_a_message_of_long_ago_cannot_be_sent_again() -> None:
    async with WebhookFake(SECRET, NOW_MS // 1000 + 3600) as fake:
        webhook = channel(fake)
        with pytest.raises(ChannelError):
            await webhook.send(notification())
        await webhook.close()


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "naïve", "", "x" * 300, "two words"])
def test_f56_a_key_cannot_make_a_header_of_its_own(key: str) -> None:
    made = idempotency_key(key)
    assert made.isalnum()
    assert made == idempotency_key(key) != idempotency_key(key + "2")


async def test_f56_names_of_any_kind_go_through() -> None:
    async with WebhookFake(SECRET, NOW_MS // 1000) as fake:
        webhook = channel(fake)
        await webhook.send(notification(alert(model="東京\r\n<!channel>"), key="oncall/東京\r\n"))
        await webhook.close()
    assert fake.alerts[0]["model"] == "東京\r\n<!channel>"  # a program wants it as it is
