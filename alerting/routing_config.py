"""What routing is told: who hears of which alerts, when, and at what pace. Plain values with their defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from models.silence import Matchers, Silence

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that match go to these receivers, grouped; the first route that matches takes the alert.

    group_wait_ms: how long a new group waits for company. group_interval_ms: the least time between two
    tellings of one group. repeat_every_ms: an alert that still fires is told again so often; one that
    resolves and fires again is told at most so often. also_next: the routes after this one are asked, too.
    All by wall clock.
    """

    receivers: tuple[str, ...]
    match: Matchers = field(default_factory=dict)
    group_by: tuple[str, ...] = ("model",)
    group_wait_ms: int = 10 * SECOND
    group_interval_ms: int = 5 * MINUTE
    repeat_every_ms: int = 4 * HOUR
    also_next: bool = False


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert fires that matches source, those that match target and agree in the labels of equal are hidden.

    What matches both is not hidden by this one; what is hidden hides nothing itself.
    """

    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ("model",)


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """How fast and in what portions one channel is told; name is ``receiver/kind``.

    renew_every_ms: what still fires is posted again so often (Alertmanager forgets otherwise). per_alert: one
    alert a message, except in a storm. complete: every alert is written out, in as many messages as it takes;
    otherwise a message shows the worst alerts_max and counts the rest.
    """

    name: str
    kind: str
    min_interval_ms: int = SECOND
    renew_every_ms: int | None = None
    per_alert: bool = False
    complete: bool = False
    alerts_max: int = 50


@dataclass(frozen=True, slots=True)
class Digest:
    """Told once a day at this minute of the day (UTC), through the channels of another receiver."""

    at_minute: int
    via: str


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is told, through each of the channels; or a digest, which has none of its own.

    fallback: the receiver that is told what a channel refuses for good or cannot take for a while.
    max_per_minute: messages through each of the channels, besides the channel's own pace.
    """

    name: str
    channels: tuple[ChannelLimits, ...] = ()
    fallback: str | None = None
    max_per_minute: int | None = None
    digest: Digest | None = None


def channel_limits(receiver: str, kind: str) -> ChannelLimits:
    """The limits that a channel of this kind has where nothing else is said."""
    limits = ChannelLimits(f"{receiver}/{kind}", kind)
    match kind:
        case "pagerduty":
            return replace(limits, per_alert=True)
        case "webhook":
            return replace(limits, complete=True, alerts_max=500)
        case "alertmanager":
            return replace(limits, complete=True, alerts_max=500, renew_every_ms=MINUTE)
        case _:
            return limits


CONSOLE: Final = Receiver("console", (channel_limits("console", "console"),))
"""Who hears of everything when nobody is configured."""

_NOT_LABELS: Final = ["outcome", "prediction", "drift", "quality", "service", "traffic"]
_SAME_SERIES: Final = ("model", "model_version", "segment")
_SAME_METRIC: Final = (*_SAME_SERIES, "metric")

DEFAULT_INHIBITIONS: Final = (
    # A label feed that stands still makes every outcome look wrong; so nothing but itself may hide it.
    Inhibition({"cause": ["labels"]}, {"cause": ["outcome"]}),
    Inhibition({"priority": ["P1"]}, {"priority": ["P2", "P3"], "cause": _NOT_LABELS}),
    # Of the tiers of one metric, the worst alone is told; so is drift on many features, and not on each as well.
    Inhibition({"severity": ["critical"]}, {"severity": ["warning", "info"]}, _SAME_METRIC),
    Inhibition({"severity": ["warning"]}, {"severity": ["info"]}, _SAME_METRIC),
    Inhibition({"priority": ["P2"]}, {"priority": ["P3"]}, _SAME_METRIC),
    Inhibition({"cause": ["drift"], "priority": ["P2"]}, {"cause": ["drift"], "priority": ["P3"]}, _SAME_SERIES),
)


def default_routes(receivers: Sequence[Receiver]) -> tuple[Route, ...]:
    """The route tree of whom there is; takes whatever no route of the user's takes.

    Critical or P1: every receiver, at once, again every hour. P3: the digests if there are any, else as
    the rest. The rest (P2, warning): every receiver that can be read without waking anybody, which is
    every one with a channel that is neither PagerDuty nor email; every receiver if there is none such.
    """
    direct = tuple(r.name for r in receivers if r.digest is None)
    quiet = tuple(r.name for r in receivers if any(c.kind not in {"pagerduty", "email"} for c in r.channels))
    digests = tuple(r.name for r in receivers if r.digest is not None)
    rest = quiet or direct
    page = Route(direct, group_wait_ms=5 * SECOND, group_interval_ms=MINUTE, repeat_every_ms=HOUR)
    return (
        replace(page, match={"severity": ["critical"]}),
        replace(page, match={"priority": ["P1"]}),
        Route(digests or rest, {"priority": ["P3"]}, repeat_every_ms=DAY),
        Route(rest),
    )


@dataclass(frozen=True, slots=True)
class Routing:
    """All of it. With no receivers, everything goes to the console.

    storm_groups: when more groups than this wait for one channel, one message tells of them together.
    storm_pages: when more alerts than this wait for a channel that is told one by one, one page stands for many.
    fallback_after_ms: a channel that fails for so long has its alerts told to the fallback, too.
    retry_ms: what is over is not told any more after so long; what fires is tried for as long as it fires.
    """

    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = DEFAULT_INHIBITIONS
    receivers: tuple[Receiver, ...] = ()
    silences: tuple[Silence, ...] = ()
    storm_groups: int = 10
    storm_pages: int = 30
    fallback_after_ms: int = 90 * SECOND
    retry_ms: int = DAY

    @property
    def everyone(self) -> tuple[Receiver, ...]:
        """The receivers, or the console where there are none."""
        return self.receivers or (CONSOLE,)

    @property
    def all_routes(self) -> tuple[Route, ...]:
        """The user's routes and, after them, the default ones: no alert is without a route."""
        return (*self.routes, *default_routes(self.everyone))
