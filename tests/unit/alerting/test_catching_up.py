"""Catching up after an outage, rules and notifier together: the past is recorded, what reaches the present is told."""

from alerting.evaluator import Options
from alerting.routing_config import Receiver, Routing, channel_limits
from models.alert_event import AlertEvent
from tests.unit.alerting import desk as notifying
from tests.unit.alerting import rule_records as judging
from tests.unit.alerting.rule_records import HOUR, now, record, rule

ROUTING = Routing(receivers=(Receiver("chat", (channel_limits("chat", "slack"),)),), routes=(notifying.ROUTE,))


def told(events: list[AlertEvent], *, crash: bool = False) -> list[str]:
    desk = notifying.Desk(ROUTING)
    for number, event in enumerate(events):
        desk.take(number * 20_000, event)
        desk.run((number + 1) * 20_000 - 1_000, from_ms=number * 20_000)
        if crash:
            desk.crash()
    desk.run(300_000, from_ms=len(events) * 20_000)
    return [f"{d.notification.why} {a.status} {a.historic}" for _, d in desk.told for a in d.notification.alerts]


def test_an_incident_of_the_past_that_still_fires_when_the_present_is_reached_is_told_and_so_is_its_end() -> None:
    desk = judging.Desk([rule()], Options(max_age_ms=HOUR))
    for minute in range(1, 181):
        desk.take(record(minute, 0.8 if minute < 180 else 0.95), at=now(180))
    assert [(e.status, e.historic) for e in desk.told] == [("firing", True), ("firing", False), ("resolved", False)]
    assert len({event.incident for event in desk.told}) == 1
    for crash in (False, True):
        assert told(desk.told, crash=crash) == ["FIRST firing False", "RESOLVED resolved False"]


def test_an_incident_that_was_over_long_ago_is_recorded_and_nobody_is_told_but_of_the_next_one() -> None:
    desk = judging.Desk([rule()], Options(max_age_ms=HOUR))
    for minute in range(1, 181):
        desk.take(record(minute, 0.8 if minute < 10 or minute > 170 else 0.95), at=now(180))
    assert [(e.status, e.historic) for e in desk.told] == [("firing", True), ("resolved", True), ("firing", False)]
    assert told(desk.told) == ["FIRST firing False"]
    assert told(desk.told[:2], crash=True) == []
