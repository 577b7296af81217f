"""Preflight put together: look at the broker, judge, create what is ours and missing."""

import logging
from dataclasses import dataclass

from models.errors import WorldError
from runtime.broker_view import BrokerView
from runtime.expected_topics import expected_world
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


def inspect(settings: Settings, group: str | None = None, *, will_create: bool = False) -> Preflight:
    """Look and judge; changes nothing. Raises WorldError if no broker answers."""
    expected = expected_world(settings, group)
    seen = _view(settings).look([topic.name for topic in expected.topics], group)
    return Preflight(expected, seen, problems(expected, seen, will_create=will_create))


def ensure(settings: Settings, group: str | None = None, *, create_topics: bool = False) -> Preflight:
    """Before the first record: warnings are logged, errors raised as one WorldError, one line each."""
    found = inspect(settings, group, will_create=create_topics)
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
