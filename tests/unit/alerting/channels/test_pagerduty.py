import pytest

from alerting.channels.pagerduty import RATE_LIMIT_SECONDS, PagerDutyChannel, dedup_key
from alerting.channels.secret import SecretSource
from alerting.channels.specs import PagerDutySpec, Texts
from alerting.notification import ChannelError, Notification
from tests.support.alert_samples import alert, notification
from tests.support.channels import LINKS, quick_http, renderer
from tests.support.http_fakes import Answer, PagerDutyFake, Reset

KEY = alert().fingerprint


def channel(
    fake: PagerDutyFake, routing_key: str = PagerDutyFake.ROUTING_KEY, texts: Texts | None = None
) -> PagerDutyChannel:
    spec = PagerDutySpec(SecretSource(routing_key), fake.url)
    return PagerDutyChannel(spec, LINKS, renderer(texts), quick_http())


async def sent(*messages: Notification, texts: Texts | None = None) -> PagerDutyFake:
    async with PagerDutyFake() as fake:
        pagerduty = channel(fake, texts=texts)
        for message in messages:
            await pagerduty.send(message)
        await pagerduty.close()
    return fake


async def test_a_firing_triggers_and_its_end_resolves_the_same_incident() -> None:
    fake = await sent(notification(), notification(alert(status="resolved"), why="RESOLVED"))
    assert (fake.pages, fake.resolved, fake.open) == ([KEY], [KEY], set())
    event = fake.accepted[0].json()
    assert event["links"] == [{"href": "https://runbooks.example/accuracy", "text": "Runbook"}]
    assert event["client_url"] == LINKS.dashboard_url
    payload = event["payload"]
    assert payload["summary"] == "[FIRING P1] accuracy-critical: fraud rf_v2"
    assert (payload["source"], payload["severity"], payload["class"]) == ("fraud", "critical", "accuracy")
    assert payload["timestamp"] == "2026-11-18T11:06:40Z"
    assert payload["custom_details"]["value"] == "0.8123 [0.79, 0.83]"
    assert payload["custom_details"]["reason"] == "accuracy is below 0.9"


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
async def test_severity_is_pagerdutys(severity: str) -> None:
    fake = await sent(notification(alert(severity=severity)))
    assert fake.accepted[0].json()["payload"]["severity"] == severity


async def test_f67_every_alert_of_a_group_is_an_event_of_its_own() -> None:
    many = [alert(fingerprint=f"f{n}") for n in range(5)]
    fake = await sent(notification(*many, alert(fingerprint="over", status="resolved"), why="NEW"))
    assert fake.pages == ["f0", "f1", "f2", "f3", "f4"]
    assert [received.json()["event_action"] for received in fake.accepted] == ["trigger"] * 5 + ["resolve"]


async def test_f67_a_page_that_stands_for_many_is_one_incident_until_the_last_is_over() -> None:
    many = [alert(fingerprint=f"f{n}", segment=f"s{n}") for n in range(5)]
    over = alert(fingerprint="f4", status="resolved")
    messages = [
        notification(*many, page="storm", omitted=7),
        notification(*many, page="storm", why="REPEAT"),
        notification(over, page="storm", why="RESOLVED"),
    ]
    fake = await sent(*messages)
    assert [received.json()["event_action"] for received in fake.accepted] == ["trigger", "trigger", "resolve"]
    assert {received.json()["dedup_key"] for received in fake.accepted} == {"storm"}
    payload = fake.accepted[0].json()["payload"]
    assert payload["summary"] == "[5 firing, 0 resolved, 7 more] model=fraud"
    assert "accuracy-critical fraud rf_v2 s4" in payload["custom_details"]["alerts"]
    at_once = await sent(notification(over, alert(fingerprint="f5", status="resolved"), page="storm", why="NEW"))
    assert (at_once.pages, at_once.resolved) == (["storm"], ["storm"])


@pytest.mark.parametrize("why", ["FIRST", "NEW"])
async def test_f66_an_incident_that_was_over_before_it_could_be_told_is_on_record_and_closed(why: str) -> None:
    fake = await sent(notification(alert(status="resolved"), why=why))
    assert (fake.pages, fake.resolved) == ([KEY], [KEY])
    both = await sent(notification(alert(), alert(status="resolved"), why=why))
    assert (both.pages, both.resolved) == ([KEY], [KEY])


async def test_a_resolved_alert_that_was_told_before_pages_nobody_again() -> None:
    over = alert(status="resolved")
    for after in (notification(over, why="RESOLVED"), notification(alert(fingerprint="another"), over, why="NEW")):
        fake = await sent(notification(), after)
        assert fake.pages.count(KEY) == 1
        assert fake.resolved == [KEY]


async def test_f68_incidents_that_came_and_went_are_remarked() -> None:
    fake = await sent(notification(missed=3))
    details = fake.accepted[0].json()["payload"]["custom_details"]
    assert details["remark"] == "3 incidents came and went untold before"


async def test_f70_copies_and_repeats_page_once() -> None:
    fake = await sent(notification(), notification(), notification(why="REPEAT"))
    assert fake.pages == [KEY]


async def test_f64_a_group_that_broke_in_the_middle_is_sent_again_without_paging_twice() -> None:
    message = notification(*[alert(fingerprint=f"f{n}") for n in range(3)])
    async with PagerDutyFake() as fake:
        pagerduty = channel(fake)
        fake.next_faults(Answer(202), Reset())  # the first got through, but is not known to the fake as an incident
        with pytest.raises(ChannelError) as caught:
            await pagerduty.send(message)
        await pagerduty.send(message)
        await pagerduty.close()
    assert caught.value.retryable
    assert fake.pages == ["f0", "f1", "f2"]


async def test_f56_the_largest_event_is_within_pagerdutys_limits() -> None:
    huge = "東" * 400_000
    names = ("rule", "model", "model_version", "segment", "metric", "summary", "runbook", "fingerprint")
    evil = alert(**dict.fromkeys(names, huge))
    fake = await sent(
        notification(evil), notification(evil, alert()), texts=Texts(body=f"{{{{ alerts[0].model }}}}{huge}")
    )
    assert len(fake.accepted) == 3


def test_a_long_fingerprint_becomes_a_key_of_its_own() -> None:
    one, other = alert(fingerprint="x" * 300 + "1"), alert(fingerprint="x" * 300 + "2")
    assert dedup_key(alert(fingerprint="x" * 255)) == "x" * 255
    assert len(dedup_key(one)) <= 255
    assert dedup_key(one) == dedup_key(alert(fingerprint="x" * 300 + "1", status="resolved")) != dedup_key(other)


async def test_f63_a_429_without_a_time_waits_a_few_minutes() -> None:
    async with PagerDutyFake() as fake:
        pagerduty = channel(fake)
        fake.next_faults(Answer(429), Answer(429, {"Retry-After": "7"}))
        for seconds in (RATE_LIMIT_SECONDS, 7.0):
            with pytest.raises(ChannelError) as caught:
                await pagerduty.send(notification())
            assert caught.value.retry_after_seconds == seconds
        await pagerduty.close()


async def test_f65_a_wrong_routing_key_is_named_but_not_shown() -> None:
    async with PagerDutyFake() as fake:
        pagerduty = channel(fake, routing_key="f" * 32)
        await pagerduty.check()
        with pytest.raises(ChannelError, match="the routing key is not accepted") as caught:
            await pagerduty.send(notification())
        await pagerduty.close()
    assert not caught.value.retryable
    assert "ffff" not in str(caught.value)
    assert fake.accepted == []
