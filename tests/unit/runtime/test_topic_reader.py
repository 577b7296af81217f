"""A topic that was created a moment ago has no leader yet: its reader asks again."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from models.errors import WorldError
from runtime.topic_reader import TopicReader


class Broker:
    """Answers with these errors first, with an end of 7 then."""

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)

    def list_topics(self, topic: str, timeout: float) -> Any:  # noqa: ANN401  # librdkafka's metadata
        found = type("Topic", (), {"error": None, "partitions": {0: None}})
        return type("Metadata", (), {"topics": {topic: found}})

    def get_watermark_offsets(self, partition: object, timeout: float) -> tuple[int, int]:
        if self.errors:
            raise KafkaException(KafkaError(self.errors.pop(0)))
        return 0, 7


def reader(broker: Broker) -> Any:  # noqa: ANN401  # without its consumer
    made = object.__new__(TopicReader)
    made.topic, made.__dict__["_consumer"] = "new", broker
    return made


def test_a_new_topic_is_asked_again_until_it_has_a_leader() -> None:
    broker = Broker(KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
    assert reader(broker)._read_ends() == {0: 7}


def test_any_other_error_is_told_at_once() -> None:
    broker = Broker(KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(WorldError, match="cannot read topic new"):
        reader(broker)._read_ends()
    assert len(broker.errors) == 1
