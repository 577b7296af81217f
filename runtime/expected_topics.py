"""The settings' topics as preflight expects them: the users' sources, and ours from the catalogue."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from models.smoke import SMOKE_MODEL
from models.topics import Topic, catalogue
from runtime.model_plan import model_plans
from runtime.preflight import Expected, ExpectedTopic, Role
from runtime.settings import Settings
from runtime.watch_plan import watched_resources

ALL_ROLES: Final = ("ingest", "alerts")
_INTERNAL: Final[Role] = "internal"
_OFFERED: Final[Role] = "offered"
_USED: Final = MappingProxyType(
    {
        "ingest": {
            "metrics": "output",
            "dead-letters": "output",
            "pipeline": "output",
            "heartbeats": "optional",
            "by-id": _INTERNAL,
            "partials": _INTERNAL,
            "join-changelog": _INTERNAL,
            "merge-changelog": _INTERNAL,
            "dimensions-changelog": _INTERNAL,
            "smoke-predictions": "input",
            "smoke-labels": "input",
        },
        "alerts": {
            "metrics": "input",
            "alerts": _INTERNAL,
            "decisions": "output",
            "silences": "input",
            "rules-changelog": _INTERNAL,
            "notify-changelog": _INTERNAL,
        },
    }
)
"""Role of a worker -> short name of a topic -> what it does with it."""
_SMOKE: Final = frozenset({"smoke-predictions", "smoke-labels"})
_WHY_SINGLE: Final = MappingProxyType(
    {
        "alerts": "one notifier groups, inhibits and keeps rates for all alerts, so it has to see all of them in order",
        "silences": "the one notifier has to know all silences",
        "notify-changelog": "it belongs to the one notifier",
        "dimensions-changelog": "names are admitted in the order of one log",
    }
)


def expected_world(settings: Settings, roles: Sequence[str] = ALL_ROLES, groups: tuple[str, ...] = ()) -> Expected:
    """What the broker must hold for these settings and roles; ``groups``: the consumer groups that read it."""
    kafka = settings.kafka
    ours = catalogue(kafka.topic_prefix, kafka.partitions, longest_wait_ms(settings))
    ingest = "ingest" in roles
    unread = {} if watches_resources(settings) else {"heartbeats": _OFFERED}
    return Expected(
        topics=(
            *(_sources(settings) if ingest else []),
            *(
                _ours(name, topic, ours, unread.get(name, use))
                for name, topic in ours.items()
                if (use := _use(name, roles)) is not None and (settings.smoke_test or name not in _SMOKE)
            ),
        ),
        replication_factor=kafka.replication_factor,
        by_id={
            name: (model.predictions.topic, model.labels.topic)
            for name, model in settings.models.items()
            if model.partitioned_by_id and ingest
        },
        partitions=kafka.partitions,
        groups=groups,
    )


def longest_wait_ms(settings: Settings) -> int:
    """How long a window's records are needed at most: until it is final and no span looks back on it."""
    return max(plan.hold_ms + plan.look_back_ms for plan in model_plans(settings).values())


def watches_resources(settings: Settings) -> bool:
    """Whether heartbeats say something that some model is watched for."""
    return any(watched_resources(model) for model in settings.models.values())


def heartbeats_topic(settings: Settings) -> str | None:
    """The topic that heartbeats are read from, if it is there; None if nothing of them would count."""
    ours = catalogue(settings.kafka.topic_prefix, settings.kafka.partitions, longest_wait_ms=0)
    return ours["heartbeats"].name if watches_resources(settings) else None


def _sources(settings: Settings) -> list[ExpectedTopic]:
    """Each source topic once, under the first key that names it."""
    keys: dict[str, str] = {}
    for name, model in settings.models.items():
        if name == SMOKE_MODEL:
            continue  # its topics are ours
        keys.setdefault(model.predictions.topic, f"models.{name}.predictions.topic")
        keys.setdefault(model.labels.topic, f"models.{name}.labels.topic")
    return [ExpectedTopic(topic, "source", key=key) for topic, key in keys.items()]


def _use(name: str, roles: Sequence[str]) -> Role | None:
    """What the roles together do with a topic; None if they leave it alone."""
    uses = {_USED[role][name] for role in roles if name in _USED.get(role, ())}
    if len(uses) > 1:
        return "internal"
    return uses.pop() if uses else None


def _ours(name: str, topic: Topic, ours: Mapping[str, Topic], use: Role) -> ExpectedTopic:
    # Only state must keep its number of partitions: an output that somebody made wider is no harm.
    config = topic.config()
    if topic.partitioned == "one":
        return ExpectedTopic(topic.name, use, topic.partitions, config, why=_WHY_SINGLE[name])
    if topic.partitioned == "as metrics":
        return ExpectedTopic(topic.name, use, None, config, partitions_of=ours["metrics"].name)
    if topic.internal:
        return ExpectedTopic(topic.name, use, topic.partitions, config)
    return ExpectedTopic(topic.name, use, None, config, partitions_new=topic.partitions)
