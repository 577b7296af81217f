"""The recount without its metrics: cheap enough for thousands of stories."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
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
