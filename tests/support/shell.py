"""A shell that is typed into block by block, as a reader of a page does."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.support.reaper import Reaper

FAILED = "a-command-failed-with"


class Shell:
    """One bash; what it starts in the background lives until the reaper is closed."""

    def __init__(self, directory: Path, reaper: Reaper, environment: dict[str, str], seconds_max: float) -> None:
        self._said, typed = directory / "said.txt", directory / "typed"
        self._seconds_max = seconds_max
        os.mkfifo(typed)
        reaper.start(["bash", "-c", f"exec bash < {typed}"], self._said, env=environment, cwd=directory)
        self._keyboard = typed.open("w")
        self._blocks = 0
        self.run(f"trap 'echo {FAILED} $?' ERR")

    def run(self, commands: str) -> str:
        """What the commands printed. AssertionError if one of them failed, or all together took too long."""
        printed = self._typed(commands)
        assert FAILED not in printed, f"{commands}\n{printed}"
        return printed

    def wait_until(self, command: str) -> None:
        """Until the command succeeds. AssertionError if it takes too long."""
        deadline = time.monotonic() + self._seconds_max
        while "yes-it-is" not in self._typed(f"if {command} > /dev/null 2>&1; then echo yes-it-is; fi"):
            assert time.monotonic() < deadline, f"not within {self._seconds_max:.0f} s: {command}\n{self.said()}"
            time.sleep(1)

    def said(self) -> str:
        """All that was printed."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Type no more; the shell ends."""
        self._keyboard.close()

    def _typed(self, commands: str) -> str:
        began, self._blocks = len(self.said()), self._blocks + 1
        end = f"end-of-block-{self._blocks}."
        self._keyboard.write(f"{commands}\necho {end}\n")
        self._keyboard.flush()
        deadline = time.monotonic() + self._seconds_max
        while (ended := self.said().find(end, began)) < 0:  # also behind output without a line's end
            assert time.monotonic() < deadline, f"not within {self._seconds_max:.0f} s:\n{commands}\n{self.said()}"
            time.sleep(0.05)
        return self.said()[began:ended]
