"""A real Kubernetes control plane on loopback: etcd, API server and controllers, without root and without nodes."""

import json
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.chart.support.api import Api, RefusedError
from tests.chart.support.kubelet import NODE, Kubelet
from tests.chart.support.schemas import custom_definitions
from tests.chart.support.tools import tool
from tests.support.ports import free_ports
from tests.support.reaper import Reaper

READY_SECONDS_MAX = 90.0
VOLUMES = 24
CONTROLLERS_LEFT_OUT = ("node-lifecycle-controller", "taint-eviction-controller")
"""They would take the pods from nodes that nobody hears of."""


class ControlPlane:
    """Use as a context. `kubeconfig` is for Helm, `api` for everybody else."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kubeconfig = directory / "kubeconfig"
        self._etcd, self._peers, self._secure, self._controllers = free_ports(4)
        self._token = secrets.token_hex(16)
        self._certificate = directory / "certificates" / "apiserver.crt"
        self.api = Api(f"https://127.0.0.1:{self._secure}", self._token, self._certificate)

    def __enter__(self) -> Self:
        self._reaper = Reaper()
        self._kubelet = Kubelet(self.api)
        try:
            self._start_etcd()
            self._start_api_server()
            self._start_controllers()
            self._furnish()
        except BaseException:
            self._reaper.close()
            raise
        self._kubelet.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kubelet.stop()
        self._reaper.close()

    def _start(self, name: str, *options: str) -> None:
        self._reaper.start([tool(name), *options], self.directory / f"{name}.log")

    def _start_etcd(self) -> None:
        clients, peers = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peers}"
        self._start(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
        )

    def _start_api_server(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        key_file, tokens = self.directory / "accounts.key", self.directory / "tokens.csv"
        key_file.write_bytes(pem)
        tokens.write_text(f"{self._token},admin,admin,system:masters\n")
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._secure}",
            f"--cert-dir={self._certificate.parent}",
            f"--service-account-key-file={key_file}",
            f"--service-account-signing-key-file={key_file}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
        )
        self._await("the API server", lambda: self.api.call("GET", "/readyz"))
        cluster = {"server": f"https://127.0.0.1:{self._secure}", "certificate-authority": str(self._certificate)}
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "loopback", "cluster": cluster}],
                    "users": [{"name": "admin", "user": {"token": self._token}}],
                    "contexts": [{"name": "loopback", "context": {"cluster": "loopback", "user": "admin"}}],
                    "current-context": "loopback",
                }
            )
        )

    def _start_controllers(self) -> None:
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={self.directory / 'accounts.key'}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._controllers}",
            f"--cert-dir={self._certificate.parent}",
            f"--controllers=*,{','.join(f'-{name}' for name in CONTROLLERS_LEFT_OUT)}",
        )

    def _furnish(self) -> None:
        """A node, volumes, the operators' kinds."""
        room = {"cpu": "32", "memory": "64Gi", "pods": "110"}
        self.api.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
        self.api.merge(f"/api/v1/nodes/{NODE}/status", {"status": {"allocatable": room, "capacity": room}})
        for number in range(VOLUMES):
            self.api.apply(_volume(number))
        for definition in custom_definitions():
            self.api.apply(definition)
            self._await(definition["metadata"]["name"], partial(self._is_served, definition))
        self._await("the default service account", lambda: self.api.get("v1", "ServiceAccount", "default", "default"))

    def _is_served(self, definition: dict[str, Any]) -> None:
        spec = definition["spec"]
        self.api.call("GET", f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}")

    def _await(self, what: str, works: Callable[[], object]) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while (problem := _problem(works)) is not None:
            assert time.monotonic() < deadline, f"{what}: {problem}\n{self.logs()}"
            time.sleep(0.2)

    def logs(self) -> str:
        """Last words of all three, for a failure's message."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in self.directory.glob("*.log"))


def _problem(works: Callable[[], object]) -> str | None:
    """Why it does not work yet; None if it does."""
    try:
        works()
    except (RefusedError, OSError) as error:
        return str(error)
    return None


def _volume(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{number}"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/nowhere/{number}"},
        },
    }
