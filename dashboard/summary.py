"""The last minutes of a version, merged from its windows.

Counts, rates and the greatest latency are exact (the greatest is that of the histograms in the records). Records hold
no latency histogram, so quantiles cannot be merged: they come from the one record that covers exactly this time, if
there is one. Else the greatest of the windows' is told, by that name: of records none of which has more than 5 % above
x, the union has no more than 5 % above x.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dashboard.answers import Latency, QuantileMethod, SummaryItem
from dashboard.metric_record import Held, Numbers
from dashboard.metric_store import MetricStore
from dashboard.versions import Version, versions
from models.metric_record import iso_ms


def summary(store: MetricStore, minutes: int, model: str | None) -> list[SummaryItem]:
    """One item a version that has windows in the last minutes, which end with its model's newest window."""
    found = versions(store, model)
    until_ms: dict[str, int] = {}
    for one in found:
        if one.newest is not None:
            until_ms[one.model] = max(one.newest.end_ms, until_ms.get(one.model, 0))
    items = (_item(one, until_ms.get(one.model, 0), minutes * 60_000) for one in found)
    return [item for item in items if item is not None]


def _item(one: Version, until_ms: int, length_ms: int) -> SummaryItem | None:
    since_ms = until_ms - length_ms
    inside = [held for held in one.windows if held.start_ms >= since_ms]
    if not inside:
        return None
    seen = [held.numbers() for held in inside]
    told = [numbers for numbers in seen if numbers.errors is not None]  # of the others nobody knows
    errors = Counter[str]()
    for numbers in told:
        errors.update(numbers.errors)
    asked = sum(numbers.total + numbers.failed for numbers in told)
    total = sum(numbers.total for numbers in seen)
    exact = [held for _, held in one.rolling if (held.start_ms, held.end_ms) == (since_ms, until_ms)]
    return SummaryItem(
        model=one.model,
        model_version=one.version,
        since=iso_ms(since_ms),
        until=iso_ms(until_ms),
        windows=len(inside),
        total=total,
        failed=sum(numbers.failed for numbers in seen),
        errors=dict(errors),
        success_rate=1 - errors.total() / asked if asked else None,
        throughput_per_second=total / (length_ms / 1000),
        prediction_latency_seconds=_latency(seen, exact),
    )


def _latency(windows: Sequence[Numbers], exact: Sequence[Held]) -> Latency:
    """The mean weighs windows by their predictions: how many of these told their latency does not stand in records."""
    timed = [(one.prediction_latency_seconds, one.total + one.failed) for one in windows]
    known = [(latency, weight) for latency, weight in timed if latency is not None]
    of_span = exact[0].numbers().prediction_latency_seconds if exact else None
    if of_span is not None:
        return _of_one(of_span, "span")
    if len(windows) == 1 and known:
        return _of_one(known[0][0], "window")
    weights = sum(weight for latency, weight in known if latency.get("mean") is not None)
    return Latency(
        mean=sum((latency.get("mean") or 0.0) * weight for latency, weight in known) / weights if weights else None,
        p95=_greatest(known, "p95"),
        p99=_greatest(known, "p99"),
        max=_greatest(known, "max"),
        quantile_method="upper_bound" if known else None,
    )


def _of_one(latency: dict[str, float | None], method: QuantileMethod) -> Latency:
    mean, p95, p99, greatest = (latency.get(name) for name in ("mean", "p95", "p99", "max"))
    return Latency(mean=mean, p95=p95, p99=p99, max=greatest, quantile_method=method)


def _greatest(known: Sequence[tuple[dict[str, float | None], int]], name: str) -> float | None:
    return max((value for latency, _ in known if (value := latency.get(name)) is not None), default=None)
