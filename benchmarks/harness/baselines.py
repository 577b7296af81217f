"""The baselines as measured programs: they print ``progress N`` into their log."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.child import Child

REPOSITORY = Path(__file__).parents[2]
STREAMS_SOURCE = REPOSITORY / "benchmarks/baselines/kafka-streams"
STREAMS_BUILT = REPOSITORY / ".cache/kafka-streams"


@dataclass(frozen=True, slots=True)
class Workload:
    """Where the events lie, and where programs may put theirs."""

    bootstrap: str
    predictions: str
    labels: str
    partitions: int
    events: int
    directory: Path


class Printing:
    """A program whose progress is the last ``progress N`` line of its output."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.name = name
        self._child = Child(command, log, REPOSITORY)
        self._read_bytes = 0
        self._done = 0

    def start(self) -> None:
        self._child.start()

    def check(self) -> None:
        self._child.check()

    def progress(self) -> list[int]:
        with self._child.log.open("rb") as log:
            log.seek(self._read_bytes)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            if line.startswith(b"progress "):
                self._done = int(line.split()[1])
        return [self._done]

    def cpu_seconds(self) -> float:
        return self._child.cpu_seconds()

    def peak_rss_bytes(self) -> int:
        return self._child.peak_rss_bytes()

    def stop(self) -> None:
        self._child.stop()


def floor(load: Workload, run: str) -> Printing:
    """Consume and parse, nothing else."""
    module = [sys.executable, "-m", "benchmarks.baselines.floor"]
    topics = [load.bootstrap, load.predictions, load.labels, str(load.events)]
    return Printing("floor", module + topics, load.directory / f"{run}.log")


def plain_faust(load: Workload, run: str, output: str) -> Printing:
    """The ordinary Faust application; `output` is a topic that exists."""
    module = [sys.executable, "-m", "benchmarks.baselines.plain_faust"]
    topics = [load.bootstrap, load.predictions, load.labels, output]
    place = [run, str(load.directory / run), str(load.partitions)]
    return Printing("plain Faust", module + topics + place, load.directory / f"{run}.log")


def kafka_streams(load: Workload, run: str, output: str, threads: int, counters: str) -> Printing:
    """The hand-written Kafka Streams processor with so many threads; `counters` are in the "store" or on the "heap"."""
    classpath = f"{STREAMS_BUILT}/baseline.jar:{STREAMS_BUILT}/libs/*"
    java = ["java", "-Xmx1g", "-XX:+UseG1GC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    java += [f"-Dcounters={counters}", "-cp", classpath]
    arguments = [load.bootstrap, run, load.predictions, load.labels, output, str(load.directory / run)]
    command = [*java, "hindcast.bench.FraudMetrics", *arguments, str(threads), str(load.events)]
    return Printing(f"Kafka Streams, {threads} thread{'s' * (threads > 1)}", command, load.directory / f"{run}.log")


def build_kafka_streams() -> None:
    """Compile the processor and fetch its libraries, once; raises CalledProcessError if Maven cannot."""
    jar, source = STREAMS_BUILT / "baseline.jar", STREAMS_SOURCE / "src/main/java/hindcast/bench/FraudMetrics.java"
    newest = max(source.stat().st_mtime, (STREAMS_SOURCE / "pom.xml").stat().st_mtime)
    if not jar.exists() or jar.stat().st_mtime < newest:
        maven = shutil.which("mvn") or "mvn"
        subprocess.run([maven, "-q", "-B", "package"], cwd=STREAMS_SOURCE, check=True)
