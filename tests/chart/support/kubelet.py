"""Stands in for scheduler and kubelets: binds pods to a node and says of them what a node would say.

No container runs. A pod is ready at once, one that is to end has succeeded, and one whose image is called
`broken` never becomes ready.
"""

import threading
import time
from typing import Any

from tests.chart.support.api import Api, RefusedError

NODE = "node-0"
PERIOD_SECONDS = 0.2
GONE_OR_CHANGED = (404, 409)


class Kubelet(threading.Thread):
    """Works until `stop`."""

    def __init__(self, api: Api) -> None:
        super().__init__(daemon=True)
        self._api = api
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(PERIOD_SECONDS):
            for pod in self._api.items("v1", "Pod"):
                try:
                    self._look_after(pod)
                except RefusedError as error:
                    if error.code not in GONE_OR_CHANGED:
                        raise

    def stop(self) -> None:
        """Leave."""
        self._stopped.set()
        self.join(10)

    def _look_after(self, pod: dict[str, Any]) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            self._api.call("DELETE", path, {"gracePeriodSeconds": 0})
        elif "nodeName" not in spec:
            binding = {"metadata": {"name": metadata["name"]}, "target": {"kind": "Node", "name": NODE}}
            self._api.call("POST", f"{path}/binding", {"apiVersion": "v1", "kind": "Binding", **binding})
        elif pod["status"].get("phase") == "Pending":
            status = {"status": _status(spec)}
            self._api.call("PATCH", f"{path}/status", status, "application/strategic-merge-patch+json")


def _status(spec: dict[str, Any]) -> dict[str, Any]:
    is_broken = any("broken" in container["image"] for container in spec["containers"])
    ends = spec["restartPolicy"] != "Always" and not is_broken
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
    conditions = {"Initialized": True, "ContainersReady": not is_broken, "Ready": not is_broken}
    return {
        "phase": "Succeeded" if ends else "Running",
        "podIP": "10.1.0.1",
        "podIPs": [{"ip": "10.1.0.1"}],
        "hostIP": "127.0.0.1",
        "startTime": now,
        "conditions": [
            {"type": name, "status": str(holds), "lastTransitionTime": now} for name, holds in conditions.items()
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "none",
                "ready": not is_broken and not ends,
                "started": not is_broken,
                "restartCount": 0,
                "state": ended if ends else {"running": {"startedAt": now}},
            }
            for container in spec["containers"]
        ],
    }
