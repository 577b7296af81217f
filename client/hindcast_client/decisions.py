"""Which rollbacks stand: a thread that reads the decisions topic (CONTRACT: `hindcast.decision/1`)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import orjson

from hindcast_client.errors import UsageError
from hindcast_client.forks import tell_after_fork

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


class DecisionWatcher:
    """Reads all of the topic, then what comes, in a thread of its own (`start`, `close`).

    Without a broker nothing is rolled back until it is there; a broker that goes away changes nothing. Begins anew
    after a fork. config: librdkafka's properties, for security. Raises UsageError for what librdkafka does not accept,
    and without confluent-kafka.
    """

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
        self._thread: threading.Thread | None = None
        self._begin()
        tell_after_fork(self)

    def rolled_back(self, version: str) -> bool:
        """Whether the version is rolled back, as far as is known by now."""
        return self._rollbacks.hold(version)

    def await_caught_up(self, seconds: float) -> bool:
        """Wait until all that stood on the topic at the start has been read; False if it took longer."""
        return self._caught_up.wait(seconds)

    def start(self) -> Self:
        """Begin; a second time changes nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hindcast-decisions", daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """End; what was known stays known."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2 * _POLL_SECONDS)
            self._thread = None

    def after_fork(self) -> None:
        """In the child: another thread reads all again."""
        was_running, self._thread = self._thread is not None and not self._stopping.is_set(), None
        self._begin()
        if was_running:
            self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        self._rollbacks = Rollbacks(self._model)
        self._stopping, self._caught_up = threading.Event(), threading.Event()

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
