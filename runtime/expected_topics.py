"""The settings' topics as preflight expects them: the users' sources, and ours from the catalogue."""

from models.topics import Topic, catalogue
from runtime.preflight import Expected, ExpectedTopic
from runtime.settings import Settings


def expected_world(settings: Settings, group: str | None = None) -> Expected:
    """What the broker must hold for these settings; ``group``: the consumer group that reads it."""
    kafka = settings.kafka
    waits = [model.horizon_ms + model.allowed_lateness_ms for model in settings.models.values()]
    ours = catalogue(kafka.topic_prefix, kafka.partitions, max(waits))
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
