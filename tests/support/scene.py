"""One scenario on a real broker: topics of its own, workers, a load, and the judgement of what came of it."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from runtime.settings import load as load_settings
from runtime.traffic import Topic
from runtime.world import create_missing
from tests.support.compare import Record, compare_all, record_key
from tests.support.load import WINDOW_MS, Feeder, Load, is_bad
from tests.support.reaper import Reaper
from tests.support.worker_process import WorkerProcess

PARTITIONS = 4
SESSION_SECONDS = 6
FINAL_SECONDS_MAX = 120.0
Place = tuple[str, int, int]


@dataclass(frozen=True)
class Letter:
    """A dead letter: where its original stood, and what of it was kept."""

    place: Place
    key: bytes | None
    value: bytes | None
    code: str


class Scene:
    """Use as a context; whatever was started in it ends with it."""

    def __init__(
        self,
        bootstrap: str,
        directory: Path,
        load: Load,
        *,
        model: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
        kafka: dict[str, Any] | None = None,
        privacy: dict[str, Any] | None = None,
    ) -> None:
        """kafka: how workers reach the broker, where they do it otherwise than the scene itself."""
        self.bootstrap, self.load = bootstrap, load
        self.directory = directory
        self.prefix = f"s{random.SystemRandom().randrange(16**8):08x}-"
        self.topics: dict[Topic, str] = {k: f"{self.prefix}in_{k}" for k in ("predictions", "labels")}
        self.settings: dict[str, Any] = {
            "kafka": {
                "bootstrap_servers": bootstrap,
                "topic_prefix": self.prefix,
                "partitions": PARTITIONS,
                "replication_factor": 1,
                "session_timeout": f"{SESSION_SECONDS}s",
                **(kafka or {}),
            },
            "limits": limits or {},
            "privacy": privacy or {},
            "models": {
                "fraud": {
                    "predictions": {"topic": self.topics["predictions"]},
                    "segments": ["country"],
                    "window": "10s",
                    "horizon": "2m",
                    "emit_every": "2s",
                    "partitioned_by_id": load.keyed,
                    **(model or {}),
                }
            },
        }
        self.workers: list[WorkerProcess] = []
        self._stack = ExitStack()
        self._kafka: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap, "log_level": 0}

    # -- what there is

    def __enter__(self) -> Self:
        self._reaper = Reaper()
        self._stack.callback(self._reaper.close)
        admin = AdminClient(self._kafka)  # its futures live no longer than it does
        made = admin.create_topics([NewTopic(t, PARTITIONS, 1) for t in self.topics.values()])
        for done in made.values():
            done.result(30)
        self.create_topics()
        return self

    def create_topics(self) -> None:
        """Make those of our own topics that are not there."""
        config = self.directory / "topics.yaml"
        config.parent.mkdir(parents=True, exist_ok=True)
        openly = {"bootstrap_servers": self.bootstrap, "security": {}}
        config.write_bytes(orjson.dumps(self.settings | {"kafka": self.settings["kafka"] | openly}))
        create_missing(load_settings(config, {}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        with suppress(KafkaException):  # the broker may be what failed
            admin = AdminClient(self._kafka)
            mine = [name for name in admin.list_topics(timeout=10).topics if name.startswith(self.prefix)]
            for done in admin.delete_topics(mine).values():
                done.result(30)

    def worker(self, name: str, **overrides: object) -> WorkerProcess:
        """One more worker, not started yet."""
        worker = WorkerProcess(self._reaper, self.directory, name, self.settings | overrides)
        self.workers.append(worker)
        return worker

    def start(self, count: int = 2) -> list[WorkerProcess]:
        """So many workers, ready."""
        workers = [self.worker(f"worker-{number}") for number in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.await_ready()
        return workers

    def feed(self, seconds: float) -> Feeder:
        """Begin to send the load."""
        feeder = Feeder(self.bootstrap, self.topics, PARTITIONS, self.load, seconds)
        feeder.start()
        return feeder

    def outlive_a_kill(self, feed_seconds: float) -> None:
        """Two workers take the load; one of them is killed in the middle of it and comes back; all is judged."""
        _, victim = self.start(2)
        feeder = self.feed(feed_seconds)
        feeder.join(feed_seconds / 2)
        victim.kill()
        victim.start()
        feeder.finish()
        self.judge(letters_max=3)  # the kill moves the partitions, and so does the return

    # -- what came of it

    def judge(self, *, letters_max: int = 1) -> None:
        """Every window final and equal to the recount, every record counted once, every bad one kept."""
        self._await(self._all_final, FINAL_SECONDS_MAX, "every window is final")
        self._await(self._all_counted, 60, "every record has a fate")
        assert compare_all(self.records(), self.load.expected, span="10s")[:20] == []
        # A worker that came back late takes partitions over, which nobody counts until they have recovered;
        # a record counted twice is never counted once again.
        self._await(self._all_counted, 60, "every record still has one fate")
        self.judge_letters(letters_max)

    def judge_letters(self, letters_max: int) -> None:
        """Each bad record is there with its bytes (none of them if ids are hashed), 1 to `letters_max` times."""
        bad = {
            (topic, m.partition() or 0, m.offset() or 0): (m.key(), value)
            for kind, topic in self.topics.items()
            for m in self.read(topic)
            if is_bad(kind, value := m.value() or b"")
        }
        letters = self.letters()
        times = Counter(letter.place for letter in letters)
        assert times.keys() == bad.keys(), _difference(times.keys(), bad.keys())
        kept = dict.fromkeys(bad, (None, b"")) if self.settings["privacy"].get("hash_ids") else bad
        assert [x for x in letters if (x.key, x.value or b"") != kept[x.place]] == []
        assert max(times.values(), default=0) <= letters_max, times.most_common(3)

    def records(self) -> list[Record]:
        """All metric records of the load's windows, in order."""
        found = (orjson.loads(m.value() or b"") for m in self.read(f"{self.prefix}metrics"))
        closing_ms = self.load.closing_ms // WINDOW_MS * WINDOW_MS
        return [r for r in found if r["span"] == "10s" and record_key(r)[0] < closing_ms]

    def letters(self) -> list[Letter]:
        """All dead letters, in order."""
        return [_letter(m) for m in self.read(f"{self.prefix}dead-letters")]

    def consumed(self) -> int:
        """How many records stand on the source topics."""
        return sum(end for topic in self.topics.values() for end in self._ends(topic).values())

    def fates(self) -> int:
        """How many records the workers have counted, by their fates."""
        return sum(self._counted_by(w) for w in self.workers)

    @staticmethod
    def _counted_by(worker: WorkerProcess) -> int:
        return int(sum(worker.series("hindcast_records_total").values())) if worker.running else 0

    def read(self, topic: str) -> Iterator[Message]:
        """Everything that stands on a topic now."""
        consumer = Consumer(self._kafka | {"group.id": "judge", "enable.auto.commit": False})
        try:
            ends = self._ends(topic)
            consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in ends])
            left = {p for p, end in ends.items() if end > consumer.get_watermark_offsets(TopicPartition(topic, p))[0]}
            while left:
                for message in consumer.consume(10_000, 1.0):
                    assert message.error() is None, message.error()
                    yield message
                    partition, offset = message.partition(), message.offset()
                    if partition is not None and offset is not None and offset + 1 >= ends[partition]:
                        left.discard(partition)
        finally:
            consumer.close()

    def _ends(self, topic: str) -> dict[int, int]:
        consumer = Consumer(self._kafka | {"group.id": "judge"})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in partitions}
        finally:
            consumer.close()

    def _all_final(self) -> str | None:
        final = {record_key(r) for r in self.records() if r["final"]}
        missing = len(self.load.expected.windows.keys() - final)
        return f"{missing} of {self.load.final_records} are not" if missing else None

    def _all_counted(self) -> str | None:
        counted, consumed = self.fates(), self.consumed()
        return f"{counted} of {consumed}" if counted != consumed else None

    def _await(self, why_not: Callable[[], str | None], seconds: float, wanted: str) -> None:
        deadline = time.monotonic() + seconds
        while (reason := why_not()) is not None:
            assert time.monotonic() < deadline, f"{wanted}: {reason}\n{self.describe()}"
            time.sleep(1)

    def describe(self) -> str:
        """The workers' last words, for a failure's message."""
        return "\n".join(
            f"--- {w.name} {w.get('/readyz')}, counted {self._counted_by(w)}\n{w.log[-2500:]}" for w in self.workers
        )


def _letter(message: Message) -> Letter:
    found: list[tuple[str, bytes]] = list(message.headers() or [])  # type: ignore[arg-type]  # its stub says str
    headers = {name: value.decode(errors="replace") for name, value in found}
    place = (
        headers["hindcast.source.topic"],
        int(headers["hindcast.source.partition"]),
        int(headers["hindcast.source.offset"]),
    )
    return Letter(place, message.key(), message.value(), headers["hindcast.error.code"])


def _difference(found: AbstractSet[Place], wanted: AbstractSet[Place]) -> str:
    missing, surplus = sorted(wanted - found), sorted(found - wanted)
    return f"{len(missing)} missing {missing[:3]}, {len(surplus)} too many {surplus[:3]}"
