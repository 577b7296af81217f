"""How long a label takes from its topic into a revised metric record, under live traffic at a steady rate."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np
from confluent_kafka import Consumer, TopicPartition
from numpy.typing import NDArray

from benchmarks.harness import events, sampling
from benchmarks.harness.bench import PARTITIONS, Bench
from benchmarks.harness.delays import Seen, Slice, delays
from benchmarks.harness.hindcast import Hindcast
from benchmarks.harness.sampling import running
from benchmarks.harness.topics import Loader, LoadError

RATE_PER_SECOND = 20_000  # predictions and labels together, half each
TICK_SECONDS = 0.02
WARM_SECONDS = 20.0  # until the windows' first records are out: a label in a window still open waits for its end
REVISION_SECONDS_MAX = 30.0  # after the last label
# The labels' windows: closed when the first label comes (90 s), under 10 minutes old when the last one does.
OLDEST_MS, NEWEST_MS = 8 * events.MINUTE_MS, 150_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a label's publishing to the revision that counts it."""

    labels: int
    uncounted: int
    events_per_second: float
    p50_seconds: float | None  # None: no label was counted at all
    p95_seconds: float | None
    max_seconds: float | None


class _Record(msgspec.Struct):
    window_start: str | None
    model_version: str
    segment: str
    span: str
    labelled: int


class Watcher:
    """Reads the metric records as they come, on a thread of its own."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.seen: list[Seen] = []
        self._ended = threading.Event()
        self._decode = msgspec.json.Decoder(_Record).decode
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "fetch.wait.max.ms": 10})
        partitions = self._consumer.list_topics(topic, timeout=30).topics[topic].partitions
        if not partitions:
            raise LoadError(f"there is no topic {topic}")
        self._consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        self._thread = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._ended.is_set():
            for message in self._consumer.consume(500, timeout=0.05):
                value = message.value()
                if message.error() is None and value:
                    self._keep(self._decode(value), time.monotonic())

    def _keep(self, record: _Record, at_seconds: float) -> None:
        if record.span == "60s" and record.segment == "" and record.window_start:
            start_ms = int(datetime.fromisoformat(record.window_start).timestamp() * 1000)
            self.seen.append(Seen((start_ms, record.model_version), record.labelled, at_seconds))


@contextmanager
def watching(bootstrap: str, topic: str) -> Iterator[Watcher]:
    watcher = Watcher(bootstrap, topic)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()


def measure(bench: Bench, seconds: float) -> Latency:
    """One worker, live traffic for `seconds` after warming up; labels are for windows of the last ten minutes."""
    count = int(RATE_PER_SECOND / 2 * (WARM_SECONDS + seconds))
    load = bench.empty_workload(count)
    with running(Hindcast("latency", load, bench.name("latency"))) as program:
        program.await_ready()
        loader = Loader(bench.bootstrap, PARTITIONS, linger_ms=5)
        past = events.draw(count, _now_ms() - OLDEST_MS, OLDEST_MS - NEWEST_MS, seed=5)
        loader.send_all(load.predictions, events.predictions(past))
        sampling.watch(program, count)
        with watching(bench.bootstrap, program.metrics_topic) as watcher:
            sender = Sender(loader, load.predictions, load.labels, past)
            began = time.monotonic()
            sender.run()
            rate = 2 * count / (time.monotonic() - began)
            loader.finish()
            _await_counted(watcher, count)
    return _summary(delays(sender.published, watcher.seen), sender.order_of_publishing(), rate)


class Sender:
    """Sends live predictions and, at the same rate, labels for `past` in random order."""

    def __init__(self, loader: Loader, predictions: str, labels: str, past: events.Traffic) -> None:
        self._loader, self._predictions, self._labels, self._past = loader, predictions, labels, past
        self.published: dict[Slice, list[float]] = defaultdict(list)

    def run(self) -> None:
        order = np.random.default_rng(7).permutation(len(self._past))
        step = int(RATE_PER_SECOND / 2 * TICK_SECONDS)
        began = time.monotonic()
        for tick, first in enumerate(range(0, len(order), step)):
            time.sleep(max(0.0, began + tick * TICK_SECONDS - time.monotonic()))
            rows = order[first : first + step]
            now_ms = _now_ms()
            # Spread over the last two seconds, so that no event time lies in the future.
            live = events.draw(len(rows), now_ms - events.DISORDER_MS, events.DISORDER_MS + 1, seed=1_000 + tick)
            self._loader.send_all(self._predictions, events.predictions(live))
            self._past.label_ms[rows] = now_ms
            self._send_labels(rows)

    def _send_labels(self, rows: NDArray[np.int64]) -> None:
        self._loader.send_all(self._labels, events.label_messages(self._past, rows))
        at_seconds = time.monotonic()
        starts_ms = self._past.event_ms[rows] // events.MINUTE_MS * events.MINUTE_MS
        for start_ms, version in zip(starts_ms.tolist(), self._past.version[rows].tolist(), strict=True):
            self.published[start_ms, events.VERSIONS[version]].append(at_seconds)
        self._loader.poll()

    def order_of_publishing(self) -> NDArray[np.float64]:
        """When each label was published, in the order in which `delays` answers."""
        return np.concatenate([np.array(times) for times in self.published.values()])


def _await_counted(watcher: Watcher, labels: int) -> None:
    """Wait until the records count every label, or long enough to say that they never will."""
    deadline = time.monotonic() + REVISION_SECONDS_MAX
    while time.monotonic() < deadline:
        newest: dict[Slice, int] = {}
        for record in watcher.seen:
            newest[record.slice] = max(record.labelled, newest.get(record.slice, 0))
        if sum(newest.values()) >= labels:
            return
        time.sleep(0.5)


def _summary(
    waited: NDArray[np.float64],
    published: NDArray[np.float64],
    rate: float,
) -> Latency:
    warm = waited[published >= published.min() + WARM_SECONDS]
    counted = warm[np.isfinite(warm)]
    uncounted = len(warm) - len(counted)
    if not len(counted):
        return Latency(len(warm), uncounted, rate, None, None, None)
    p50, p95, most = (float(np.percentile(counted, q)) for q in (50, 95, 100))
    return Latency(len(warm), uncounted, rate, p50, p95, most)


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
