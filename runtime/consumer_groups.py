"""What the broker says of Hindcast's consumer groups: who is in them, and what they have not acknowledged yet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # imported there without "as"

from dashboard.pipeline import Group, Groups, Lag
from runtime.expected_topics import ALL_ROLES
from runtime.faust_app import group_ids
from runtime.settings import Settings
from runtime.topic_reader import client_config

TIMEOUT_SECONDS: Final = 5.0
_NOTHING: Final = -1001
"""librdkafka's offset of a partition of which nothing was acknowledged."""


class ConsumerGroups:
    """Asks for the groups of both roles. It needs Describe on them, and on the topics that they read."""

    def __init__(self, settings: Settings) -> None:
        self._groups = list(group_ids(settings, ALL_ROLES).values())
        self._config = client_config(settings)

    @cached_property
    def _admin(self) -> AdminClient:
        """Made when somebody first wants to know: it has threads of its own."""
        return AdminClient(self._config)

    def look(self) -> Groups:
        """What there is, or why it cannot be said; blocks for some seconds at most."""
        try:
            groups = [group for name in self._groups if (group := self._describe(name)) is not None]
            return Groups(groups=groups, lag=[lag for group in groups for lag in self._lag(group.group)])
        except KafkaException as error:
            return Groups(problem=" ".join(str(error.args[0].str()).split()))

    def _describe(self, name: str) -> Group | None:
        [future] = self._admin.describe_consumer_groups([name], request_timeout=TIMEOUT_SECONDS).values()
        found = future.result()
        state = str(found.state.name).lower()
        hosts = sorted(str(member.host).removeprefix("/") for member in found.members)
        return None if state in {"dead", "unknown"} else Group(group=name, state=state, members=hosts)

    def _lag(self, name: str) -> list[Lag]:
        [future] = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(name)], request_timeout=TIMEOUT_SECONDS
        ).values()
        committed = sorted(future.result().topic_partitions, key=lambda one: (one.topic, one.partition))
        ends = self._ends(committed)
        return [
            Lag(
                group=name,
                topic=one.topic,
                partition=one.partition,
                records=None if one.offset == _NOTHING else max(0, ends[one.topic, one.partition] - one.offset),
            )
            for one in committed
        ]

    def _ends(self, partitions: Sequence[TopicPartition]) -> dict[tuple[str, int], int]:
        if not partitions:
            return {}
        latest: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # their stubs
        wanted: dict[TopicPartition, Any] = {TopicPartition(one.topic, one.partition): latest for one in partitions}
        futures = self._admin.list_offsets(wanted, request_timeout=TIMEOUT_SECONDS)
        return {(one.topic, one.partition): int(future.result().offset) for one, future in futures.items()}
