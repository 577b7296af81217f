"""`Heartbeat`: how the serving process is, every few seconds, as a record beside its predictions."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hindcast_client.background import Background
from hindcast_client.errors import UsageError
from hindcast_client.log import PredictionLog
from hindcast_client.metrics import ServingMetrics

if TYPE_CHECKING:
    import psutil

logger = logging.getLogger(__name__)


class Heartbeat(Background):
    """Sends one record at once and then every `every_seconds`, from a thread of its own (`start`, `close`).

    Values, each absent where it is not known: `cpu_ratio` (of the CPUs that the process may use), `memory_bytes`
    (resident), `disk_ratio` (used, of the file system of `disk_path`), `gpu_ratio` (of the busiest one, with
    nvidia-ml-py), `queue_depth`, `active_requests`, `model_load_seconds`.

    queue_depth: tells how many requests wait. metrics: tells how many are being served. Begins anew after a fork.
    Raises UsageError without psutil.
    """

    _name = "hindcast-heartbeat"

    def __init__(
        self,
        log: PredictionLog,
        *,
        every_seconds: float = 10.0,
        metrics: ServingMetrics | None = None,
        queue_depth: Callable[[], float] | None = None,
        model_load_seconds: float | None = None,
        disk_path: str = "/",
    ) -> None:
        try:
            import psutil
        except ImportError:
            raise UsageError("Heartbeat needs psutil: pip install 'hindcast-client[heartbeat]'") from None
        if not every_seconds > 0:
            raise UsageError(f"Heartbeat: every_seconds: {every_seconds} is not above 0")
        self._psutil, self._log, self._every_seconds = psutil, log, every_seconds
        self._metrics, self._queue_depth = metrics, queue_depth
        self._load_seconds, self._disk_path = model_load_seconds, disk_path
        super().__init__()

    def sample(self) -> dict[str, float]:
        """The values of now. What cannot be read is absent; nothing is raised."""
        sources: dict[str, Callable[[], float | None]] = {
            "active_requests": self._active_requests,
            "queue_depth": self._queue_depth or (lambda: None),
            "model_load_seconds": lambda: self._load_seconds,
            "cpu_ratio": self._cpu_ratio,
            "memory_bytes": lambda: self._process.memory_info().rss,
            "disk_ratio": lambda: self._psutil.disk_usage(self._disk_path).percent / 100,
            "gpu_ratio": self._gpus.ratio,
        }
        read = {name: self._read(name, source) for name, source in sources.items()}
        return {name: value for name, value in read.items() if value is not None}

    def _begin(self) -> None:
        self._process: psutil.Process = self._psutil.Process()
        self._process.cpu_percent()  # the first call has nothing to compare with, and says 0
        self._instance = f"{socket.gethostname()}:{os.getpid()}"
        self._gpus = _Gpus()
        self._unreadable: set[str] = set()

    def _run(self) -> None:
        stopping = self._stopping
        while True:
            self._log.heartbeat(self._instance, self.sample())
            if stopping.wait(self._every_seconds):
                return

    def _read(self, name: str, source: Callable[[], float | None]) -> float | None:
        try:
            return source()
        except Exception as error:  # noqa: BLE001  # a disk that went away, somebody's own function
            if name not in self._unreadable:
                self._unreadable.add(name)
                logger.warning("heartbeat: %s cannot be read: %r", name, error)
            return None

    def _active_requests(self) -> float | None:
        return None if self._metrics is None else self._metrics.active()

    def _cpu_ratio(self) -> float:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self._process.cpu_percent() / 100 / cores


class _Gpus:
    """NVIDIA's GPUs, where nvidia-ml-py and a driver are there."""

    def __init__(self) -> None:
        self._nvml: Any = None
        try:
            import pynvml
        except ImportError:
            return
        try:
            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError:  # the package without a driver
            return
        self._nvml = pynvml

    def ratio(self) -> float | None:
        """Utilisation of the busiest one in [0, 1]."""
        if self._nvml is None:
            return None
        return max((self._nvml.nvmlDeviceGetUtilizationRates(h).gpu / 100 for h in self._handles), default=None)
