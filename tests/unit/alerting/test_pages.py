"""A channel that is told one by one, in a storm: few pages, none of them left open, nobody untold."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from random import Random

import pytest

from alerting.delivery import SENT, Outcome
from alerting.notification import Notification
from alerting.routing_config import Receiver, Routing, channel_limits
from models.alert_event import AlertEvent
from tests.unit.alerting.alerts import T0, firing, resolved
from tests.unit.alerting.desk import HOUR, MINUTE, ROUTE, SECOND, Desk

ONCALL = Receiver("oncall", (channel_limits("oncall", "pagerduty"),))


def storm(count: int, models: int = 1) -> list[AlertEvent]:
    return [firing(f"f{number}", T0, model=f"m{number % models}", priority="P1") for number in range(count)]


def paged(storm_pages: int = 30, **answers: Outcome) -> Desk:
    routes = (replace(ROUTE, receivers=("oncall",)),)
    return Desk(Routing(receivers=(ONCALL,), routes=routes, storm_pages=storm_pages), **answers)


def heard(desk: Desk) -> list[Notification]:
    return [delivery.notification for _, delivery in desk.told]


def alerts_of(notification: Notification) -> int:
    return len(notification.alerts) + notification.omitted


@pytest.mark.parametrize("models", [1, 100, 10_000], ids=lambda models: f"{models} groups")
def test_f67_ten_thousand_in_a_minute_are_told_within_minutes_as_pages_for_many(models: int) -> None:
    desk = paged()
    for number, event in enumerate(storm(10_000, models)):
        desk.take(number * 6, event)
    desk.run(4 * MINUTE, from_ms=MINUTE)
    assert sum(map(alerts_of, heard(desk))) == 10_000
    assert len({notification.page for notification in heard(desk)}) == len(desk.told) <= 130
    assert all(after - before >= SECOND for (before, _), (after, _) in zip(desk.told, desk.told[1:], strict=False))


def test_thirty_alerts_are_thirty_pages() -> None:
    desk = paged()
    desk.take(0, *storm(30))
    desk.run(MINUTE)
    assert [(alerts_of(n), n.page) for n in heard(desk)] == [(1, "")] * 30


def test_a_page_for_many_is_repeated_as_one_and_over_with_the_last_of_them_across_crashes() -> None:
    desk = paged()
    events = storm(40)
    desk.take(0, *events)
    desk.run(MINUTE)
    desk.crash()
    desk.run(HOUR + 30 * SECOND, from_ms=HOUR - 30 * SECOND)
    assert [(n.why, alerts_of(n)) for n in heard(desk)] == [("FIRST", 40), ("REPEAT", 40)]
    desk.take(HOUR + MINUTE, *map(resolved, events[:39]))
    desk.run(HOUR + 3 * MINUTE, from_ms=HOUR + MINUTE)
    assert len(desk.told) == 2, "one of them still fires"
    desk.crash()
    desk.take(HOUR + 4 * MINUTE, resolved(events[39]))
    desk.run(HOUR + 6 * MINUTE, from_ms=HOUR + 4 * MINUTE)
    first, again, over = heard(desk)
    assert (over.why, [a.status for a in over.alerts]) == ("RESOLVED", ["resolved"])
    assert first.page
    assert {again.page, over.page} == {first.page}
    desk.run(4 * HOUR, from_ms=HOUR + 6 * MINUTE, every_ms=MINUTE)
    assert len(desk.told) == 3
    assert [key for key in desk.rows if key.startswith("alert|")] == []


def test_a_page_is_over_although_most_of_it_was_over_when_the_process_went_away_for_a_day() -> None:
    desk = paged()
    events = storm(40)
    desk.take(0, *events)
    desk.run(MINUTE)
    desk.take(MINUTE, *map(resolved, events[:39]))
    desk.store()
    desk.crash()
    desk.take(26 * HOUR, resolved(events[39]))
    desk.run(27 * HOUR, from_ms=26 * HOUR, every_ms=MINUTE)
    assert [(n.why, n.page == heard(desk)[0].page) for n in heard(desk)] == [("FIRST", True), ("RESOLVED", True)]


def test_what_fires_again_has_a_page_of_its_own_while_the_other_is_open() -> None:
    desk = paged()
    events = storm(40)
    desk.take(0, *events)
    desk.run(MINUTE)
    desk.take(MINUTE, resolved(events[0]), firing("f0", T0 + 5, model="m0", priority="P1"))
    desk.run(2 * HOUR, from_ms=MINUTE, every_ms=10 * SECOND)
    pages = Counter((n.why, alerts_of(n), n.page == heard(desk)[0].page) for n in heard(desk))
    assert pages["FIRST", 40, True] == 1
    assert pages["NEW", 1, False] == 1
    assert pages["REPEAT", 39, True] >= 1


def test_a_page_that_may_have_got_through_is_repeated_under_its_name() -> None:
    desk = paged(oncall=Outcome("timeout"))
    desk.take(0, *storm(40))
    tried = desk.due(0) + [delivery for at_s in range(1, 12) for delivery in desk.due(at_s * SECOND)]
    desk.crash()
    desk.answers.clear()
    desk.run(MINUTE, from_ms=12 * SECOND)
    assert [n.page for n in heard(desk)] == [delivery.notification.page for delivery in tried]
    assert heard(desk)[0].page


def test_whatever_fails_in_storms_no_page_is_left_open_and_no_alert_without_one() -> None:
    for seed in range(100):
        random = Random(seed)
        desk = paged(storm_pages=2)
        service, numbers = Service(), count()
        fires: dict[str, AlertEvent] = {}
        at_ms = 0
        for _ in range(30):
            for _ in range(random.choice([0, 1, 8])):
                change(desk, random, fires, at_ms, numbers)
            for _ in range(random.choice([1, 20])):
                turn(desk, service, random, at_ms)
                at_ms += SECOND
                assert kept(desk, service), f"seed {seed}: somebody was paged, and the page is closed"
            at_ms += random.choice([0, 0, 2 * MINUTE, HOUR])
        for number in range(400):
            turn(desk, service, None, at_ms + number * 10 * SECOND)
        alerts = {entry.fingerprint: entry.alert for entry in desk.notifier._table}
        for fingerprint in fires:
            page = alerts[fingerprint].told_to("oncall/pagerduty").page or fingerprint
            assert page in service.open, f"seed {seed}: {fingerprint} fires and nobody is paged"
        at_ms += 4_000 * SECOND
        desk.take(at_ms, *(resolved(event, T0 + at_ms) for event in fires.values()))
        for number in range(400):
            turn(desk, service, None, at_ms + number * 10 * SECOND)
        assert service.open == set(), f"seed {seed}"
        assert max(service.sizes) > 2, f"seed {seed}: no storm"


def kept(desk: Desk, service: "Service") -> bool:
    """Whether all that was told and still fires has its page."""
    found = [(entry.alert, entry.alert.told_to("oncall/pagerduty")) for entry in desk.notifier._table]
    told = [(a, t) for a, t in found if a.fires and t.firing and t.starts_at_ms == a.starts_at_ms]
    return {t.page or a.event.fingerprint for a, t in told} <= service.open


class Service:
    """PagerDuty: incidents by their keys."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.sizes: list[int] = []

    def takes(self, notification: Notification) -> None:
        self.sizes.append(alerts_of(notification))
        for alert in notification.alerts[:1]:
            key = notification.page or alert.fingerprint
            (self.open.add if notification.firing else self.open.discard)(key)


def change(desk: Desk, random: Random, fires: dict[str, AlertEvent], at_ms: int, numbers: Iterator[int]) -> None:
    """One alert begins or is over; numbers: no two begin in the same millisecond."""
    name = f"f{random.randrange(12)}"
    event = fires.pop(name, None)
    if event is None:
        event = fires[name] = firing(name, T0 + at_ms + next(numbers), model=random.choice("ab"))
        desk.take(at_ms, event)
    else:
        desk.take(at_ms, resolved(event, T0 + at_ms))
    desk.store()


def turn(desk: Desk, service: Service, random: Random | None, at_ms: int) -> None:
    """Attempt what is due; with chance, it fails, or the process dies before it is known."""
    for delivery in desk.due(at_ms):
        chance = random.random() if random else 1.0
        if chance > 0.2:
            service.takes(delivery.notification)
        answer = SENT if chance > 0.4 else Outcome("timeout") if chance > 0.1 else Outcome("server")
        if random and random.random() < 0.05:
            desk.crash()
            return
        desk.notifier.outcome(delivery.delivery_id, answer, T0 + at_ms)
        desk.store()
    if random and random.random() < 0.02:
        desk.crash()
