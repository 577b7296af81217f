"""Every version of every model as it stands now: its newest numbers, and whether somebody should look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dashboard.answers import FiringCounts, Glance, ModelItem, State
from dashboard.metric_record import Held, headline
from dashboard.store import Store
from dashboard.versions import Version, versions
from models.alert_event import AlertEvent
from models.metric_record import iso_ms

QUIET_WINDOWS: Final = 5
"""A version without a prediction in so many of its model's newest windows has no traffic."""
QUIET_MS: Final = 600_000
"""Nor has one of which nothing was written for so long."""
TREND_WINDOWS: Final = 60
"""So many of a version's newest windows make its trend, and tell how many labels are usual."""


def overview(store: Store, now_ms: int) -> list[ModelItem]:
    """One item a model and version, in the order of their names."""
    found = versions(store.metrics)
    newest_ms: dict[str, int] = {}
    for one in found:
        if one.newest is not None:
            newest_ms[one.model] = max(one.newest.end_ms, newest_ms.get(one.model, 0))
    firing = store.alerts.firing()
    return [_item(one, firing, newest_ms.get(one.model, 0), now_ms) for one in found]


def glance(span: str, held: Held) -> Glance:
    """The main numbers of a record."""
    seen = held.numbers()
    return Glance(
        span=span,
        window_start=seen.window_start,
        window_end=seen.window_end,
        revision=seen.revision,
        final=seen.final,
        total=seen.total,
        labelled=seen.labelled,
        label_coverage=seen.label_coverage,
        maturity=seen.maturity,
        throughput_per_second=seen.throughput_per_second,
        metrics={name: value for name, value in seen.metrics.items() if _is_number(value)},
        intervals={name: ends for name, ends in seen.intervals.items() if _is_interval(ends)},
        label_latency_seconds=seen.label_latency_seconds,
        prediction_latency_seconds=seen.prediction_latency_seconds,
    )


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_interval(ends: object) -> bool:
    return ends is None or (isinstance(ends, list) and all(map(_is_number, ends)))


def _item(one: Version, firing: list[AlertEvent], newest_end_ms: int, now_ms: int) -> ModelItem:
    mine = [alert for alert in firing if alert.model == one.model and alert.model_version in {one.version, ""}]
    state, reason = _state(one, mine, newest_end_ms, now_ms)
    labelled = next((held for held in reversed(one.windows) if held.labelled), None)
    settled = _settled(one.windows[-TREND_WINDOWS:])
    told = one.newest or next((held for _, held in one.rolling), None)
    task = "" if told is None else told.numbers().task
    return ModelItem(
        model=one.model,
        model_version=one.version,
        task=task,
        state=state,
        reason=reason,
        window=None if one.newest is None else glance(one.span, one.newest),
        labelled_window=None if labelled is None else glance(one.span, labelled),
        settled_window=None if settled is None else glance(one.span, settled),
        spans=[glance(span, held) for span, held in one.rolling],
        headline=headline(task),
        trend=[held.headline for held in one.windows[-TREND_WINDOWS:]],
        since=None if not one.windows else iso_ms(one.windows[0].start_ms),
        firing=_counts(mine),
        segments=len(one.segments),
    )


def _settled(windows: list[Held]) -> Held | None:
    """The newest window is the worst to look at: its few labels are those that come first."""
    usual = max((held.labelled for held in windows), default=0)
    return next((held for held in reversed(windows) if held.labelled and 2 * held.labelled >= usual), None)


def _state(one: Version, firing: list[AlertEvent], newest_end_ms: int, now_ms: int) -> tuple[State, str]:
    """What is most the matter, and why. Without traffic nothing else can be judged."""
    loud = [alert for alert in firing if alert.severity != "info" and not alert.historic]
    rules = {cause: ", ".join(sorted({a.rule for a in loud if a.cause == cause})) for cause in {a.cause for a in loud}}
    quiet = _quiet(one, newest_end_ms, now_ms) or rules.pop("traffic", None)
    if quiet is not None:
        return "no_traffic", quiet
    unlabelled = rules.pop("labels", None)
    if rules:
        return "degraded", ", ".join(rules[cause] for cause in sorted(rules))
    if unlabelled is None and not any(held.labelled for held in one.windows):
        unlabelled = "no window of the last day has a label"
    return ("no_labels", unlabelled) if unlabelled is not None else ("healthy", "no alert fires")


def _quiet(one: Version, newest_end_ms: int, now_ms: int) -> str | None:
    """Why there is no traffic; None where there is."""
    newest = one.newest
    if newest is None:
        return "no window of the last day"
    since_ms = newest_end_ms - QUIET_WINDOWS * (newest.end_ms - newest.start_ms)
    if not any(held.total for held in one.windows if held.end_ms > since_ms):
        return f"no prediction in the model's last {QUIET_WINDOWS} windows"
    if now_ms - max(held.written_ms for held in one.windows) > QUIET_MS:
        return f"no record for {QUIET_MS // 60_000} minutes"
    return None


def _counts(firing: Iterable[AlertEvent]) -> FiringCounts:
    counts = FiringCounts()
    for alert in firing:
        setattr(counts, alert.severity, getattr(counts, alert.severity) + 1)
    return counts
