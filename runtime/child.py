"""Runs the command line as a child of the demo that cannot outlive it: `python -m runtime.child worker …`."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux only
PARENT = "HINDCAST_PARENT_PID"


def die_with_parent() -> None:
    """Be killed when the thread that started us ends; the demo starts its worker from the main thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.environ.get(PARENT, str(os.getppid())) != str(os.getppid()):
            sys.exit(1)  # it was gone before we could ask


if __name__ == "__main__":
    die_with_parent()
    from runtime.cli import main

    sys.exit(main())
