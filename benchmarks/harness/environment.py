"""What the figures were measured on, for the result file."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.harness.baselines import REPOSITORY, STREAMS_BUILT

PACKAGES = ("faust-streaming", "aiokafka", "confluent-kafka", "msgspec", "numpy", "orjson", "rocksdict")


def describe() -> dict[str, object]:
    """Machine, load and versions, now."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average_before": load_average(),
        "python": platform.python_version(),
        "java": _first_line(["java", "-version"]),
        "kafka_streams": next((jar.stem for jar in (STREAMS_BUILT / "libs").glob("kafka-streams-*.jar")), ""),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _first_line(["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]),
    }


def load_average() -> list[float]:
    """Load average over 1, 5 and 15 minutes."""
    return [round(load, 2) for load in os.getloadavg()]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    text = (done.stdout or done.stderr) if done.returncode == 0 else ""
    return text.partition("\n")[0]
