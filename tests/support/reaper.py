"""Kills what a test run started, even when the run itself is killed.

A watchdog process holds the reading end of a pipe. Whichever way the test run ends, the pipe closes, and the
watchdog kills every process group that was handed to it and not taken back. `PR_SET_PDEATHSIG` would be
shorter, but it follows the death of the *thread* that started the process, and tests start brokers from threads.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

_WATCHDOG = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class Reaper:
    """Starts processes, each in a group of its own, that cannot outlive this process."""

    def __init__(self) -> None:
        self._watchdog = subprocess.Popen(
            [sys.executable, "-S", "-c", _WATCHDOG], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def start(
        self,
        command: Sequence[str],
        output: Path | IO[str],
        *,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `command` with both its streams appended to `output`."""
        with contextlib.ExitStack() as stack:
            stream: IO[Any] = stack.enter_context(output.open("ab")) if isinstance(output, Path) else output
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=env,
                cwd=cwd,
            )
        self._tell(f"+{process.pid}")
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL the process and whatever it started (paused ones too), and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        self.forget(process)

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a process that has been told to end and take it off the watchdog's list."""
        process.wait()
        self._tell(f"-{process.pid}")

    def close(self) -> None:
        """Kill what is left and end the watchdog."""
        assert self._watchdog.stdin is not None
        if not self._watchdog.stdin.closed:
            self._watchdog.stdin.close()
        self._watchdog.wait()

    def _tell(self, line: str) -> None:
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.write(line + "\n")
        self._watchdog.stdin.flush()
