"""Before the first record: is the broker's world as this configuration needs it? Decided here, purely.

``runtime/broker_view.py`` looks, ``problems`` judges, all at once and in readable lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

Role: TypeAlias = Literal["source", "input", "output", "internal", "optional", "offered"]
Severity: TypeAlias = Literal["error", "warning"]

REPLICATION_DEFAULT: Final = 3
_MOCK_CLUSTER: Final = "mockCluster"  # how librdkafka's embedded test broker names itself
_OPERATIONS: Final[Mapping[Role, tuple[str, ...]]] = {
    "source": ("Read",),
    "input": ("Read",),
    "output": ("Write",),
    "internal": ("Read", "Write"),
    "optional": ("Read",),
    "offered": (),
}


@dataclass(frozen=True, slots=True)
class ExpectedTopic:
    """A topic this configuration works with. ``partitions`` None: any number will do.

    ``role``: a source is the users', the others are ours; internal ones are read and written, an optional one is read
    where it is there, and one that is offered is for other programs alone.
    ``partitions_of``: as many as that topic has, which somebody may have made wider.
    """

    name: str
    role: Role
    partitions: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    key: str = ""  # where the configuration names it
    partitions_new: int | None = None  # how many it gets when we make it, where any number will do
    partitions_of: str = ""
    why: str = ""  # what the number of partitions is for, where it is always the same


@dataclass(frozen=True, slots=True)
class Expected:
    """What the broker should hold."""

    topics: tuple[ExpectedTopic, ...]
    replication_factor: int | None = None
    by_id: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Model -> its predictions and labels topics, for models that say they are partitioned by id."""
    partitions: int = 8
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenTopic:
    """A topic as the broker describes it. ``operations``, ``topic_id`` None: the broker does not say."""

    partitions: int
    replication_factor: int
    operations: frozenset[str] | None = None
    topic_id: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the broker showed. A topic in ``denied`` exists perhaps; we may not know."""

    cluster_id: str
    brokers: int
    topics: Mapping[str, SeenTopic]
    denied: frozenset[str] = frozenset()
    group_operations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of the groups for which the broker says it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One readable line; an error keeps the worker from starting, a warning does not."""

    text: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return self.text if self.severity == "error" else f"warning: {self.text}"


def is_mock(seen: Seen) -> bool:
    """Whether this is an embedded broker, which forgets what it cannot keep."""
    return seen.cluster_id.startswith(_MOCK_CLUSTER)


def problems(expected: Expected, seen: Seen, *, will_create: bool = False) -> list[Problem]:
    """Everything that is not as expected, errors first. ``will_create``: missing topics of ours are made next."""
    if is_mock(seen):
        return [Problem("this is an embedded broker, which forgets: a worker needs a real Kafka broker")]
    found = [
        *_existence(expected, seen, will_create=will_create),
        *_partition_counts(expected, seen),
        *_by_id(expected, seen),
        *_replication(expected, seen),
        *_authorisation(expected, seen),
    ]
    return sorted(found, key=lambda problem: problem.severity != "error")


def missing(expected: Expected, seen: Seen) -> list[ExpectedTopic]:
    """Topics of ours to be created, with the partitions that they get."""
    known = seen.topics.keys() | seen.denied
    return [
        replace(topic, partitions=_partitions(topic, expected, seen))
        for topic in expected.topics
        if topic.role != "source" and topic.name not in known
    ]


def _partitions(topic: ExpectedTopic, expected: Expected, seen: Seen) -> int | None:
    """How many partitions the topic must have; None: any number will do."""
    if not topic.partitions_of:
        return topic.partitions
    found = seen.topics.get(topic.partitions_of)
    return found.partitions if found is not None else expected.partitions


def replication_factor(expected: Expected, seen: Seen) -> int:
    """For new topics: as configured, else 3 or as many as there are brokers."""
    return expected.replication_factor or min(REPLICATION_DEFAULT, seen.brokers)


