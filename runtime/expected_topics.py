"""The settings' topics as preflight expects them: the users' sources, and ours from the catalogue."""

from models.topics import Topic, catalogue
from runtime.model_plan import model_plan
from runtime.preflight import Expected, ExpectedTopic
from runtime.settings import Settings


def expected_world(settings: Settings, group: str | None = None) -> Expected:
    """What the broker must hold for these settings; ``group``: the consumer group that reads it."""
    kafka = settings.kafka
    ours = catalogue(kafka.topic_prefix, kafka.partitions, longest_wait_ms(settings))
    return Expected(
        topics=(*_sources(settings), *(_ours(topic) for topic in ours.values())),
        replication_factor=kafka.replication_factor,
        by_id={
            name: (model.predictions.topic, model.labels.topic)
            for name, model in settings.models.items()
            if model.partitioned_by_id
        },
        partitions=kafka.partitions,
        group=group,
    )


def longest_wait_ms(settings: Settings) -> int:
    """How long a window's records are needed at most: until it is final and no span looks back on it."""
    plans = [model_plan(name, model) for name, model in settings.models.items()]
    return max(plan.hold_ms + plan.look_back_ms for plan in plans)


def _sources(settings: Settings) -> list[ExpectedTopic]:
    """Each source topic once, under the first key that names it."""
    keys: dict[str, str] = {}
    for name, model in settings.models.items():
        keys.setdefault(model.predictions.topic, f"models.{name}.predictions.topic")
        keys.setdefault(model.labels.topic, f"models.{name}.labels.topic")
    return [ExpectedTopic(topic, "source", key=key) for topic, key in keys.items()]


def _ours(topic: Topic) -> ExpectedTopic:
    # Only state must keep its number of partitions: an output that somebody made wider is no harm.
    if topic.internal:
        return ExpectedTopic(topic.name, "internal", topic.partitions, topic.config())
    return ExpectedTopic(topic.name, "output", None, topic.config(), partitions_new=topic.partitions)
