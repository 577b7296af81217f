"""A broker of the years before KRaft, with the ZooKeeper that it needs."""

from pathlib import Path
from typing import Self

from tests.support.kafka_cluster import KafkaCluster
from tests.support.ports import free_ports

_OF_KRAFT = ("process.roles", "node.id", "controller.", "share.", "broker.session.", "broker.heartbeat.")


class ZooKeeperCluster(KafkaCluster):
    """One broker that keeps what it knows in a ZooKeeper of its own."""

    _says_when_ready = "[KafkaServer id=0] started"

    def __init__(self, directory: Path, *, version: str) -> None:
        super().__init__(directory, version=version)
        [self._zookeeper_port] = free_ports(1)

    def __enter__(self) -> Self:
        home = self.directory / "zookeeper"
        home.mkdir(parents=True)
        properties = home / "zookeeper.properties"
        properties.write_text(
            f"dataDir={home / 'data'}\nclientPort={self._zookeeper_port}\n"
            "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
        )
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        self._reaper.start([*self._java, main, str(properties)], home / "server.log")
        return super().__enter__()

    def _format(self, broker: int) -> None:
        self._write_properties(broker)

    def _properties(self, broker: int) -> dict[str, str | int]:
        kept = {key: value for key, value in super()._properties(broker).items() if not key.startswith(_OF_KRAFT)}
        address = f"127.0.0.1:{self._ports[broker]}"
        return {
            **kept,
            "broker.id": broker,
            "zookeeper.connect": f"127.0.0.1:{self._zookeeper_port}",
            "listeners": f"PLAINTEXT://{address}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT",
        }
