import pytest

from alerting.digest import next_digest_ms
from alerting.inhibition import Inhibitor
from alerting.routes import Router
from alerting.routing_config import DEFAULT_INHIBITIONS, Digest, Receiver, Route, Routing, channel_limits
from tests.unit.alerting.alerts import labels_of


def receiver(name: str, *kinds: str, digest: Digest | None = None) -> Receiver:
    return Receiver(name, tuple(channel_limits(name, kind) for kind in kinds), digest=digest)


PAGER, MAIL = receiver("pager", "pagerduty"), receiver("mail", "email")
CHAT, BOTH = receiver("chat", "slack"), receiver("both", "slack", "email")
DAILY = receiver("daily", digest=Digest(540, "chat"))


def who(routing: Routing, **labels: str) -> list[str]:
    return [place.receiver.name for place in Router(routing).places(labels_of(**labels))]


@pytest.mark.parametrize("priority", ["P1", "P2", "P3"])
def test_with_nobody_configured_everything_goes_to_the_console(priority: str) -> None:
    assert who(Routing(), priority=priority) == ["console"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"priority": "P1"}, ["pager", "mail", "chat", "both"]),
        ({"severity": "critical"}, ["pager", "mail", "chat", "both"]),
        ({"priority": "P2"}, ["chat", "both"]),
        ({"priority": "P3"}, ["daily"]),
    ],
)
def test_without_routes_each_priority_finds_those_it_is_for(labels: dict[str, str], expected: list[str]) -> None:
    assert who(Routing(receivers=(PAGER, MAIL, CHAT, BOTH, DAILY)), **labels) == expected


def test_what_is_for_chat_goes_to_everybody_where_there_is_no_chat_and_for_the_digest_to_chat_without_one() -> None:
    assert who(Routing(receivers=(PAGER, MAIL)), priority="P2") == ["pager", "mail"]
    assert who(Routing(receivers=(PAGER, CHAT)), priority="P3") == ["chat"]


def test_the_first_route_that_matches_takes_the_alert_unless_it_says_also_next() -> None:
    routes = (
        Route(("mail",), {"model": ["churn"]}),
        Route(("pager",), {"model": ["fraud"]}, also_next=True),
        Route(("chat",), {"rule": ["accuracy-*"]}),
        Route(("both",)),
    )
    routing = Routing(routes=routes, receivers=(PAGER, MAIL, CHAT, BOTH))
    assert who(routing) == ["pager", "chat"]
    assert who(routing, model="churn") == ["mail"]
    assert who(routing, rule="x", model="m") == ["both"]


def test_an_alert_that_no_route_of_the_users_takes_follows_the_default_ones() -> None:
    assert who(Routing(routes=(Route(("mail",), {"model": ["churn"]}),), receivers=(MAIL, CHAT))) == ["chat"]


def test_groups_are_told_apart_whatever_their_labels_hold() -> None:
    router = Router(Routing(routes=(Route(("console",), group_by=("model", "segment")),)))
    keys = [router.places(labels_of(**labels))[0].key for labels in ({"model": "a|b"}, {"model": "a", "segment": "b"})]
    assert len(set(keys)) == 2


def test_the_digest_is_at_its_minute_of_the_day_of_utc() -> None:
    day = 86_400_000
    assert [next_digest_ms(540, at) for at in (0, 540 * 60_000 - 1, 540 * 60_000, day)] == [
        540 * 60_000,
        540 * 60_000,
        540 * 60_000 + day,
        540 * 60_000 + day,
    ]


PAGE = {"priority": "P1", "severity": "critical", "metric": "recall"}
NOTE = {"priority": "P3", "severity": "info"}


@pytest.mark.parametrize(
    ("source", "target", "hidden"),
    [
        (PAGE, {}, True),
        (PAGE, {"priority": "P3"}, True),
        (PAGE, {"model": "churn"}, False),
        (PAGE, {**PAGE, "rule": "another"}, False),
        (PAGE, {"cause": "labels"}, False),
        ({"cause": "labels"}, PAGE, True),
        ({"cause": "labels"}, {"cause": "drift"}, False),
        ({"severity": "critical"}, {}, True),
        ({"severity": "critical"}, {"segment": "country=DE"}, False),
        ({"severity": "critical"}, {"metric": "recall"}, False),
        ({"severity": "critical"}, NOTE, True),
        ({}, NOTE, True),
        ({}, {**NOTE, "metric": "recall"}, False),
        ({}, {**NOTE, "model_version": "v2"}, False),
        (NOTE, {}, False),
        ({}, {"priority": "P3"}, True),
        ({"cause": "drift", "metric": "many"}, {**NOTE, "cause": "drift", "metric": "one"}, True),
        ({"cause": "drift", "metric": "many"}, {**NOTE, "cause": "quality", "metric": "one"}, False),
    ],
)
def test_the_default_inhibitions_hide_what_follows_from_something_worse(
    source: dict[str, str], target: dict[str, str], hidden: bool
) -> None:
    inhibitor = Inhibitor(DEFAULT_INHIBITIONS)
    inhibitor.fires("source", inhibitor.standing(labels_of(**source)))
    standing = inhibitor.standing(labels_of(**target))
    assert inhibitor.hides(standing) is hidden
    inhibitor.is_over("source", inhibitor.standing(labels_of(**source)))
    assert not inhibitor.hides(standing)


def test_what_is_hidden_hides_nothing_itself() -> None:
    inhibitor = Inhibitor(DEFAULT_INHIBITIONS)
    for fingerprint, labels in (("labels", {"cause": "labels"}), ("page", PAGE)):
        inhibitor.fires(fingerprint, inhibitor.standing(labels_of(**labels)))
    assert not inhibitor.hides(inhibitor.standing(labels_of(cause="drift")))
