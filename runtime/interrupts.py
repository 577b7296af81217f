"""Ctrl-C and SIGTERM as an event that loops look at, instead of an exception from anywhere.

An exception inside a call into librdkafka surfaces as a SystemError; a flag cannot.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
