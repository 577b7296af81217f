"""When simulated records are due on the wall clock: event time runs faster than it, but never past it."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.simulate_options import SimulateOptions
from runtime.traffic import last_label_seconds

ENDLESS_START_SECONDS = 24 * 3600.0
"""How far back a run without an end starts when its time is faster than the wall clock's."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A run that began at wall time `wall_ms` with the event time `start_ms`."""

    wall_ms: int
    start_ms: int
    speed: float

    def due_ms(self, publish_ms: int) -> float:
        """Wall time at which a record of that publish time may be sent.

        >>> pace = Pace(wall_ms=100_000, start_ms=40_000, speed=60)
        >>> pace.due_ms(100_000), pace.due_ms(150_000)
        (101000.0, 150000)
        """
        return max(self.wall_ms + (publish_ms - self.start_ms) / self.speed, publish_ms)


def pace(options: SimulateOptions, now_ms: int) -> Pace:
    """The run that starts now: so far back that it reaches the wall clock only at its end."""
    length = ENDLESS_START_SECONDS
    if options.seconds is not None:
        length = options.seconds + (last_label_seconds(options) if options.wait_for_labels else 0.0)
    back_seconds = length * (1 - 1 / options.speed) if options.speed > 1 else 0.0
    return Pace(now_ms, now_ms - round(back_seconds * 1000), options.speed)
