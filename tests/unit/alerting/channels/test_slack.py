from typing import Any

import pytest

from alerting.channels.secret import SecretSource
from alerting.channels.slack import RESOLVED_COLOUR, TEXT_CHARACTERS_MAX, SlackChannel, cut, escape
from alerting.channels.specs import SlackSpec, Texts
from alerting.notification import ChannelError, Notification
from tests.support.alert_samples import START_MS, alert, notification
from tests.support.channels import LINKS, quick_http, renderer
from tests.support.http_fakes import Answer, SlackFake


async def attachment(message: Notification, texts: Texts | None = None) -> dict[str, Any]:
    """What Slack, with its own checks, has accepted."""
    async with SlackFake() as fake:
        spec = SlackSpec(SecretSource(fake.url))
        channel = SlackChannel(spec, LINKS, renderer(texts, is_slack=True), quick_http())
        await channel.send(message)
        await channel.close()
    [accepted] = fake.accepted
    [found] = accepted.json()["attachments"]
    assert isinstance(found, dict)
    return found


async def test_a_message_has_colour_metric_value_message_timestamp_and_links() -> None:
    found = await attachment(notification())
    assert found["color"] == "#D00000"
    assert found["title"] == "[FIRING P1] accuracy-critical: fraud rf_v2"
    assert found["title_link"] == LINKS.dashboard_url
    assert found["ts"] == (START_MS + 60_000) // 1000
    assert {field["title"]: field["value"] for field in found["fields"]} == {
        "Metric": "accuracy of fraud rf_v2",
        "Value": "0.8123 [0.79, 0.83] (threshold 0.9)",
        "Message": "accuracy is below 0.9",
        "Timestamp": "2026-11-18T11:06:40Z",
    }
    assert found["text"] == "<https://runbooks.example/accuracy|Runbook of accuracy-critical>"


@pytest.mark.parametrize(("severity", "colour"), [("critical", "#D00000"), ("warning", "#DAA038"), ("info", "#439FE0")])
async def test_the_colour_is_that_of_the_worst_that_fires(severity: str, colour: str) -> None:
    resolved = alert(fingerprint="b", status="resolved")
    info = alert(fingerprint="c", severity="info")
    assert (await attachment(notification(info, alert(severity=severity), resolved)))["color"] == colour
    assert (await attachment(notification(resolved)))["color"] == RESOLVED_COLOUR


async def test_several_alerts_make_a_small_table() -> None:
    many = [alert(fingerprint=str(n), model=f"model-{n}", status="resolved" if n > 5 else "firing") for n in range(14)]
    table = (await attachment(notification(*many, omitted=100)))["text"].split("```")
    rows = table[1].splitlines()
    assert len(rows) == 11
    assert rows[1].split() == ["P1", "accuracy-critical", "model-0", "rf_v2", "accuracy", "0.8123", "[0.79,", "0.83]"]
    assert rows[10].startswith("ok")
    assert "and 104 more" in table[2]


async def test_f56_nobody_is_called_and_nothing_is_linked_by_the_name_of_a_model() -> None:
    evil = "<!channel> @channel @HERE <@U1> <https://evil.example|click> & ``` *b*"
    found = await attachment(notification(alert(model=evil, rule=evil, summary=evil, runbook=evil), alert(model=evil)))
    shown = [found["title"], found["fallback"], found["text"], *(field["value"] for field in found["fields"])]
    for part in shown:
        assert "<!" not in part
        assert "<@" not in part
        assert "<https://evil" not in part
        assert "@channel" not in part
        assert "@HERE" not in part
    assert found["text"].count("```") == 2
    assert found["mrkdwn_in"] == ["text"]


async def test_f56_the_longest_message_is_within_slacks_limits() -> None:
    evil = [alert(fingerprint=str(n), model="&" * 5_000, rule="<" * 5_000, summary=">" * 90_000) for n in range(50)]
    for texts in (None, Texts("{{ alerts[0].model }}", "{{ alerts[0].model }}" * 200)):
        found = await attachment(notification(*evil), texts)  # the fake refuses what Slack would cut
        assert len(found["title"]) <= 1_000
        assert all(len(field["value"]) <= 1_000 for field in found["fields"])
        assert len(found["text"]) <= TEXT_CHARACTERS_MAX


def test_cutting_leaves_entities_whole() -> None:
    for length in range(1, 30):
        shown = cut(escape("a<b>&c" * 5), length)
        assert len(shown) <= length
        for entity in ("&lt;", "&gt;", "&amp;"):
            shown = shown.replace(entity, "")
        assert "&" not in shown


async def test_f63_a_429_says_for_how_long_and_the_message_goes_through_afterwards() -> None:
    async with SlackFake(interval_seconds=0.2) as fake:
        channel = SlackChannel(SlackSpec(SecretSource(fake.url)), LINKS, renderer(is_slack=True), quick_http())
        fake.next_faults(Answer(429, {"Retry-After": "30"}))
        with pytest.raises(ChannelError) as caught:
            await channel.send(notification())
        await channel.send(notification())
        with pytest.raises(ChannelError) as too_soon:
            await channel.send(notification())
        await channel.close()
    assert (caught.value.failure, caught.value.retryable, caught.value.retry_after_seconds) == (
        "rate_limited",
        True,
        30,
    )
    assert too_soon.value.retry_after_seconds == 1
    assert len(fake.accepted) == 1


async def test_f65_a_webhook_that_is_gone_is_not_tried_again_and_not_shown() -> None:
    async with SlackFake() as fake:
        spec = SlackSpec(SecretSource(f"{fake.origin}/services/T000/GONE-SECRET"))
        channel = SlackChannel(spec, LINKS, renderer(is_slack=True), quick_http())
        with pytest.raises(ChannelError, match="404: no_service") as caught:
            await channel.send(notification())
        await channel.check()  # the host is there; that its webhook is gone shows only when one posts
        await channel.close()
    assert (caught.value.failure, caught.value.retryable) == ("not_found", False)
    assert "SECRET" not in str(caught.value)
