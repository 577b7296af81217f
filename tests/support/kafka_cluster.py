"""Real Apache Kafka brokers in KRaft mode on loopback, that tests may kill, pause and restart.

with KafkaCluster(brokers=3, directory=tmp_path) as kafka:
    kafka.kill(0)
    kafka.start(0)      # same port, same disk
"""

import atexit
import base64
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.kafka_jars import KAFKA, classpath, java
from tests.support.ports import free_ports
from tests.support.reaper import Reaper

READY_SECONDS_MAX = 60.0  # a loaded CI machine; by itself a broker is ready in about 3 s
STOP_SECONDS_MAX = 30.0
JAVA_OPTIONS = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class KafkaCluster:
    """`brokers` brokers (1 or 3), numbered from 0, each both broker and controller."""

    _says_when_ready = "Kafka Server started"

    def __init__(
        self,
        directory: Path,
        brokers: int = 1,
        *,
        partitions: int = 4,
        config: Mapping[str, str | int] | None = None,
        listeners: Mapping[str, str] | None = None,
        java_options: Sequence[str] = JAVA_OPTIONS,
        version: str = "",
    ) -> None:
        """listeners: further ones beside the open one, name -> security protocol. version: of Kafka, else the pom's."""
        self.directory = directory
        self.brokers = brokers
        self._partitions = partitions
        self._config = dict(config or {})
        logs = f"-Dlog4j2.configurationFile={KAFKA / 'log4j2.xml'}"
        self._java = [java(), *java_options, logs, "-cp", classpath(version)]
        self._listeners = dict(listeners or {})
        ports = free_ports((2 + len(self._listeners)) * brokers)
        self._ports, self._controller_ports = ports[:brokers], ports[brokers : 2 * brokers]
        self._more_ports = {
            name: ports[(2 + i) * brokers : (3 + i) * brokers] for i, name in enumerate(self._listeners)
        }
        self._cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._said_before: dict[int, int] = {}  # length of a broker's log when its present life began
        self._reaper = Reaper()
        atexit.register(self.close)

    @property
    def bootstrap(self) -> str:
        """Addresses of all brokers, whether up or down."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports)

    def address(self, listener: str) -> str:
        """Bootstrap address at one of the further listeners."""
        return ",".join(f"127.0.0.1:{port}" for port in self._more_ports[listener])

    def log(self, broker: int) -> str:
        """What the broker has said so far, over all its lives."""
        return self._log_path(broker).read_text(errors="replace")

    def pid(self, broker: int) -> int:
        """Process id of a running broker."""
        return self._processes[broker].pid

    def __enter__(self) -> Self:
        try:
            with ThreadPoolExecutor(self.brokers) as pool:
                list(pool.map(self._format, range(self.brokers)))
            for broker in range(self.brokers):
                self._launch(broker)
            for broker in range(self.brokers):
                self._await_ready(broker)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, broker: int) -> None:
        """Start a stopped or killed broker again, on the same port and disk, and wait till it serves."""
        self._launch(broker)
        self._await_ready(broker)

    def stop(self, broker: int) -> None:
        """End a broker in good order (SIGTERM) and wait for it."""
        process = self._processes.pop(broker)
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._reaper.kill(process)
            raise
        self._reaper.forget(process)

    def kill(self, broker: int) -> None:
        """SIGKILL a broker."""
        self._reaper.kill(self._processes.pop(broker))

    def pause(self, broker: int) -> None:
        """SIGSTOP a broker: its connections stay open and nothing answers."""
        os.kill(self.pid(broker), signal.SIGSTOP)

    def resume(self, broker: int) -> None:
        """SIGCONT a paused broker."""
        os.kill(self.pid(broker), signal.SIGCONT)

    def set_quota(self, client_id: str, limits: Mapping[str, int | None]) -> None:
        """Quotas of a client on each broker, as Kafka names them (`consumer_byte_rate`); None lifts one."""
        kept = ",".join(f"{name}={limit}" for name, limit in limits.items() if limit is not None)
        lifted = ",".join(name for name, limit in limits.items() if limit is None)
        change = [*(["--add-config", kept] if kept else []), *(["--delete-config", lifted] if lifted else [])]
        tool = [*self._java, "kafka.admin.ConfigCommand", "--bootstrap-server", self.bootstrap, "--alter"]
        command = [*tool, *change, "--entity-type", "clients", "--entity-name", client_id]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the quota could not be set:\n{done.stdout}{done.stderr}")

    def close(self) -> None:
        """Kill all brokers; may be called twice."""
        for broker in list(self._processes):
            self.kill(broker)
        self._reaper.close()
        atexit.unregister(self.close)

    def _launch(self, broker: int) -> None:
        assert broker not in self._processes, f"broker {broker} is running"
        command = [*self._java, "kafka.Kafka", str(self._properties_path(broker))]
        self._said_before[broker] = len(self.log(broker)) if self._log_path(broker).exists() else 0
        self._processes[broker] = self._reaper.start(command, self._log_path(broker))

    def _await_ready(self, broker: int) -> None:
        # Not a fact about the stream but about this machine, so the wall clock is right here.
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._is_ready(broker):
            ended = self._processes[broker].poll()
            if ended is not None or time.monotonic() > deadline:
                state = "still starting" if ended is None else f"exit {ended}"
                raise RuntimeError(f"broker {broker} is not ready ({state}):\n{self.log(broker)[-4000:]}")
            time.sleep(0.05)

    def _is_ready(self, broker: int) -> bool:
        """Whether the broker itself lists itself: registered, caught up and unfenced."""
        if self._says_when_ready not in self.log(broker)[self._said_before[broker] :]:
            return False
        address = f"127.0.0.1:{self._ports[broker]}"
        client = AdminClient({"bootstrap.servers": address, "log_level": 0, "allow.auto.create.topics": False})
        try:
            return broker in client.list_topics(timeout=2).brokers
        except KafkaException:
            return False

    def _write_properties(self, broker: int) -> None:
        self._home(broker).mkdir(parents=True, exist_ok=True)
        lines = [f"{key}={value}" for key, value in self._properties(broker).items()]
        self._properties_path(broker).write_text("\n".join(lines) + "\n")

    def _format(self, broker: int) -> None:
        self._write_properties(broker)
        tool = [*self._java, "kafka.tools.StorageTool", "format", f"--cluster-id={self._cluster_id}"]
        command = [*tool, "--config", str(self._properties_path(broker))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"StorageTool could not format broker {broker}:\n{done.stdout}{done.stderr}")

    def _properties(self, broker: int) -> dict[str, str | int]:
        copies = min(3, self.brokers)
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in enumerate(self._controller_ports))
        ports = {"PLAINTEXT": self._ports, **self._more_ports, "CONTROLLER": self._controller_ports}
        protocols = {"PLAINTEXT": "PLAINTEXT", **self._listeners, "CONTROLLER": "PLAINTEXT"}
        return {
            "process.roles": "broker,controller",
            "node.id": broker,
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join(f"{name}://127.0.0.1:{of[broker]}" for name, of in ports.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, kind in protocols.items()),
            "log.dirs": str(self._home(broker) / "data"),
            "num.partitions": self._partitions,
            "default.replication.factor": copies,
            "min.insync.replicas": max(1, copies - 1),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": max(1, copies - 1),
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": max(1, copies - 1),
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,  # fault tests wait for time-outs
            "broker.session.timeout.ms": 4000,  # a killed broker may come back only after this
            "broker.heartbeat.interval.ms": 500,
            "log.cleaner.threads": 1,
            "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
            **self._config,
        }

    def _home(self, broker: int) -> Path:
        return self.directory / f"broker-{broker}"

    def _properties_path(self, broker: int) -> Path:
        return self._home(broker) / "server.properties"

    def _log_path(self, broker: int) -> Path:
        return self._home(broker) / "server.log"
