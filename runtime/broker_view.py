"""The broker as preflight sees it, and the one place that creates topics.

librdkafka's admin client, because only it asks the broker which operations are allowed (Metadata v8 and
later): so a missing right is named before the first record, with its resource and operation.
"""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from enum import Enum
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from models.errors import WorldError
from runtime.preflight import ExpectedTopic, Seen, SeenTopic, is_mock
from runtime.security import KafkaSecurity, confluent_config

TIMEOUT_SECONDS: Final = 10.0

_GONE: Final = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}  # noqa: SLF001 - librdkafka's own names
_DENIED: Final = {KafkaError.TOPIC_AUTHORIZATION_FAILED}


class BrokerView:
    """A connection for looking and for creating topics. All methods block, at most ``timeout_seconds`` each."""

    def __init__(
        self, servers: Sequence[str], security: KafkaSecurity, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._servers = ",".join(servers)
        self._timeout_seconds = timeout_seconds
        self._reasons: deque[str] = deque(maxlen=20)
        config: dict[str, Any] = {
            "bootstrap.servers": self._servers,
            "allow.auto.create.topics": False,
            "log_level": 0,
            "error_cb": lambda error: self._reasons.append(error.str()),
            **confluent_config(security),
        }
        self._admin = AdminClient(config)

    def look(self, topics: Sequence[str], groups: Sequence[str] = ()) -> Seen:
        """What there is of these topics and what we may do with them. Raises WorldError without a broker."""
        cluster_id, brokers = self._cluster()
        seen = Seen(cluster_id, brokers, {})
        if is_mock(seen) or not topics:
            return seen
        found, denied = self._topics(topics)
        operations = {group: known for group in groups if (known := self._group_operations(group)) is not None}
        return Seen(cluster_id, brokers, found, frozenset(denied), operations)

    def describe(self, topics: Sequence[str]) -> dict[str, SeenTopic]:
        """Those of the topics that are there and may be seen. Raises WorldError without a broker."""
        return self._topics(topics)[0]

    def _topics(self, topics: Sequence[str]) -> tuple[dict[str, SeenTopic], set[str]]:
        found: dict[str, SeenTopic] = {}
        denied: set[str] = set()
        asked = TopicCollection(list(dict.fromkeys(topics)))
        answers = self._admin.describe_topics(
            asked, include_authorized_operations=True, request_timeout=self._timeout_seconds
        )
        for name, answer in answers.items():
            try:
                topic = answer.result()
            except KafkaException as error:
                if error.args[0].code() in _DENIED:
                    denied.add(name)
                elif error.args[0].code() not in _GONE:
                    raise WorldError(f"topic {name}: {_text(error)}") from None
            else:
                copies = min((len(partition.replicas) for partition in topic.partitions), default=0)
                operations = _operations(topic.authorized_operations)
                found[name] = SeenTopic(len(topic.partitions), copies, operations, _topic_id(str(topic.topic_id)))
        return found, denied

    def rewind(self, group: str, partitions: Mapping[str, int]) -> str | None:
        """Commit offset 0 of every partition of these topics (name -> how many); why not, where that is refused."""
        wanted = [TopicPartition(name, p, 0) for name, count in partitions.items() for p in range(count)]
        [future] = self._admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, wanted)], request_timeout=self._timeout_seconds
        ).values()
        try:
            answers = future.result().topic_partitions
        except KafkaException as error:
            return _text(error)
        return next((_readable(answer.error.str()) for answer in answers if answer.error is not None), None)

    def create(self, topics: Sequence[ExpectedTopic], replication_factor: int) -> list[str]:
        """Create topics; one readable line for each that could not be. One that exists by now is fine."""
        if not topics:
            return []
        new = [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions or topic.partitions_new or 1,
                replication_factor=replication_factor,
                config=dict(topic.config),
            )
            for topic in topics
        ]
        futures = self._admin.create_topics(
            new, operation_timeout=self._timeout_seconds, request_timeout=self._timeout_seconds
        )
        return [line for name, future in futures.items() if (line := self._creation_fault(name, future))]

    def _cluster(self) -> tuple[str, int]:
        """The cluster's id and its number of brokers."""
        try:
            metadata = self._admin.list_topics(timeout=self._timeout_seconds)
        except KafkaException as error:
            self._admin.poll(0.2)  # serves error_cb, which knows the reason (refused, unknown host, login failed)
            reasons = [reason for reason in self._reasons if "brokers are down" not in reason]
            reason = _readable(reasons[-1]) if reasons else _text(error)
            raise WorldError(f"no broker answers at {self._servers}: {reason}") from None
        return str(metadata.cluster_id), len(metadata.brokers)

    def _group_operations(self, group: str) -> frozenset[str] | None:
        [future] = self._admin.describe_consumer_groups(
            [group], include_authorized_operations=True, request_timeout=self._timeout_seconds
        ).values()
        try:
            return _operations(future.result().authorized_operations)
        except KafkaException as error:
            denied = error.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED
            return frozenset() if denied else None  # a group that is not there yet is no problem

    def _creation_fault(self, name: str, future: "Future[None]") -> str | None:
        try:
            future.result()
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                return None
            if code in _DENIED | {KafkaError.CLUSTER_AUTHORIZATION_FAILED}:
                return f"not allowed: Create on topic {name}"
            return f"topic {name} cannot be created: {_text(error)}"
        return None


def _topic_id(text: str) -> str | None:
    """What Kafka calls this very topic, whatever its name; None where it gives no ids (before 2.8): all zero."""
    return text if text.strip("A=0-") else None


def _operations(operations: Sequence[Enum] | None) -> frozenset[str] | None:
    return None if operations is None else frozenset(operation.name.title() for operation in operations)


def _text(error: KafkaException) -> str:
    return _readable(str(error.args[0].str()))


def _readable(text: str) -> str:
    """A reason of librdkafka's without its thread's name in front and its connection's state behind."""
    reason = " ".join(text.split()).rpartition("]: ")[2]
    return re.sub(r" \(after \d+ms in state [A-Z_]+.*\)$", "", reason)
