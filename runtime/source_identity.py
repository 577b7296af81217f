"""Whether the source topics are the ones that the state was built from.

Offsets of a topic that was deleted and made anew begin at 0 again, so its records would pass for replays. Kafka gives
every topic an id. The ids that a source topic has had stand in the log that admits names, in one order for all
workers; the place of an id in that order is the topic's epoch, and epochs keep the offsets of topics apart that had
the same name. See docs/adr/0008.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias

from models.errors import WorldError
from runtime import clock
from runtime.broker_view import BrokerView
from runtime.expected_topics import heartbeats_topic
from runtime.faust_app import group_id
from runtime.format_identity import settle_format
from runtime.identity_log import IdentityLog
from runtime.key_identity import fingerprint, settle_key
from runtime.preflight import SeenTopic
from runtime.privacy import hash_of_ids
from runtime.security import kafka_security
from runtime.settings import Settings
from tables.dimensions import TOPIC_ID, Name

log = logging.getLogger(__name__)
OnRecreated: TypeAlias = Literal["stop", "reset"]
LOOK_SECONDS: Final = 10.0
Ids: TypeAlias = Mapping[str, Sequence[str]]
"""Source topic -> every id that it has had, in order."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Topics whose id is not the newest known one: never seen before, or made anew."""

    first_seen: tuple[str, ...]
    made_anew: tuple[str, ...]


def judge(known: Ids, seen: Mapping[str, str]) -> Verdict:
    """Compare the ids that topics have now with those that they have had.

    >>> judge({"p": ["A"], "l": ["B"]}, {"p": "A", "l": "C", "q": "D"})
    Verdict(first_seen=('q',), made_anew=('l',))
    """
    return Verdict(
        tuple(topic for topic in seen if not known.get(topic)),
        tuple(topic for topic, now in seen.items() if known.get(topic) and known[topic][-1] != now),
    )


def epochs(known: Ids, seen: Mapping[str, str]) -> dict[str, int]:
    """How often each topic was made anew before it became what it is now."""
    return {topic: known[topic].index(now) for topic, now in seen.items()}


def recreated_line(topic: str) -> str:
    """What is told where nothing was said about topics that are made anew."""
    return (
        f"topic {topic} was deleted and made anew, and its offsets begin at 0 again: its records would pass for "
        "replays of the old ones (set kafka.on_topic_recreated: reset to count them as new, "
        "or use another topic name or kafka.topic_prefix)"
    )


class SourceIdentity:
    """Settles before the first record which epoch every source topic is in."""

    def __init__(self, view: BrokerView, ids: IdentityLog, group: str, on_recreated: OnRecreated) -> None:
        self._view, self._ids, self._group, self._on_recreated = view, ids, group, on_recreated

    def settle(self, known: Ids, topics: Mapping[str, SeenTopic], patience_seconds: float) -> dict[str, int]:
        """The epoch of every topic that has an id; new ids are written down first.

        Raises WorldError for a topic that was made anew, unless that is to be counted as new; then the group must be
        empty, for which it waits: a worker that still reads the old topic commits its offsets.
        """
        seen = {name: topic.topic_id for name, topic in topics.items() if topic.topic_id}
        found = judge(known, seen)
        if found.made_anew and self._on_recreated == "stop":
            raise WorldError("\n".join(map(recreated_line, found.made_anew)))
        for topic in found.made_anew:
            log.warning("topic %s was deleted and made anew: all of its records are read as new", topic)
        if found.made_anew:
            self._rewind({topic: topics[topic].partitions for topic in found.made_anew}, patience_seconds)
        if found.made_anew or found.first_seen:
            self._ids.append(Name(topic, TOPIC_ID, seen[topic]) for topic in (*found.first_seen, *found.made_anew))
            known = self._ids.read().topics
        return epochs(known, seen)

    def _rewind(self, partitions: Mapping[str, int], patience_seconds: float) -> None:
        deadline = clock.monotonic_seconds() + patience_seconds
        while (refused := self._view.rewind(self._group, partitions)) is not None:
            if clock.monotonic_seconds() > deadline:
                raise WorldError(
                    f"topic {', '.join(partitions)} was made anew, and group {self._group} cannot be set back while "
                    f"workers are in it (stop them, then start again): {refused}"
                )
            time.sleep(1.0)


@dataclass(frozen=True, slots=True)
class Settled:
    """The source topics as they were before the first record, and how often each had been made anew."""

    view: BrokerView
    topics: Mapping[str, SeenTopic]
    epochs: Mapping[str, int]


def settle_sources(settings: Settings) -> Settled:
    """Look at the source topics, compare them with what is known. Raises WorldError, as `SourceIdentity.settle`."""
    kafka = settings.kafka
    view = BrokerView(kafka.bootstrap_servers, kafka_security(kafka.security))
    names = {t for model in settings.models.values() for t in (model.predictions.topic, model.labels.topic)}
    names |= {topic} if (topic := heartbeats_topic(settings)) else set()
    topics = view.describe(sorted(names))
    log_of_ids = IdentityLog(settings)
    known = log_of_ids.read()
    settle_key(log_of_ids, known.key, fingerprint(hash_of_ids(settings.privacy)), settings.privacy.on_key_changed)
    settle_format(log_of_ids, known.format, kafka.topic_prefix)
    identity = SourceIdentity(view, log_of_ids, group_id(settings, "ingest"), kafka.on_topic_recreated)
    patience_seconds = kafka.session_timeout_ms / 1000 + LOOK_SECONDS
    return Settled(view, topics, identity.settle(known.topics, topics, patience_seconds))


class SourceWatch:
    """Looks now and then whether the source topics are still those that the worker started with."""

    def __init__(self, settled: Settled, alarms: dict[str, str], fatal: Callable[[str], NoReturn]) -> None:
        self._view, self._topics = settled.view, settled.topics
        self._alarms, self._fatal = alarms, fatal

    async def look(self) -> None:
        """One look; a broker that does not answer is no news."""
        try:
            now = await asyncio.to_thread(self._view.describe, list(self._topics))
        except WorldError:
            return
        for name, then in self._topics.items():
            self._compare(name, then, now.get(name))

    def _compare(self, name: str, then: SeenTopic, now: SeenTopic | None) -> None:
        if now is None:
            self._alarms[name] = f"topic {name} is not there any more"
            return
        if now.topic_id != then.topic_id:
            self._fatal(f"topic {name} was deleted and made anew: the next start says what may be done about it")
        if now.partitions != then.partitions:
            self._fatal(
                f"topic {name} has {now.partitions} partitions and had {then.partitions} when this worker started: "
                "start again to read all of them"
            )
        if self._alarms.get(name) == f"topic {name} is not there any more":
            del self._alarms[name]
