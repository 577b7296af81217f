from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from alerting.delivery import SENT, Outcome
from alerting.routing_config import Digest, Inhibition, Receiver, Route, Routing, channel_limits
from models.silence import Silence
from tests.unit.alerting.alerts import T0, firing, resolved
from tests.unit.alerting.desk import CHAT, HOUR, MINUTE, ROUTE, SECOND, Desk

ONCALL = Receiver("oncall", (channel_limits("oncall", "pagerduty"),), fallback="chat")
HOOK = Receiver("hook", (channel_limits("hook", "webhook"),))
ALERT = firing("f1", T0)
OVER = resolved(ALERT)


def test_an_alert_is_told_after_the_wait_then_repeated_then_its_end_after_the_interval() -> None:
    desk = Desk()
    desk.take(0, ALERT)
    assert desk.run(HOUR + 30 * SECOND) == ["10 chat FIRST f1:firing", "3610 chat REPEAT f1:firing"]
    desk.take(HOUR + MINUTE, OVER)
    assert desk.run(2 * HOUR, HOUR + MINUTE) == ["3670 chat RESOLVED f1:resolved"]


def test_alerts_of_one_group_that_come_within_the_wait_are_told_together_worst_first() -> None:
    desk = Desk()
    desk.take(
        0, firing("f1", T0), firing("f2", T0, severity="critical", metric="recall"), firing("f3", T0, model="churn")
    )
    assert desk.run(MINUTE) == ["10 chat FIRST f3:firing", "11 chat FIRST f2:firing f1:firing"]


def test_what_comes_after_waits_for_the_interval() -> None:
    desk = Desk()
    desk.take(0, ALERT)
    desk.run(20 * SECOND)
    desk.take(20 * SECOND, firing("f2", T0))
    assert desk.run(2 * MINUTE, 20 * SECOND) == ["70 chat NEW f2:firing"]


