"""Counts of labelled records in several windows, added up: confusion, calibration, score histograms.

All of it is exact: counts add, and mean scores weigh as many records as they are of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dashboard.answers import CalibrationItem, HistogramItem, OutcomesItem
from dashboard.metric_record import ROLLING, Held
from dashboard.metric_store import MetricStore
from models.metric_record import iso_ms


class _Bin(msgspec.Struct):
    lower: float
    upper: float
    count: int
    mean_score: float
    positive_rate: float


class _Histogram(msgspec.Struct):
    lower: list[float]
    negatives: list[int]
    positives: list[int]


class _Counted(msgspec.Struct):
    """What is read of a record for this; all else is passed over."""

    total: int = 0
    labelled: int = 0
    confusion: dict[str, Any] | None = None
    calibration: list[_Bin] = []
    score_histogram: _Histogram | None = None


_decode = msgspec.json.Decoder(_Counted).decode


def outcomes(
    store: MetricStore, model: str | None, version: str | None, segment: str, since_ms: int | None
) -> list[OutcomesItem]:
    """One item a series of windows that end after `since_ms`; rolling spans hold the same records, so not them."""
    found = []
    for name in sorted(store.series):
        if name.segment != segment or model not in {None, name.model} or version not in {None, name.version}:
            continue
        if ROLLING in store.series[name]:
            continue
        held = [one for one in store.windows(name) if since_ms is None or one.end_ms > since_ms]
        if held:
            named = {"model": name.model, "model_version": name.version, "segment": name.segment, "span": name.span}
            found.append(_item(named, held))
    return found


def _item(named: Mapping[str, str], held: list[Held]) -> OutcomesItem:
    counted = [_decode(one.value) for one in held]
    confusions = [one.confusion for one in counted if one.confusion is not None]
    return OutcomesItem(
        **named,
        since=iso_ms(held[0].start_ms),
        until=iso_ms(max(one.end_ms for one in held)),
        windows=len(held),
        total=sum(one.total for one in counted),
        labelled=sum(one.labelled for one in counted),
        confusion=_added(confusions) if confusions else None,
        calibration=_calibration(row for one in counted for row in one.calibration),
        score_histogram=_histogram(one.score_histogram for one in counted if one.score_histogram is not None),
    )


def _added(confusions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Of two classes `{cell: n}`, of several `{actual: {predicted: n}}`."""
    found: dict[str, Any] = {}
    for one in confusions:
        for name, value in one.items():
            if isinstance(value, dict):
                found[name] = _added([found.get(name, {}), value])
            else:
                found[name] = found.get(name, 0) + value
    return found


def _calibration(rows: Iterable[_Bin]) -> list[CalibrationItem]:
    counts, scores, positives = Counter[tuple[float, float]](), Counter[Any](), Counter[Any]()
    for row in rows:
        ends = row.lower, row.upper
        counts[ends] += row.count
        scores[ends] += row.count * row.mean_score  # type: ignore[assignment]  # a Counter may hold sums of floats
        positives[ends] += row.count * row.positive_rate  # type: ignore[assignment]  # same
    return [
        CalibrationItem(
            lower=ends[0],
            upper=ends[1],
            count=count,
            mean_score=scores[ends] / count,
            positive_rate=round(positives[ends]) / count,
        )
        for ends, count in sorted(counts.items())
    ]


def _histogram(histograms: Iterable[_Histogram]) -> HistogramItem:
    negatives, positives = Counter[float](), Counter[float]()
    for one in histograms:
        for lower, negative, positive in zip(one.lower, one.negatives, one.positives, strict=True):
            negatives[lower] += negative
            positives[lower] += positive
    held = sorted(negatives)
    return HistogramItem(
        lower=held, negatives=[negatives[lower] for lower in held], positives=[positives[lower] for lower in held]
    )