def _existence(expected: Expected, seen: Seen, *, will_create: bool) -> Iterator[Problem]:
    for topic in expected.topics:
        if topic.name in seen.topics or topic.name in seen.denied:
            continue
        if topic.role == "source":
            yield Problem(f"{topic.key}: topic {topic.name} does not exist (create it, or correct the name)")
        elif topic.role not in {"optional", "offered"} and not will_create:
            remedy = "run `hindcast topics create`, or start with `hindcast worker --create-topics`"
            yield Problem(f"topic {topic.name} does not exist ({remedy})")


def _partition_counts(expected: Expected, seen: Seen) -> Iterator[Problem]:
    for topic in expected.topics:
        found, wanted = seen.topics.get(topic.name), _partitions(topic, expected, seen)
        if wanted is None or found is None or found.partitions == wanted:
            continue
        has = f"topic {topic.name} has {found.partitions} partitions"
        if topic.why:
            yield Problem(f"{has} and must have exactly {wanted}: {topic.why} (delete it, then make it anew)")
        elif topic.partitions_of:
            yield Problem(
                f"{has} and {topic.partitions_of} {wanted}: they must be equal (delete it, then make it anew)"
            )
        else:
            yield Problem(
                f"{has}, {wanted} are expected "
                "(kafka.partitions must stay what it was when the topics were made; with another number, "
                "use another kafka.topic_prefix or delete Hindcast's topics first)"
            )


def _by_id(expected: Expected, seen: Seen) -> Iterator[Problem]:
    every = {name: seen.topics[name].partitions for t in expected.by_id.values() for name in t if name in seen.topics}
    agreed = len(set(every.values())) <= 1
    if not agreed and len(expected.by_id) > 1:
        told = ", ".join(f"{name} {count}" for name, count in sorted(every.items()))
        yield Problem(
            f"the topics of models that are partitioned_by_id differ in partitions ({told}): all of them share "
            "Hindcast's internal topics, so all must be equal (or set partitioned_by_id: false)"
        )
        return
    for model, names in expected.by_id.items():
        counts = {name: seen.topics[name].partitions for name in names if name in seen.topics}
        where = f"models.{model}.partitioned_by_id"
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        if len(set(counts.values())) > 1:
            yield Problem(
                f"{where}: its topics differ in partitions ({told}), so ids cannot meet "
                "(make them equal, or set partitioned_by_id: false)"
            )
        elif set(counts.values()) - {expected.partitions}:
            yield Problem(
                f"{where}: its topics have {next(iter(counts.values()))} partitions and kafka.partitions "
                f"is {expected.partitions}: they must be equal (leave kafka.partitions out, or set "
                "partitioned_by_id: false)"
            )


def _replication(expected: Expected, seen: Seen) -> Iterator[Problem]:
    wanted, to_make = replication_factor(expected, seen), missing(expected, seen)
    if to_make and wanted > seen.brokers:
        yield Problem(f"kafka.replication_factor is {wanted}, but there are only {seen.brokers} brokers")
    thin = [topic.name for topic in expected.topics if _copies(topic, seen) == 1]
    if thin:
        yield Problem(
            f"only one copy is kept of {', '.join(thin)}: what a broker loses is lost (replication factor 1)", "warning"
        )
    if to_make and wanted == 1:
        yield Problem("new topics will have a replication factor of 1: what a broker loses is lost", "warning")


def _copies(topic: ExpectedTopic, seen: Seen) -> int | None:
    found = seen.topics.get(topic.name)
    return None if found is None else found.replication_factor


def _authorisation(expected: Expected, seen: Seen) -> Iterator[Problem]:
    for topic in expected.topics:
        found = seen.topics.get(topic.name)
        # Read and Write include Describe: who may not even describe a topic has neither.
        allowed = frozenset[str]() if topic.name in seen.denied else found.operations if found else None
        yield from _lacking(f"topic {topic.name}", _OPERATIONS[topic.role], allowed)
    for group in expected.groups:
        yield from _lacking(f"group {group}", ("Read",), seen.group_operations.get(group))


def _lacking(resource: str, needed: Sequence[str], allowed: frozenset[str] | None) -> Iterator[Problem]:
    for operation in needed:
        if allowed is not None and operation not in allowed:
            yield Problem(f"not allowed: {operation} on {resource}")
