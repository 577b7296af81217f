"""Which rollbacks stand: a thread that reads the decisions topic (CONTRACT: `hindcast.decision/1`)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from hindcast_client.background import Background
from hindcast_client.errors import UsageError

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

logger = logging.getLogger(__name__)

SCHEMA: Final = "hindcast.decision/1"
_STANDS: Final = frozenset({"approved", "done"})
_FALLS: Final = frozenset({"rejected", "failed"})
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_POLL_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 5.0


@dataclass(slots=True)
class Rollbacks:
    """One model's rollbacks and promotions that stand, folded from decision records in any order.

    A version is rolled back while an approved (or done) rollback of it stands that is newer than its newest
    promotion. A decision that is rejected or has failed afterwards does not stand.
    """

    model: str
    _standing: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)
    """decision_id -> kind, version, decided_at."""

    def add(self, value: bytes | None) -> None:
        """One record's value. Raises ValueError for what is no decision."""
        if value is None:  # a tombstone: the topic forgets, what was decided stands
            return
        found = orjson.loads(value)
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise ValueError(f"not a {SCHEMA} record")
        if found.get("model") != self.model or found.get("kind") not in {"rollback", "promote"}:
            return
        try:
            one, at = str(found["decision_id"]), _time(found["decided_at"])
            kind, version, state = found["kind"], str(found["model_version"]), found["state"]
        except KeyError as missing:
            raise ValueError(f"a decision without {missing.args[0]}") from None
        except TypeError:
            raise ValueError("decided_at is no text") from None
        if state in _STANDS:
            self._standing[one] = kind, version, at
        elif state in _FALLS:
            self._standing.pop(one, None)

    def hold(self, version: str) -> bool:
        """Whether this version is rolled back."""
        newest = dict.fromkeys(("rollback", "promote"), _NEVER)
        for kind, of, at in list(self._standing.values()):
            if of == version:
                newest[kind] = max(newest[kind], at)
        return newest["rollback"] > newest["promote"]


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class DecisionWatcher(Background):
    """Reads all of the topic, then what comes, in a thread of its own (`start`, `close`).

    Without a broker nothing is rolled back until it is there; a broker that goes away changes nothing. Begins anew
    after a fork. config: librdkafka's properties, for security. Raises UsageError for what librdkafka does not accept,
    and without confluent-kafka.
    """

    _name = "hindcast-decisions"
    _join_seconds = 2 * _POLL_SECONDS

    def __init__(
        self,
        bootstrap_servers: str,
        model: str,
        *,
        topic: str = "hindcast-decisions",
        config: Mapping[str, str | int | float | bool] | None = None,
    ) -> None:
        self._config = {
            "log_level": 0,
            **(config or {}),
            "bootstrap.servers": bootstrap_servers,
            "group.id": "hindcast-client",  # asked for by librdkafka; nothing is committed, no group is joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
        self._topic, self._model = topic, model
        self._consumer().close()  # only to learn whether it can be made
        super().__init__()

    def rolled_back(self, version: str) -> bool:
        """Whether the version is rolled back, as far as is known by now."""
        return self._rollbacks.hold(version)

    def await_caught_up(self, seconds: float) -> bool:
        """Wait until all that stood on the topic at the start has been read; False if it took longer."""
        return self._caught_up.wait(seconds)

    def _begin(self) -> None:
        self._rollbacks, self._caught_up = Rollbacks(self._model), threading.Event()

    def _consumer(self) -> Consumer:
        try:
            from confluent_kafka import Consumer, KafkaException
        except ImportError:
            raise UsageError("DecisionWatcher needs confluent-kafka: pip install 'hindcast-client[kafka]'") from None
        try:
            return Consumer(self._config)
        except (KafkaException, TypeError, ValueError) as error:
            detail = error.args[0] if error.args else error
            raise UsageError(f"kafka: {detail.str() if hasattr(detail, 'str') else detail}") from None

    def _run(self) -> None:
        consumer, stopping = self._consumer(), self._stopping
        try:
            behind = self._assign(consumer)
            while not stopping.is_set():
                message = consumer.poll(_POLL_SECONDS)
                if message is not None:
                    self._take(message, behind)
                if not behind:
                    self._caught_up.set()
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> set[int]:
        """Read all partitions from their beginnings, as soon as a broker says which there are."""
        from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

        while not self._stopping.is_set():
            try:
                partitions = set(
                    consumer.list_topics(self._topic, timeout=_POLL_SECONDS).topics[self._topic].partitions
                )
            except KafkaException:
                partitions = set()
            if partitions:
                consumer.assign([TopicPartition(self._topic, one, OFFSET_BEGINNING) for one in partitions])
                return partitions
            self._stopping.wait(_RETRY_SECONDS)
        return set()

    def _take(self, message: Message, behind: set[int]) -> None:
        from confluent_kafka import KafkaError

        error, partition = message.error(), message.partition()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF and partition is not None:  # noqa: SLF001  # that is its name
                behind.discard(partition)
            return  # whatever else it is, librdkafka goes on trying
        try:
            self._rollbacks.add(message.value())
        except ValueError as wrong:
            logger.warning("%s: record at offset %s left out: %s", self._topic, message.offset(), wrong)
