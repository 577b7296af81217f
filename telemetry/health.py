"""When a worker is alive and when it is ready: pure decisions over what is passed in."""

from dataclasses import dataclass, replace
from typing import Final

STUCK_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """One look at the worker. processed: any count that changes with every chunk done or block replayed.

    held: something outside keeps it from getting on (no broker, a topic that cannot be written); restarting won't help.
    """

    processed: int
    lag: int
    held: bool


@dataclass(frozen=True, slots=True)
class Liveness:
    """Since when nothing has moved although something waits (seconds of a clock that never jumps)."""

    still_since_seconds: float
    last: Pulse | None = None

    def step(self, pulse: Pulse, now_seconds: float) -> "Liveness":
        """Take in a look. Progress, no lag, or somebody else who holds it up: the waiting starts anew."""
        moved = self.last is None or pulse.processed != self.last.processed
        if moved or pulse.lag <= 0 or pulse.held:
            return Liveness(now_seconds, pulse)
        return replace(self, last=pulse)

    def reason(self, now_seconds: float) -> str | None:
        """Why the worker counts as stuck, None while it is alive."""
        still = now_seconds - self.still_since_seconds
        if self.last is None or self.last.lag <= 0 or still < STUCK_SECONDS_MAX:
            return None
        return f"no progress for {still:.0f} s with {self.last.lag} records waiting"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What must hold before a worker can do its work. A spare without partitions is ready, too."""

    assigned: bool = False
    """The group has answered, even if with no partition."""
    recovering: int = 0
    """Partitions whose state is still being rebuilt."""
    broker_reachable: bool = True
    paused: str = ""
    """Why consuming is held back (the dead-letter topic cannot be written, say)."""
    alarm: str = ""
    """What is wrong with what is consumed."""
    stopping: bool = False

    def reason(self) -> str | None:
        """Why the worker is not ready, None when it is."""
        if self.stopping:
            return "stopping"
        if not self.broker_reachable:
            return "no broker can be reached"
        if self.recovering:
            return f"recovering the state of {self.recovering} partitions"
        if not self.assigned:
            return "waiting for the consumer group to assign partitions"
        return f"paused: {self.paused}" if self.paused else self.alarm or None
