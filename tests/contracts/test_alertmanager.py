"""The Alertmanager channel against the real Alertmanager."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from alerting.channels.alertmanager import RENEWALS
from alerting.channels.build import build_channel
from alerting.channels.http import Http
from alerting.channels.specs import AlertmanagerSpec, Hosts, Links
from alerting.notification import Channel, ChannelError
from models.alert_event import AlertEvent
from models.metric_record import ms_of_iso
from runtime.clock import now_ms
from tests.support.alert_samples import alert, notification
from tests.support.alertmanager import Alertmanager

Start = Callable[[], Alertmanager]
RENEW_EVERY_MS = 600  # so a firing alert ends by itself after 2.4 s
JSON = {"Content-Type": "application/json"}


def channel(*replicas: Alertmanager) -> Channel:
    urls = tuple(replica.url for replica in replicas)
    spec = AlertmanagerSpec(urls, RENEW_EVERY_MS)
    return build_channel(
        "prom/alertmanager", spec, Hosts(frozenset({"127.0.0.1"})), Links("https://h.example/"), now_ms
    )


def firing(**changes: Any) -> AlertEvent:  # noqa: ANN401  any field of an alert
    return alert(**({"starts_at_ms": now_ms() - 60_000} | changes))


async def gone(replica: Alertmanager) -> bool:
    """Whether nothing fires any more, before long."""
    for _ in range(200):
        if not replica.alerts():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_f75_an_alert_that_was_posted_fires_and_its_end_resolves_it(start_alertmanager: Start) -> None:
    alertmanager = start_alertmanager()
    prom = channel(alertmanager)
    await prom.check()
    event = firing(segment="country=DE", model='東京 "quoted" {x}\r\n', summary="accuracy is below 0.9")
    await prom.send(notification(event, firing(fingerprint="another", model="other")))
    found = {each["labels"]["model"]: each for each in alertmanager.alerts()}
    assert set(found) == {'東京 "quoted" {x}', "other"}
    shown = found['東京 "quoted" {x}']
    assert shown["status"]["state"] == "active"
    assert shown["labels"]["segment"] == "country=DE"
    assert shown["annotations"]["summary"] == "accuracy is below 0.9"
    assert shown["generatorURL"] == "https://h.example/"
    assert ms_of_iso(shown["startsAt"]) == event.starts_at_ms
    over = [
        alert(model=model, segment=segment, status="resolved", ends_at_ms=now_ms() - 1_000)
        for model, segment in ((event.model, "country=DE"), ("other", ""))
    ]
    await prom.send(notification(*over, why="RESOLVED"))
    assert await gone(alertmanager)
    await prom.close()


async def test_f75_what_fires_is_kept_alive_by_renewals_and_ends_without_them(start_alertmanager: Start) -> None:
    alertmanager = start_alertmanager()
    prom = channel(alertmanager)
    event = firing()
    await prom.send(notification(event))
    [first] = [renewed] = alertmanager.alerts()
    ends_ms = now_ms() + RENEWALS * RENEW_EVERY_MS
    while now_ms() < ends_ms + 500:  # beyond the end that was given first
        await prom.send(notification(event, why="REPEAT"))
        await asyncio.sleep(RENEW_EVERY_MS / 1000)
        [renewed] = alertmanager.alerts()
    assert renewed["startsAt"] == first["startsAt"]
    assert ms_of_iso(renewed["endsAt"]) > ms_of_iso(first["endsAt"])
    assert renewed["fingerprint"] == first["fingerprint"]
    assert await gone(alertmanager)
    await prom.close()


async def test_f75_with_one_of_two_replicas_down_the_other_is_told(start_alertmanager: Start) -> None:
    up, down = start_alertmanager(), start_alertmanager()
    prom = channel(down, up)
    down.kill()
    await prom.send(notification(firing()))
    await prom.check()
    assert len(up.alerts()) == 1
    down.start()
    await prom.send(notification(firing(), why="REPEAT"))  # the next renewal tells the one that is back
    assert len(down.alerts()) == 1
    up.kill()
    down.kill()
    with pytest.raises(ChannelError) as caught:
        await prom.send(notification(firing()))
    assert (caught.value.failure, caught.value.retryable) == ("unreachable", True)
    await prom.close()


async def test_f65_what_alertmanager_cannot_take_is_not_tried_again(start_alertmanager: Start) -> None:
    http = Http(Hosts(frozenset({"127.0.0.1"})), now_ms)
    with pytest.raises(ChannelError) as caught:
        await http.post(f"{start_alertmanager().url}/api/v2/alerts", b'[{"labels": {}}]', JSON)
    assert (caught.value.failure, caught.value.retryable) == ("invalid", False)
    await http.close()


async def test_alerts_whose_times_lie_in_the_future_are_taken_and_resolved(start_alertmanager: Start) -> None:
    alertmanager = start_alertmanager()
    prom = channel(alertmanager)
    ahead_ms = now_ms() + 2_000
    await prom.send(notification(firing(starts_at_ms=ahead_ms)))
    await prom.send(notification(firing(starts_at_ms=ahead_ms, status="resolved", ends_at_ms=ahead_ms + 1_000)))
    assert await gone(alertmanager)
    await prom.close()
