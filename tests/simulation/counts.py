"""The recount without its metrics: cheap enough for thousands of stories."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import NamedTuple

import orjson

from tests.support import recount as oracle
from tests.support.recount_records import BadRecordError, Label, Raw, Rules, read_label, read_prediction

Key = oracle.Key


class Counts(NamedTuple):
    """What is counted exactly in one final window."""

    total: int
    labelled: int
    confusion: dict[str, int]


class Counted(NamedTuple):
    """All windows, and how many records each kind has, bad ones included."""

    windows: dict[Key, Counts]
    records: dict[str, int]
    bad: dict[str, int]
    joined: int


def count(records: Iterable[Raw], rules: Rules) -> Counted:
    """Count as the recount does, by its own reading and joining of records."""
    predictions = defaultdict(list)
    labels: dict[str, list[Label]] = defaultdict(list)
    seen, bad = Counter[str](), Counter[str]()
    for raw in records:
        seen[raw.kind] += 1
        try:
            if raw.kind == "predictions":
                found = read_prediction(raw, rules)
                predictions[found.id, found.model, found.version].append((raw.place, found))
            else:
                label = read_label(raw, rules)
                labels[label.id].append(label)
        except BadRecordError:
            bad[raw.kind] += 1
    windows: dict[Key, Counter[str]] = defaultdict(Counter)
    joined = 0
    for first in map(oracle._first, predictions.values()):
        outcome = oracle._join(first, labels.get(first.id, []), rules)
        joined += outcome.actual is not None
        for key in oracle._keys(first, rules):
            windows[key]["total"] += 1
            if outcome.actual is not None:
                cell = ("t" if outcome.actual == first.positive else "f") + ("p" if first.positive else "n")
                windows[key][cell] += 1
    found_windows = {key: _counts(held) for key, held in windows.items()}
    return Counted(found_windows, dict(seen), dict(bad), joined)


def worth(
    records: Iterable[Raw], rules: Rules, per_record: Mapping[str, float], per_value: Mapping[str, float]
) -> dict[Key, dict[str, float | int | None]]:
    """`business` of every window, outcome by outcome."""
    predictions = defaultdict(list)
    labels: dict[str, list[Label]] = defaultdict(list)
    for raw in records:
        with suppress(BadRecordError):
            if raw.kind == "predictions":
                found = read_prediction(raw, rules)
                predictions[found.id, found.model, found.version].append((raw.place, found))
            else:
                label = read_label(raw, rules)
                labels[label.id].append(label)
    windows: dict[Key, list[tuple[str, Fraction | None]]] = defaultdict(list)
    for first in map(oracle._first, predictions.values()):
        actual = oracle._join(first, labels.get(first.id, []), rules).actual
        for key in oracle._keys(first, rules):
            outcomes = windows[key]
            if actual is not None:
                outcomes.append((("t" if actual == first.positive else "f") + "np"[first.positive], first.value))
    return {key: _worth(outcomes, per_record, per_value) for key, outcomes in windows.items()}


def _worth(
    outcomes: list[tuple[str, Fraction | None]], per_record: Mapping[str, float], per_value: Mapping[str, float]
) -> dict[str, float | int | None]:
    names = ("value", "cost", "conversions", "click_through_rate", "revenue")
    without = sum(value is None for _, value in outcomes)
    if not outcomes:
        return dict.fromkeys(names) | {"outcomes_without_value": 0}
    held = {cell: [value for at, value in outcomes if at == cell] for cell in ("tp", "fp", "fn", "tn")}
    sums = {cell: sum(v for v in values if v is not None) for cell, values in held.items()}
    unknown = {cell for cell, values in held.items() if without == len(outcomes) or (values and not any_of(values))}
    worths = [per_record.get(c, 0) * len(held[c]) + per_value.get(c, 0) * float(sums[c]) for c in held]
    known = not unknown & per_value.keys()
    predicted = len(held["tp"]) + len(held["fp"])
    return {
        "value": sum(worths) if known else None,
        "cost": sum(-min(worth, 0) for worth in worths) if known else None,
        "conversions": len(held["tp"]),
        "click_through_rate": len(held["tp"]) / predicted if predicted else None,
        "revenue": None if "tp" in unknown else float(sums["tp"]),
        "outcomes_without_value": without,
    }


def any_of(values: list[Fraction | None]) -> bool:
    """Whether one of them is known; 0 is."""
    return any(value is not None for value in values)


def watched(records: Iterable[Raw], rules: Rules) -> dict[Key, list[dict[str, object]]]:
    """The bodies of the predictions that count, by the window of their whole model."""
    predictions = defaultdict(list)
    bodies: dict[int, dict[str, object]] = {}
    for raw in records:
        with suppress(BadRecordError):
            if raw.kind == "predictions":
                found = read_prediction(raw, rules)
                bodies[id(found)] = orjson.loads(raw.value)
                predictions[found.id, found.model, found.version].append((raw.place, found))
    windows: dict[Key, list[dict[str, object]]] = defaultdict(list)
    for first in map(oracle._first, predictions.values()):
        whole = next(key for key in oracle._keys(first, rules) if not key[3])
        windows[whole].append(bodies[id(first)])
    return windows


def _counts(held: Counter[str]) -> Counts:
    confusion = {cell: held[cell] for cell in ("tp", "fp", "fn", "tn")}
    return Counts(held["total"], sum(confusion.values()), confusion)
