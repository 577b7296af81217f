"""A load with one right answer: simulated traffic, the records that close its windows, and the recount of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count

import orjson
from confluent_kafka import Producer

from models.partitioner import partitions_of
from runtime.simulate_options import SimulateOptions
from runtime.traffic import TimedRecord, Topic, last_label_seconds, traffic
from tests.support.recount import Recount, recount
from tests.support.recount_records import BadRecordError, Raw, Rules, read_label, read_prediction

EVENT_SECONDS = 300.0
WINDOW_MS = 10_000
RULES = Rules(model="fraud", window_ms=WINDOW_MS, horizon_ms=120_000, segments=("country",))
CLOSING_MS = 600_000  # so far behind the last record that every window of the load becomes final
STEP_SECONDS = 0.05


@dataclass(frozen=True)
class Load:
    """Records in publish order, what they must come to, and the event time of the records that close them."""

    records: list[TimedRecord]
    expected: Recount
    closing_ms: int
    keyed: bool = True
    encode: Callable[[Topic, bytes], bytes] = lambda _, value: value
    """How the producers write a JSON record."""

    def without_keys(self) -> "Load":
        """The same records as the example's producer sends them; they come to the same."""
        return replace(self, records=[record._replace(key=None) for record in self.records], keyed=False)

    @property
    def final_records(self) -> int:
        """How many windows (of every slice) there are."""
        return len(self.expected.windows)


def make_load(predictions: int, *, seed: int, now_ms: int) -> Load:
    """So many predictions over five minutes of an hour ago, disordered, doubled, corrected, early and bad."""
    options = SimulateOptions(
        rate=predictions / EVENT_SECONDS,
        seconds=EVENT_SECONDS,
        seed=seed,
        label_delay_seconds=20,
        disorder=0.20,
        duplicates=0.05,
        corrections=0.02,
        withdrawals=0.01,
        early=0.05,
        bad=0.01,
        shadow=0.02,
        keyed=True,
        wait_for_labels=True,
    )
    start_ms = now_ms - 3_600_000
    records = list(traffic(options, start_ms))
    raw = [Raw(r.topic, 0, offset, r.value, r.timestamp_ms) for offset, r in enumerate(records)]
    closing_ms = start_ms + round((EVENT_SECONDS + last_label_seconds(options)) * 1000) + CLOSING_MS
    return Load(records, recount(raw, RULES), closing_ms)


def is_bad(topic: Topic, value: bytes) -> bool:
    """Whether the oracle refuses the record."""
    try:
        (read_prediction if topic == "predictions" else read_label)(Raw(topic, 0, 0, value), RULES)
    except BadRecordError:
        return True
    return False


class Feeder(threading.Thread):
    """Sends a load over so many seconds while the test does its worst, and closes it."""

    def __init__(self, bootstrap: str, topics: dict[Topic, str], partitions: int, load: Load, seconds: float) -> None:
        super().__init__(daemon=True)
        self._topics, self._partitions, self._load, self._seconds = topics, partitions, load, seconds
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 20,
                "partitioner": "murmur2_random" if load.keyed else "random",
                "queue.buffering.max.messages": 2_000_000,
                "log_level": 0,
            }
        )
        self.sent = 0
        self.failures: list[str] = []

    def run(self) -> None:
        """Send all records at an even pace, then the closing ones."""
        records, started = self._load.records, time.monotonic()
        while self.sent < len(records):
            due = int(len(records) * min(1.0, (time.monotonic() - started) / self._seconds))
            for record in records[self.sent : due]:
                self._send(record.topic, record.key, record.value, record.timestamp_ms)
            self.sent = due
            self._producer.poll(0)
            time.sleep(STEP_SECONDS)
        self._producer.flush(120)
        for partition in range(self._partitions):
            self._close(partition)
        left = self._producer.flush(120)
        if left:
            self.failures.append(f"{left} records were never acknowledged")

    def hurry(self) -> None:
        """Send what is left at once: what the pace was for is over."""
        self._seconds = STEP_SECONDS

    def finish(self) -> None:
        """Wait until all is on the broker."""
        self.join()
        assert self.failures == []

    def _send(self, topic: Topic, key: bytes | None, value: bytes, timestamp_ms: int, partition: int = -1) -> None:
        name, written = self._topics[topic], self._load.encode(topic, value)
        self._producer.produce(name, written, key, partition, timestamp=timestamp_ms, on_delivery=self._delivered)

    def _delivered(self, error: object, _: object) -> None:
        if error is not None:
            self.failures.append(str(error))

    def _close(self, partition: int) -> None:
        name = next(n for i in count() if partitions_of([n := f"close-{i}".encode()], self._partitions)[0] == partition)
        at = datetime.fromtimestamp(self._load.closing_ms / 1000, UTC).isoformat()
        common = {"transaction_id": name.decode()}
        prediction = common | {"timestamp": at, "predicted_fraud_score": 0.1, "model_version": "rf_v1_2025_10"}
        prediction |= {"prediction": 0}  # of whatever task
        label = common | {"label_time": at, "actual": 0}
        key = name if self._load.keyed else None
        self._send("predictions", key, orjson.dumps(prediction), self._load.closing_ms, partition)
        self._send("labels", key, orjson.dumps(label), self._load.closing_ms, partition)
