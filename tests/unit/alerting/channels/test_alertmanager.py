import time
from typing import Any

import pytest

from alerting.channels.alertmanager import AlertmanagerChannel
from alerting.channels.specs import AlertmanagerSpec
from alerting.notification import ChannelError
from models.metric_record import ms_of_iso
from tests.support.alert_samples import START_MS, alert, notification
from tests.support.channels import LINKS, NOW_MS, now_ms, quick_http
from tests.support.http_fakes import Answer, Fake, Hang, Reset
from tests.support.ports import free_ports


def channel(*urls: str) -> AlertmanagerChannel:
    return AlertmanagerChannel(AlertmanagerSpec(urls, renew_every_ms=60_000), LINKS, quick_http(), now_ms)


async def posted(**changes: object) -> Any:  # noqa: ANN401  an alert as JSON
    async with Fake() as fake:
        alertmanager = channel(fake.origin + "/prefix/")
        await alertmanager.send(notification(alert(**changes)))
        await alertmanager.close()
    assert fake.accepted[0].path == "/prefix/api/v2/alerts"
    [found] = fake.accepted[0].json()
    return found


async def test_labels_say_which_alert_and_annotations_what_of_it() -> None:
    found = await posted(segment="", summary="accuracy is below 0.9")
    assert found["labels"] == {
        "alertname": "accuracy-critical",
        "rule": "accuracy-critical",
        "priority": "P1",
        "severity": "critical",
        "model": "fraud",
        "model_version": "rf_v2",
        "metric": "accuracy",
        "cause": "outcome",
    }
    assert found["annotations"]["value"] == "0.8123 [0.79, 0.83]"
    assert found["annotations"]["runbook_url"] == "https://runbooks.example/accuracy"
    assert found["generatorURL"] == LINKS.dashboard_url


async def test_labels_are_the_same_whatever_the_value_so_that_it_is_one_alert() -> None:
    firing = await posted(value=0.1, summary="a", interval=None)
    resolved = await posted(value=0.95, summary="b", status="resolved")
    assert firing["labels"] == resolved["labels"]


@pytest.mark.parametrize("starts_ms", [START_MS, NOW_MS + 3_600_000])
async def test_f75_what_fires_ends_only_after_several_renewals_stayed_away(starts_ms: int) -> None:
    found = await posted(starts_at_ms=starts_ms)
    assert ms_of_iso(found["startsAt"]) == starts_ms
    assert ms_of_iso(found["endsAt"]) == max(NOW_MS, starts_ms) + 240_000


@pytest.mark.parametrize(
    ("ends_ms", "posted_ms"),
    [(START_MS + 5_000, START_MS + 5_000), (NOW_MS + 3_600_000, NOW_MS), (None, NOW_MS), (START_MS - 1, START_MS)],
)
async def test_what_is_over_ends_now_at_the_latest_and_not_before_its_start(
    ends_ms: int | None, posted_ms: int
) -> None:
    found = await posted(status="resolved", ends_at_ms=ends_ms)
    assert ms_of_iso(found["endsAt"]) == posted_ms


@pytest.mark.parametrize("fault", [Answer(500), Answer(400), Reset(), Hang()], ids=str)
async def test_f75_one_replica_that_accepts_is_enough_and_all_are_told(fault: Answer | Reset | Hang) -> None:
    [nobody] = free_ports(1)
    async with Fake() as one, Fake() as other:
        one.next_faults(fault)
        alertmanager = channel(one.origin, f"http://127.0.0.1:{nobody}", other.origin)
        await alertmanager.send(notification())
        await alertmanager.check()
        await alertmanager.close()
    assert (len(one.received), len(one.accepted), len(other.accepted)) == (2, 0, 1)


async def test_f75_replicas_are_told_at_once_not_one_after_the_other() -> None:
    async with Fake() as one, Fake() as other, Fake() as third:
        for fake in (one, other, third):
            fake.next_faults(Hang())
        alertmanager = channel(one.origin, other.origin, third.origin)
        began = time.monotonic()
        with pytest.raises(ChannelError) as caught:
            await alertmanager.send(notification())
        await alertmanager.close()
    assert caught.value.failure == "timeout"
    assert time.monotonic() - began < 1.2  # each gives up after half a second


async def test_f65_when_none_accepts_one_that_may_recover_decides() -> None:
    async with Fake() as one, Fake() as other:
        alertmanager = channel(one.origin, other.origin)
        one.next_faults(Answer(400), Answer(400))
        other.next_faults(Answer(503, {"Retry-After": "9"}), Answer(404))
        with pytest.raises(ChannelError) as recovers:
            await alertmanager.send(notification())
        with pytest.raises(ChannelError) as never:
            await alertmanager.send(notification())
        await alertmanager.close()
    assert (recovers.value.retryable, recovers.value.retry_after_seconds) == (True, 9.0)
    assert not never.value.retryable
