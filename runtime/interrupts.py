"""Ctrl-C and SIGTERM as an event that loops look at, instead of an exception from anywhere.

An exception inside a call into librdkafka surfaces as a SystemError; a flag cannot.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def heed_sigterm() -> None:
    """Let SIGTERM end this process also where it is process 1, as in a container.

    The kernel passes over signals to process 1 that have no handler: without this one, stopping a verb or a worker
    that still starts would wait for SIGKILL. What ends in order puts a handler of its own in its place.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _frame: os._exit(128 + number))


@contextmanager
def stop_event() -> Iterator[threading.Event]:
    """An event that is set by the first Ctrl-C or SIGTERM; the second Ctrl-C does what it always does.

    Outside the main thread, where signals cannot be handled, nothing sets it but the caller.
    """
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        for number in SIGNALS:
            signal.signal(number, tell)
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
