"""When a window is sent again: aligned to the clock, the rarer the older it is.

All workers send at the same multiples of the interval, so that the merger, a little later, finds
what every partition has to say and speaks once.
"""

from __future__ import annotations

AGES_AN_INTERVAL = 60


def interval_ms(emit_every_ms: int, age_ms: int) -> int:
    """How long apart the revisions of a window of that age are: at least a sixtieth of it.

    >>> interval_ms(10_000, 60_000), interval_ms(10_000, 3_600_000)
    (10000, 60000)
    """
    steps = -(-max(age_ms, 0) // AGES_AN_INTERVAL // emit_every_ms)
    return emit_every_ms * max(1, steps)


def is_due(now_ms: int, last_ms: int | None, interval: int, phase_ms: int = 0) -> bool:
    """Whether a tick lies between the last time and now; never sent is always due.

    >>> is_due(20_100, 19_000, 10_000), is_due(29_900, 20_100, 10_000)
    (True, False)
    """
    if last_ms is None:
        return True
    return (now_ms - phase_ms) // interval > (last_ms - phase_ms) // interval
