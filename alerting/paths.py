"""Paths into a metric record: the values that a condition compares, with their intervals and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Final, NamedTuple

from alerting.computed import COMPUTED, Lookup, Record, count, requests

Interval = tuple[float, float]

LABEL_FREE: Final = frozenset(
    {"positive_rate", "mean_score", "top_score_share", "top_class_share", "top_value_share", "mean_confidence"}
)
"""Metrics that need no label."""
PER_WINDOW: Final = frozenset({"total", "throughput_per_second"})
"""How much there was, whatever it was worth: every window counts alike."""


class Sighting(NamedTuple):
    """One value found: its path without wildcards, a metric by its bare name; None as value = undefined."""

    path: str
    value: float | None
    interval: Interval | None


Reader = Callable[[Record, Lookup], list[Sighting]]
Values = Callable[[Record], list[float | None]]


class Path(NamedTuple):
    """read: what stands there. values: the same as bare numbers, quickly; None where it is computed."""

    read: Reader
    values: Values | None


def compile_path(metric: str) -> Path:
    """What reads this path from a record: one value, or with a ``*`` one for every name in its place.

    A bare name is a computed path (`alerting.computed`), a metric, or a part of the record, in this order.
    """
    parts = tuple(metric.removeprefix("metrics.").split("."))
    if metric in COMPUTED:
        return Path(_computed(metric), None)
    if len(parts) == 1:
        return _bare(parts[0])
    return Path(_walking(parts), lambda record: _values(record, parts, 0) or ([] if "*" in parts else [None]))


def _computed(name: str) -> Reader:
    function = COMPUTED[name]
    return lambda record, lookup: [Sighting(name, function(record, lookup), None)]


def _bare(name: str) -> Path:
    def value(record: Record) -> float | None:
        metrics = record.get("metrics")
        return number(metrics[name] if isinstance(metrics, dict) and name in metrics else record.get(name))

    def read(record: Record, _: Lookup) -> list[Sighting]:
        return [Sighting(name, value(record), _interval(record.get("intervals"), name))]

    return Path(read, lambda record: [value(record)])


def _walking(parts: tuple[str, ...]) -> Reader:
    missing = [] if "*" in parts else [Sighting(".".join(parts), None, None)]
    return lambda record, _: list(_walk(record, parts, (), None)) or missing


def _walk(node: object, parts: tuple[str, ...], names: tuple[str, ...], intervals: object) -> Iterator[Sighting]:
    """Every value below ``node``; ``intervals`` stand beside the values, or the ``metrics``, that they belong to."""
    if not parts:
        yield Sighting(".".join(names), number(node), _interval(intervals, names[-1]))
    elif isinstance(node, dict):
        beside = node.get("intervals", intervals) if parts[0] == "metrics" or len(parts) == 1 else None
        for name in node if parts[0] == "*" else parts[:1]:
            if name in node:
                yield from _walk(node[name], parts[1:], (*names, name), beside)


def _values(node: object, parts: tuple[str, ...], depth: int) -> list[float | None]:
    """As `_walk`, without names."""
    while depth < len(parts):
        if not isinstance(node, dict):
            return []
        part, depth = parts[depth], depth + 1
        if part == "*":
            return [value for child in node.values() for value in _values(child, parts, depth)]
        if part not in node:
            return []
        node = node[part]
    return [number(node)]


def number(value: object) -> float | None:
    """A finite number, true and false as 1 and 0, a list as how many it holds; else None."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, list):
        return float(len(value))
    return float(value) if isinstance(value, int) else None


def _interval(intervals: object, name: str) -> Interval | None:
    pair = intervals.get(name) if isinstance(intervals, dict) else None
    return (float(pair[0]), float(pair[1])) if isinstance(pair, list | tuple) and len(pair) == 2 else None


def trials(record: Record, path: str) -> tuple[int, int] | None:
    """(successes, trials) of a metric that is a ratio of counts; None for any other, or without counts."""
    if path == "accuracy":
        return count(record, "correct"), count(record, "labelled")
    if path == "label_coverage":
        return count(record, "labelled"), count(record, "total")
    if path == "positive_rate":
        share = _bare(path).read(record, _nothing)[0].value
        return None if share is None else (round(share * count(record, "total")), count(record, "total"))
    return _of_classes(record.get("confusion"), path)


def _of_classes(confusion: object, path: str) -> tuple[int, int] | None:
    if not isinstance(confusion, dict) or "tp" not in confusion:
        return None
    tp, fp, fn, tn = (int(confusion[name]) for name in ("tp", "fp", "fn", "tn"))
    return {
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "label_rate": (tp + fn, tp + fp + fn + tn),
    }.get(path)


def weight(record: Record, path: str) -> int:
    """What a window's value is worth in a mean over windows: its trials, else its records, labelled if need be."""
    if path in PER_WINDOW:
        return 1
    known = trials(record, path)
    if known is not None:
        return known[1]
    if path in {"error_rate", "success_rate"}:
        return requests(record)
    metrics = record.get("metrics")
    of_all = isinstance(metrics, dict) and "mean_confidence" in metrics
    by_label = isinstance(metrics, dict) and path in metrics and path not in LABEL_FREE
    return count(record, "labelled" if by_label or (path == "confidence" and not of_all) else "total")


def _nothing(_: str) -> None:
    return None
