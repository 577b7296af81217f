"""A process that is measured: started, watched through /proc, stopped by its id."""

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS_MAX = 40.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class ChildError(RuntimeError):
    """A measured program ended by itself; the message holds the end of its log."""


@dataclass(slots=True)
class Child:
    """One subprocess with its output in a file."""

    command: list[str]
    log: Path
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _peak_rss_bytes: int = 0

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.directory,
                env={**os.environ, **self.environment},
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ChildError(f"not started: {self.command[0]}")
        return self._process

    def running(self) -> bool:
        return self.process.poll() is None

    def check(self) -> None:
        """Raise ChildError if the process ended with anything but success."""
        if self.process.poll():
            raise ChildError(f"exit {self.process.returncode}: {' '.join(self.command[:4])} …\n{self.tail()}")

    def cpu_seconds(self) -> float:
        """User and system time so far, that of its children and of those that ended included; 0 once gone."""
        return sum(_cpu_seconds(pid) for pid in _family(self.process.pid))

    def rss_bytes(self) -> int:
        """Resident memory now, children included."""
        return sum(_status_bytes(pid, "VmRSS") for pid in _family(self.process.pid))

    def peak_rss_bytes(self) -> int:
        """The highest resident memory seen so far, as the kernel counts it."""
        peak = sum(_status_bytes(pid, "VmHWM") for pid in _family(self.process.pid))
        self._peak_rss_bytes = max(self._peak_rss_bytes, peak)
        return self._peak_rss_bytes

    def stop(self) -> None:
        """SIGTERM, then SIGKILL for one that does not hear it."""
        if self._process is None or not self.running():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _family(pid: int) -> list[int]:
    """The process and its living descendants."""
    family = [pid]
    for member in family:  # grows while it is walked
        try:
            for task in Path(f"/proc/{member}/task").iterdir():
                family.extend(int(child) for child in (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return family


def _cpu_seconds(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # proc(5): after the name in parentheses, utime stime cutime cstime are the fields 12 to 15, in clock ticks
    fields = text.rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS_PER_SECOND


def _status_bytes(pid: int, name: str) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for line in text.splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0
