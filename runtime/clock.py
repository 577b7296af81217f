"""The one place that asks what time it is; everything else is told."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Wall clock, whole milliseconds since the epoch (UTC)."""
    return time.time_ns() // 1_000_000


def monotonic_seconds() -> float:
    """A clock that never jumps, for measuring and waiting."""
    return time.monotonic()
