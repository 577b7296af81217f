"""One run of the bench: a broker, a directory for everything that may be thrown away, fresh names."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.harness import events, inputs, topics
from benchmarks.harness.baselines import REPOSITORY, Workload
from tests.support.kafka_cluster import KafkaCluster

PARTITIONS = 4
SPAN = timedelta(minutes=60)
# The newest label lies a delay behind the newest prediction, and nothing may lie in the future.
AGE = SPAN + timedelta(milliseconds=events.LABEL_DELAY_MAX_MS) + timedelta(minutes=5)
BROKER_CONFIG = {"group.initial.rebalance.delay.ms": 3000}  # Kafka's default: workers started together join together
BROKER_JAVA = ("-Xms512m", "-Xmx1g", "-XX:+UseG1GC")  # as it is run in earnest, not as in the tests


@dataclass(frozen=True, slots=True)
class Bench:
    """Where this run of the bench happens."""

    bootstrap: str
    directory: Path

    def name(self, what: str) -> str:
        """A name that nothing on the broker has yet."""
        return f"bench-{what}-{uuid.uuid4().hex[:6]}"

    def output_topic(self, what: str) -> str:
        """A new topic for a baseline's output."""
        name = self.name(what)
        topics.create(self.bootstrap, [name], PARTITIONS)
        return name

    def workload(
        self, predictions: int, *, labelled: bool = True, with_inputs: bool = False, seed: int = 3
    ) -> Workload:
        """Two topics with so many predictions, a label for each if `labelled`, features in each if `with_inputs`."""
        load = self.empty_workload(predictions * (1 + labelled))
        start_ms = int((datetime.now(UTC) - AGE).timestamp() * 1000)
        traffic = events.draw(predictions, start_ms, int(SPAN.total_seconds() * 1000), seed)
        loader = topics.Loader(self.bootstrap, PARTITIONS)
        records = inputs.predictions(traffic, seed) if with_inputs else events.predictions(traffic)
        loader.send_all(load.predictions, records)
        if labelled:
            loader.send_all(load.labels, events.labels(traffic))
        loader.finish()
        return load

    def empty_workload(self, expected: int) -> Workload:
        """Two topics with nothing in them yet."""
        prefix = self.name("in")
        predictions, labels = f"{prefix}-predictions", f"{prefix}-labels"
        topics.create(self.bootstrap, [predictions, labels], PARTITIONS)
        return Workload(self.bootstrap, predictions, labels, PARTITIONS, expected, self.directory)


@contextmanager
def open_bench(bootstrap: str | None, *, keep: bool = False) -> Iterator[Bench]:
    """A bench on the broker at `bootstrap`, or on one of its own; its directory goes away unless `keep`."""
    home = REPOSITORY / ".cache/bench"
    home.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-", dir=home))
    with ExitStack() as stack:
        if not keep:
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
        if bootstrap is None:
            cluster = KafkaCluster(
                directory / "kafka", partitions=PARTITIONS, config=BROKER_CONFIG, java_options=BROKER_JAVA
            )
            bootstrap = stack.enter_context(cluster).bootstrap
        yield Bench(bootstrap, directory)
