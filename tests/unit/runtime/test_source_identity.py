"""F27, F28: source topics that are deleted, made anew or widened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn, cast

import pytest

from models.errors import WorldError
from runtime.broker_view import BrokerView
from runtime.identity_log import Identities, IdentityLog
from runtime.preflight import SeenTopic
from runtime.source_identity import OnRecreated, Settled, SourceIdentity, SourceWatch
from tables.dimensions import Name


@dataclass
class Ids:
    """The log of ids, in memory."""

    known: dict[str, list[str]] = field(default_factory=dict)

    def read(self) -> Identities:
        return Identities({topic: list(ids) for topic, ids in self.known.items()})

    def append(self, names: Iterable[Name]) -> None:
        found = Identities(self.known)
        for name in names:
            found.take(name)


@dataclass
class View:
    """The broker, with workers still in the group for so many tries."""

    topics: dict[str, SeenTopic] = field(default_factory=dict)
    busy_tries: int = 0
    rewound: dict[str, int] = field(default_factory=dict)
    unreachable: bool = False

    def describe(self, topics: Sequence[str]) -> dict[str, SeenTopic]:
        if self.unreachable:
            raise WorldError("no broker answers")
        return {name: self.topics[name] for name in topics if name in self.topics}

    def rewind(self, _: str, partitions: Mapping[str, int]) -> str | None:
        if self.busy_tries:
            self.busy_tries -= 1
            return "the group is not empty"
        self.rewound |= partitions
        return None


def topic(topic_id: str | None, partitions: int = 4) -> SeenTopic:
    return SeenTopic(partitions, 3, topic_id=topic_id)


def settle(ids: Ids, view: View, then: OnRecreated, **topics: SeenTopic) -> dict[str, int]:
    identity = SourceIdentity(cast("BrokerView", view), cast("IdentityLog", ids), "hindcast", then)
    return identity.settle(ids.known, topics, patience_seconds=0)


def test_f27_a_topic_seen_for_the_first_time_is_written_down_and_is_in_its_first_epoch() -> None:
    ids = Ids()
    assert settle(ids, View(), "stop", p=topic("A"), l=topic("B")) == {"p": 0, "l": 0}
    assert ids.known == {"p": ["A"], "l": ["B"]}
    assert settle(ids, View(), "stop", p=topic("A"), l=topic("B")) == {"p": 0, "l": 0}


def test_f27_a_topic_made_anew_stops_the_worker_with_its_name_and_the_remedy() -> None:
    ids = Ids({"p": ["A"], "l": ["B"]})
    with pytest.raises(WorldError, match=r"topic p was deleted and made anew.*on_topic_recreated: reset"):
        settle(ids, View(), "stop", p=topic("C"), l=topic("B"))
    assert ids.known == {"p": ["A"], "l": ["B"]}


def test_f27_a_topic_made_anew_is_read_from_its_beginning_in_an_epoch_of_its_own_where_that_is_wanted() -> None:
    ids, view = Ids({"p": ["A"], "l": ["B"]}), View()
    assert settle(ids, view, "reset", p=topic("C", 6), l=topic("B")) == {"p": 1, "l": 0}
    assert view.rewound == {"p": 6}
    assert settle(ids, View(), "stop", p=topic("C", 6), l=topic("B")) == {"p": 1, "l": 0}


def test_f27_nothing_is_reset_while_a_worker_of_the_old_topic_may_still_commit() -> None:
    ids = Ids({"p": ["A"]})
    with pytest.raises(WorldError, match="the group is not empty"):
        settle(ids, View(busy_tries=9), "reset", p=topic("C"))
    assert ids.known == {"p": ["A"]}


def test_a_broker_that_gives_no_ids_is_believed() -> None:
    assert settle(Ids({"p": ["A"]}), View(), "stop", p=topic(None)) == {}


class StoppedError(Exception):
    pass


def fatal(reason: str) -> NoReturn:
    raise StoppedError(reason)


def watch(view: View, alarms: dict[str, str]) -> SourceWatch:
    settled = Settled(cast("BrokerView", view), dict(view.topics), {})
    return SourceWatch(settled, alarms, fatal)


async def test_f27_a_topic_made_anew_under_a_running_worker_ends_it() -> None:
    view = View({"p": topic("A")})
    one = watch(view, {})
    await one.look()
    view.topics["p"] = topic("B")
    with pytest.raises(StoppedError, match="p was deleted and made anew"):
        await one.look()


async def test_f28_a_topic_that_is_widened_under_a_running_worker_ends_it() -> None:
    view = View({"p": topic("A", 4)})
    one = watch(view, {})
    view.topics["p"] = replace(view.topics["p"], partitions=6)
    with pytest.raises(StoppedError, match="p has 6 partitions and had 4 when this worker started"):
        await one.look()


async def test_a_topic_that_is_gone_is_an_alarm_until_it_is_back_and_a_silent_broker_is_none() -> None:
    view, alarms = View({"p": topic("A")}), {"l": "something else"}
    one = watch(view, alarms)
    view.unreachable = True
    await one.look()
    assert set(alarms) == {"l"}
    view.unreachable, there = False, view.topics.pop("p")
    await one.look()
    assert alarms["p"] == "topic p is not there any more"
    view.topics["p"] = there
    await one.look()
    assert set(alarms) == {"l"}