def test_an_alert_that_is_over_before_it_could_be_told_is_told_once_with_its_end() -> None:
    desk = Desk()
    desk.take(0, ALERT, OVER)
    assert desk.run(2 * HOUR, every_ms=MINUTE // 6) == ["10 chat FIRST f1:resolved"]


def test_nothing_is_told_and_nothing_kept_of_historic_alerts() -> None:
    desk = Desk()
    desk.take(0, msgspec.structs.replace(ALERT, historic=True), msgspec.structs.replace(OVER, historic=True))
    assert desk.run(MINUTE) == []
    assert desk.rows == {}
    assert desk.notifier.firing() == []


def test_the_same_events_again_change_nothing() -> None:
    desk = Desk()
    earlier = firing("f1", T0 - 5)
    desk.take(0, earlier, resolved(earlier), ALERT)
    desk.run(MINUTE)
    desk.take(MINUTE, earlier, resolved(earlier), ALERT)
    desk.notifier.tick(T0 + MINUTE)
    assert not desk.notifier.collect()
    assert desk.notifier.firing() == [ALERT]


def test_an_incident_that_a_revision_opens_again_is_told_again() -> None:
    desk = Desk()
    desk.take(0, ALERT)
    desk.run(20 * SECOND)
    desk.take(20 * SECOND, OVER)
    desk.run(2 * HOUR, 20 * SECOND, MINUTE)
    desk.take(20 * MINUTE, msgspec.structs.replace(ALERT, window_start_ms=T0 + 1))
    assert desk.notifier.firing() != []


def test_flapping_is_told_once_per_repeat_with_how_much_was_missed() -> None:
    desk = Desk()
    for number in range(30):
        event = firing("f1", T0 + number * 5 * MINUTE)
        desk.take(number * 5 * MINUTE, event)
        desk.run((number * 5 + 2) * MINUTE, number * 5 * MINUTE)
        desk.take((number * 5 + 2) * MINUTE, resolved(event))
        desk.run((number * 5 + 4) * MINUTE, (number * 5 + 2) * MINUTE)
    pages = [(at // SECOND, d.notification.missed) for at, d in desk.told if d.notification.why != "RESOLVED"]
    assert pages == [(10, 0), (3620, 11), (7230, 11)]


# Silences and inhibition.


def silence(ends_ms: int, **match: list[str]) -> Silence:
    return Silence(silence_id="s", match=match, starts_at_ms=T0, ends_at_ms=T0 + ends_ms)


def test_a_silenced_alert_is_told_when_the_silence_ends_and_it_still_fires() -> None:
    desk = Desk()
    desk.notifier.take_silence("s", silence(MINUTE, model=["fraud"]), T0)
    desk.take(0, ALERT, firing("f2", T0), resolved(firing("f2", T0)))
    assert desk.notifier.hidden() == {"f1"}
    assert desk.run(2 * MINUTE) == ["70 chat FIRST f1:firing"]


def test_a_silence_is_known_after_a_crash_until_it_is_taken_back() -> None:
    desk = Desk()
    desk.notifier.take_silence("s", silence(HOUR, model=["fraud"]), T0)
    desk.take(0, ALERT)
    desk.due(0)
    desk.crash()
    assert desk.run(MINUTE, 1_000) == []
    desk.notifier.take_silence("s", None, T0 + MINUTE)
    assert desk.run(2 * MINUTE, MINUTE) == ["70 chat FIRST f1:firing"]
    assert "silence|s" not in desk.rows


def test_a_silence_from_the_settings_begins_and_ends_by_itself() -> None:
    fixed = Silence(silence_id="s", match={}, starts_at_ms=T0 + 5 * SECOND, ends_at_ms=T0 + MINUTE)
    desk = Desk(Routing(receivers=(CHAT,), routes=(ROUTE,), silences=(fixed,)))
    desk.take(0, ALERT)
    assert desk.run(2 * MINUTE) == ["70 chat FIRST f1:firing"]


def test_the_end_of_what_was_told_is_told_through_a_silence() -> None:
    desk = Desk()
    desk.take(0, ALERT)
    desk.run(20 * SECOND)
    desk.notifier.take_silence("s", silence(HOUR), T0 + 20 * SECOND)
    desk.take(20 * SECOND, OVER)
    assert desk.run(3 * MINUTE, 20 * SECOND) == ["70 chat RESOLVED f1:resolved"]


def test_a_page_hides_the_rest_of_its_model_until_it_is_over() -> None:
    page = firing("page", T0, priority="P1", rule="recall")
    desk = Desk()
    desk.take(0, ALERT, page, firing("f3", T0, model="churn", model_version="v9"))
    assert desk.run(MINUTE) == ["10 chat FIRST f3:firing", "11 chat FIRST page:firing"]
    desk.take(MINUTE, resolved(page))
    assert desk.run(3 * MINUTE, MINUTE) == ["70 chat NEW f1:firing page:resolved"]


def test_what_is_over_in_the_same_moment_as_what_hid_it_is_not_told() -> None:
    page = firing("page", T0, priority="P1")
    desk = Desk()
    desk.take(0, ALERT, page)
    desk.run(MINUTE)
    desk.take(MINUTE, resolved(page), OVER)
    assert desk.run(3 * MINUTE, MINUTE) == ["70 chat RESOLVED page:resolved"]


def test_what_was_on_its_way_is_told_although_it_was_hidden_when_it_ended() -> None:
    desk = Desk(chat=Outcome("server"))
    desk.take(0, ALERT)
    desk.run(20 * SECOND)
    page = firing("page", T0, priority="P1")
    desk.take(20 * SECOND, page)
    desk.take(30 * SECOND, OVER)
    desk.take(40 * SECOND, resolved(page))
    desk.answers.clear()
    assert desk.run(5 * MINUTE, 40 * SECOND) == ["40 chat FIRST f1:resolved", "70 chat NEW page:resolved"]


# Channels that fail.


def test_a_channel_that_asks_for_time_gets_it_and_others_are_told_meanwhile() -> None:
    desk = Desk(
        Routing(receivers=(CHAT, HOOK), routes=(replace(ROUTE, receivers=("chat", "hook")),)),
        chat=Outcome("rate_limited", retry_after_seconds=30),
    )
    desk.take(0, ALERT)
    assert desk.run(15 * SECOND) == ["10 hook FIRST f1:firing"]
    desk.answers.clear()
    desk.take(20 * SECOND, OVER)
    assert desk.run(2 * MINUTE, 20 * SECOND) == ["40 chat FIRST f1:resolved", "70 hook RESOLVED f1:resolved"]


def test_what_may_have_got_through_is_repeated_as_it_was_then_its_end_is_told() -> None:
    desk = Desk(chat=Outcome("timeout"))
    desk.take(0, ALERT)
    first = next(d for at in range(12) for d in desk.due(at * SECOND))
    desk.notifier.outcome(first.delivery_id, Outcome("timeout"), T0 + 12 * SECOND)
    desk.take(12 * SECOND, OVER)
    desk.answers.clear()
    assert desk.run(2 * MINUTE, 12 * SECOND) == ["13 chat FIRST f1:firing", "70 chat RESOLVED f1:resolved"]
    assert desk.told[0][1] == first


def test_a_delivery_that_was_not_recorded_is_repeated_after_a_crash_under_the_same_key() -> None:
    desk = Desk()
    desk.take(0, ALERT)
    (first,) = [d for at in range(12) for d in desk.due(at * SECOND)]
    desk.take(12 * SECOND, OVER)
    desk.due(12 * SECOND)
    desk.crash()
    assert desk.run(12 * SECOND, 12 * SECOND) == ["12 chat FIRST f1:firing"]
    assert desk.told[-1][1] == first
    assert desk.run(2 * MINUTE, 13 * SECOND) == ["13 chat RESOLVED f1:resolved"]


def test_nothing_is_given_twice_while_it_is_being_attempted() -> None:
    desk = Desk()
    desk.take(0, ALERT)
    given = [d for at in range(600) for d in desk.due(at * SECOND)]
    assert len(given) == 1
    desk.notifier.outcome("another", SENT, T0 + HOUR)
    assert desk.due(HOUR) == []


def test_pauses_grow_to_five_minutes_and_what_still_fires_is_tried_for_days() -> None:
    desk = Desk(chat=Outcome("server"))
    desk.take(0, ALERT)
    attempts = []
    for at_ms in range(0, 30 * HOUR, 10 * SECOND):
        for delivery in desk.due(at_ms):
            attempts.append(at_ms)
            desk.notifier.outcome(delivery.delivery_id, Outcome("server"), T0 + at_ms)
    gaps = [after - before for before, after in pairwise(attempts)]
    assert max(gaps) <= 5 * MINUTE + 10 * SECOND
    assert min(gaps[15:]) >= 4 * MINUTE
    assert attempts[-1] > 29 * HOUR


@pytest.mark.parametrize("failure", ["server", "timeout"])
def test_what_is_over_is_given_up_after_a_day_and_forgotten(failure: str) -> None:
    desk = Desk(chat=Outcome(failure))  # type: ignore[arg-type]
    desk.take(0, ALERT, OVER)
    desk.run(26 * HOUR, every_ms=MINUTE)
    assert list(desk.rows) == ["channel|chat/slack"]
    desk.answers.clear()
    assert desk.run(28 * HOUR, 26 * HOUR, MINUTE) == []


def test_what_a_channel_refuses_for_good_is_told_to_the_fallback_within_ten_seconds_and_its_end_too() -> None:
    desk = Desk(
        Routing(receivers=(ONCALL, CHAT), routes=(replace(ROUTE, receivers=("oncall",)),)),
        oncall=Outcome("unauthorised", retryable=False),
    )
    desk.take(0, ALERT)
    assert desk.run(2 * MINUTE) == ["11 chat FIRST f1:firing"]
    desk.take(2 * MINUTE, OVER)
    assert desk.run(4 * MINUTE, 2 * MINUTE) == ["120 chat RESOLVED f1:resolved"]
    assert desk.notifier.counts() == {
        ("oncall/pagerduty", "unauthorised"): 1,
        ("oncall/pagerduty", "fallback"): 1,
        ("chat/slack", "sent"): 2,
    }


def test_a_fallback_that_hears_of_the_alert_anyway_is_not_told_twice() -> None:
    routing = Routing(receivers=(ONCALL, CHAT), routes=(replace(ROUTE, receivers=("oncall", "chat")),))
    desk = Desk(routing, oncall=Outcome("invalid", retryable=False))
    desk.take(0, ALERT)
    assert desk.run(5 * MINUTE) == ["10 chat FIRST f1:firing"]


def test_a_channel_that_is_down_for_an_hour_has_its_fallback_told_in_two_minutes_and_hears_on_its_return() -> None:
    routing = Routing(receivers=(ONCALL, CHAT), routes=(replace(ROUTE, receivers=("oncall",)),))
    desk = Desk(routing, oncall=Outcome("unreachable"))
    other = firing("f2", T0)
    desk.take(0, ALERT, other)
    (told,) = desk.run(50 * MINUTE)
    at, what = told.split(" ", 1)
    assert int(at) <= 120
    assert what == "chat FIRST f1:firing f2:firing"
    desk.take(50 * MINUTE, resolved(other))
    desk.answers.clear()
    heard = desk.run(HOUR, 50 * MINUTE)
    assert [each.split(" ", 1)[1] for each in heard if "oncall" in each] == [
        "oncall FIRST f1:firing",
        "oncall NEW f2:resolved",
    ]
    assert all(int(each.split(" ")[0]) <= 55 * 60 + 1 for each in heard)


# Portions, storms, digests, other rows.


def test_a_storm_becomes_messages_at_the_pace_of_the_channel_and_drops_nothing() -> None:
    routing = Routing(receivers=(CHAT, ONCALL), routes=(replace(ROUTE, group_by=("segment",)),))
    desk = Desk(routing)
    for number in range(1_500):
        desk.take(number * 10, firing(f"f{number}", T0, segment=f"s{number % 300}"))
    desk.run(3 * MINUTE)
    assert all(after - before >= SECOND for (before, _), (after, _) in pairwise(desk.told))
    assert sum(len(d.notification.alerts) + d.notification.omitted for _, d in desk.told) == 1_500
    assert max(len(d.notification.alerts) for _, d in desk.told) == 50
    assert len(desk.told) < 100


def test_a_channel_that_is_told_one_by_one_gets_one_message_an_alert() -> None:
    desk = Desk(Routing(receivers=(ONCALL, CHAT), routes=(replace(ROUTE, receivers=("oncall",)),)))
    desk.take(0, *(firing(f"f{number}", T0) for number in range(5)))
    desk.run(MINUTE)
    assert [at // SECOND for at, _ in desk.told] == [10, 11, 12, 13, 14]
    assert {len(d.notification.alerts) for _, d in desk.told} == {1}
    assert len({d.delivery_id for _, d in desk.told}) == 5


def test_a_receiver_with_a_limit_per_minute_is_told_at_that_pace() -> None:
    slow = replace(CHAT, max_per_minute=2)
    desk = Desk(Routing(receivers=(slow,), routes=(replace(ROUTE, group_by=("segment",)),), storm_groups=99))
    desk.take(0, *(firing(f"f{number}", T0, segment=str(number)) for number in range(4)))
    desk.run(3 * MINUTE)
    assert [at // SECOND for at, _ in desk.told] == [10, 40, 70, 100]


def test_an_alertmanager_is_told_every_minute_of_what_fires() -> None:
    prom = Receiver("prom", (channel_limits("prom", "alertmanager"),))
    desk = Desk(Routing(receivers=(prom,), routes=(replace(ROUTE, receivers=("prom",), group_interval_ms=HOUR),)))
    desk.take(0, ALERT)
    assert desk.run(3 * MINUTE) == ["10 prom FIRST f1:firing", "70 prom REPEAT f1:firing", "130 prom REPEAT f1:firing"]


def test_the_digest_tells_at_its_time_what_happened_since_and_what_still_fires() -> None:
    daily = Receiver("daily", digest=Digest(9 * 60, "chat"))
    desk = Desk(Routing(receivers=(CHAT, daily), routes=(Route(("daily",)),)))
    came, went = firing("f2", T0 + 1), firing("f3", T0 + 2)
    desk.take(0, ALERT, came, went, resolved(went))
    desk.crash()
    desk.take(0, ALERT, came, went, resolved(went))
    assert desk.run(20 * HOUR, every_ms=MINUTE) == ["32400 chat DIGEST f1:firing f2:firing f3:resolved"]
    desk.take(20 * HOUR, resolved(came))
    assert desk.run(40 * HOUR, 20 * HOUR, MINUTE) == ["118800 chat DIGEST f1:firing f2:resolved"]
    assert desk.told[-1][1].notification.receiver == "daily"


def test_alerts_are_forgotten_once_everybody_knows_and_flapping_does_not_matter_any_more() -> None:
    desk = Desk()
    desk.take(0, ALERT, OVER)
    desk.run(2 * HOUR, every_ms=SECOND * 10)
    assert list(desk.rows) == ["channel|chat/slack"]


def test_rows_of_receivers_and_routes_that_are_gone_are_dropped_and_new_ones_are_told() -> None:
    desk = Desk()
    desk.take(0, ALERT)
    desk.run(MINUTE)
    desk.crash(Routing(receivers=(HOOK,)))
    assert desk.run(2 * MINUTE, MINUTE) == ["70 hook FIRST f1:firing"]
    assert sorted(desk.rows) == ["alert|f1", "channel|hook/webhook", "group|3|hook|fraud"]


def test_alerts_that_hide_each_other_in_a_circle_are_not_all_hidden() -> None:
    circle = (Inhibition({"rule": ["a"]}, {"rule": ["b"]}), Inhibition({"rule": ["b"]}, {"rule": ["a"]}))
    desk = Desk(Routing(receivers=(CHAT,), routes=(ROUTE,), inhibitions=circle))
    desk.take(0, firing("f1", T0, rule="a"), firing("f2", T0, rule="b"))
    assert len(desk.run(MINUTE)) == 1
