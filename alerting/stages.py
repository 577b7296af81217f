"""What one channel is owed of one alert now: an ordered list of small stages, the first that answers is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from alerting.notification_log import Alert, Told

Reason = Literal["RESOLVED", "NEW", "REPEAT", "HELD", "SILENT", "WAIT", "QUIET"]
"""Told now: RESOLVED NEW REPEAT. Later: HELD (it flaps), SILENT (silenced or hidden), WAIT (until it is repeated)."""

TELLING: Final = frozenset({"RESOLVED", "NEW", "REPEAT"})


class Verdict(NamedTuple):
    """at_ms: when the answer may be another without anything happening."""

    reason: Reason
    at_ms: int | None = None

    @property
    def tells(self) -> bool:
        """Whether the channel is told."""
        return self.reason in TELLING


@dataclass(slots=True)
class Question:
    """One alert and one channel. repeat_ms: how often what fires is told; retry_ms: for how long what is over.

    renew_ms: set where the other side forgets what is not posted again, and does not mind flapping. called: False
    for a fallback's channel that is not told of this incident.
    """

    alert: Alert
    told: Told
    repeat_ms: int
    renew_ms: int | None
    retry_ms: int
    called: bool
    now_ms: int

    @property
    def same(self) -> bool:
        """Whether the channel was last told of the alert's present incident."""
        return self.told.starts_at_ms == self.alert.starts_at_ms

    @property
    def present(self) -> bool:
        """Whether the present incident is one to tell the channel of; if not, one that it missed may be."""
        return self.called and (self.alert.fires or not self.alert.excused)

    @property
    def missed(self) -> bool:
        """Whether an incident came and went untold after the one that was told last."""
        return self.told.missed > 0 and self.told.missed_ms > self.told.starts_at_ms

    @property
    def expired(self) -> bool:
        """Whether it is over, and for so long that nobody is told any more."""
        return not self.alert.fires and self.now_ms >= self.alert.changed_at_ms + self.retry_ms


def verdict(question: Question) -> Verdict:
    """What the channel is owed."""
    for stage in STAGES:
        answer = stage(question)
        if answer is not None:
            return answer
    return Verdict("NEW", _end_of_trying(question))


def _ended(q: Question) -> Verdict | None:
    """They heard the beginning of an incident, so they hear its end, silenced or not: nobody keeps an open page."""
    if not q.told.firing or (q.same and q.alert.fires):
        return None
    if q.told.failed or q.expired:
        return Verdict("QUIET") if q.same else None
    return Verdict("RESOLVED", _end_of_trying(q))


def _known(q: Question) -> Verdict | None:
    """They know already; what still fires is repeated from time to time."""
    if not q.same or q.told.firing != q.alert.fires:
        return None
    if not q.alert.fires:
        return Verdict("QUIET")
    again_ms = q.told.fired_at_ms + (q.repeat_ms if q.told.failed else q.renew_ms or q.repeat_ms)
    if q.now_ms < again_ms:
        return Verdict("WAIT", again_ms)
    return Verdict("SILENT") if q.alert.hidden else Verdict("REPEAT")


def _excused(q: Question) -> Verdict | None:
    """Not theirs, or over without anybody having to hear of it; and they missed none before."""
    to_tell = not q.expired and (q.present or q.missed)
    return None if to_tell else Verdict("QUIET")


def _flaps(q: Question) -> Verdict | None:
    """It fires again soon after it was told: they hear of all of it together when the time to repeat has come."""
    again_ms = q.told.fired_at_ms + q.repeat_ms
    return Verdict("HELD", again_ms) if q.renew_ms is None and q.now_ms < again_ms else None


def _silent(q: Question) -> Verdict | None:
    """Silenced or hidden; told when that ends, if it then still fires."""
    return Verdict("SILENT", _end_of_trying(q)) if q.alert.hidden else None


def _end_of_trying(q: Question) -> int | None:
    return None if q.alert.fires else q.alert.changed_at_ms + q.retry_ms


STAGES: Final[tuple[Callable[[Question], Verdict | None], ...]] = (_ended, _known, _excused, _flaps, _silent)
