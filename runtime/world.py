"""Preflight put together: look at the broker, judge, create what is ours and missing."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import WorldError
from runtime.broker_view import BrokerView
from runtime.expected_topics import ALL_ROLES, expected_world
from runtime.preflight import Expected, Problem, Seen, is_mock, missing, problems, replication_factor
from runtime.security import kafka_security
from runtime.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was expected, what was seen, and what is wrong between the two."""

    expected: Expected
    seen: Seen
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        """Those that keep a worker from starting."""
        return [problem for problem in self.problems if problem.severity == "error"]


def with_partitions(settings: Settings) -> Settings:
    """The settings with ``kafka.partitions`` as the topics that are keyed by id have it, where nobody has set it.

    Where they differ, nothing is changed: `inspect` says so. Raises WorldError if no broker answers.
    """
    keyed = {
        topic
        for model in settings.models.values()
        if model.partitioned_by_id
        for topic in (model.predictions.topic, model.labels.topic)
    }
    if not keyed or "partitions" in settings.kafka.model_fields_set:
        return settings
    seen = _view(settings).look(sorted(keyed)).topics
    counts = {topic.partitions for topic in seen.values()}
    if len(seen) < len(keyed) or len(counts) != 1:
        return settings
    kafka = settings.kafka.model_copy(update={"partitions": counts.pop()})
    return settings.model_copy(update={"kafka": kafka})


def inspect(settings: Settings, groups: Mapping[str, str] | None = None, *, will_create: bool = False) -> Preflight:
    """Look and judge; changes nothing. Raises WorldError if no broker answers.

    groups: role -> its consumer group, for the roles that are to run; None: all roles, whoever runs them.
    """
    settings = with_partitions(settings)
    expected = expected_world(settings, tuple(groups or ALL_ROLES), tuple((groups or {}).values()))
    seen = _view(settings).look([topic.name for topic in expected.topics], expected.groups)
    return Preflight(expected, seen, problems(expected, seen, will_create=will_create))


def ensure(settings: Settings, groups: Mapping[str, str] | None = None, *, create_topics: bool = False) -> Preflight:
    """Before the first record: warnings are logged, errors raised as one WorldError, one line each."""
    found = inspect(settings, groups, will_create=create_topics)
    if found.errors:
        raise WorldError("\n".join(str(problem) for problem in found.errors))
    if create_topics:
        for name in create_missing(settings, found):
            log.info("topic created", extra={"topic": name})
    for problem in found.problems:
        log.warning(problem.text)
    return found


def create_missing(settings: Settings, found: Preflight | None = None) -> list[str]:
    """Create those of our topics that are not there, and return their names. Raises WorldError."""
    found = found or inspect(settings, will_create=True)
    if is_mock(found.seen):
        raise WorldError(found.problems[0].text)
    todo = missing(found.expected, found.seen)
    copies = replication_factor(found.expected, found.seen)
    if todo and copies > found.seen.brokers:
        raise WorldError(f"kafka.replication_factor is {copies}, but there are only {found.seen.brokers} brokers")
    faults = _view(settings).create(todo, copies)
    if faults:
        raise WorldError("\n".join(faults))
    return [topic.name for topic in todo]


def _view(settings: Settings) -> BrokerView:
    return BrokerView(settings.kafka.bootstrap_servers, kafka_security(settings.kafka.security))
