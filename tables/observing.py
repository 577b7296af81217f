"""What counted predictions add to their windows before any label: one packed snapshot a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metrics.observer import Observation, Watching, latency_us
from metrics.resources import Resources
from metrics.service import Service
from models.batch import Batch
from models.outcome import has_failed
from tables.combos import Combos
from tables.plan import ModelPlan, Watch
from tables.snapshot import Snapshot
from tables.windows import slot_keys

Ints = NDArray[np.int64]


def observe(combos: Combos, batch: Batch, codes: Ints, counted: Ints) -> list[tuple[int, int, bytes]]:
    """(combo, window start ms, packed snapshot of the label-free parts) of what these predictions touch.

    codes: combo of each record of the batch, i8[n]; counted: positions of those that count.
    """
    watched = [(n, plan) for n, name in enumerate(combos.models) if (plan := combos.plan.of(name)).watch is not None]
    if not len(counted) or not watched:
        return []
    models = combos.columns[0][codes[counted]]
    found: list[tuple[int, int, bytes]] = []
    for number, plan in watched:
        found += _of_model(combos, plan, batch, codes, counted[models == number])
    return found


class Served(NamedTuple):
    """How predictions of one model and version were served: latencies f8[n] of those that tell it, errors by type."""

    model: str
    version: str
    latency_seconds: NDArray[np.float64]
    errors: Mapping[str, int]


def served(combos: Combos, batch: Batch, codes: Ints, at: Ints) -> Iterator[Served]:
    """What these predictions (positions i8[m]) tell of their serving, exactly; nothing where nobody told anything.

    codes: combo of each record of the batch, i8[n].
    """
    observed = batch.observed
    if observed is None or not len(at):
        return
    version = combos.columns[1][codes[at]]
    for one in np.unique(version).tolist():
        mine = at[version == one]
        model, name, *_ = combos.names[codes[mine[0]]]
        watch = combos.plan.of(model).watch
        if watch is None:
            continue
        waited_us = latency_us(watch.observer.unpack(observed.packed.get(watch.observer.name), mine))
        errors = Counter(observed.errors[i] for i in mine.tolist() if i in observed.errors) if observed.errors else {}
        timed = waited_us[waited_us >= 0] / 1e6
        if len(timed) or errors:
            yield Served(model, name, timed, errors)


def _of_model(combos: Combos, plan: ModelPlan, batch: Batch, codes: Ints, at: Ints) -> list[tuple[int, int, bytes]]:
    watch = plan.watch
    if watch is None or not len(at) or not (watch.always or batch.observed):
        return []
    start_ms = batch.time_ms[at] - batch.time_ms[at] % plan.window_ms
    wholes = np.array([combos.whole(code) for code in range(len(combos.names))], np.int64)
    keys = slot_keys(start_ms, wholes[codes[at]])
    _, first, slot = np.unique(keys, return_index=True, return_inverse=True)
    head, cells = _counts(watch, batch, at, slot, len(first))
    named = _named(batch, at, slot, len(first))
    return [
        (int(codes[at[i]]), int(start_ms[i]), Snapshot(0, head[n], cells[n], named[n]).pack(watch.layout))
        for n, i in enumerate(first.tolist())
    ]


def _counts(watch: Watch, batch: Batch, at: Ints, slot: Ints, slots: int) -> tuple[Ints, NDArray[np.int32]]:
    """Of the label-free parts: head i8[slots, H] and cells i4[slots, C]."""
    packed = None if batch.observed is None else batch.observed.packed.get(watch.observer.name)
    outcome = batch.outcome[at]
    observation = Observation(batch.score[at], outcome, watch.observer.unpack(packed, at), ~has_failed(outcome))
    heads, cells = zip(*(_of_part(part, observation, slot, slots) for part in watch.parts), strict=True)
    return np.concatenate(heads, axis=1), np.concatenate(cells, axis=1)


def _of_part(part: Watching, observation: Observation, slot: Ints, slots: int) -> tuple[Ints, NDArray[np.int32]]:
    """A prediction that was not made has been served all the same, and says nothing of inputs and scores."""
    if isinstance(part, Service | Resources) or observation.made.all():
        return part.observe(observation, slot, slots)
    return part.observe(observation.take(observation.made), slot[observation.made], slots)


def _named(batch: Batch, at: Ints, slot: Ints, slots: int) -> list[dict[str, int]]:
    """How often each error type, and each unknown feature in the sample, came in each window, by its path in the
    metric record.
    """
    found: list[dict[str, int]] = [{} for _ in range(slots)]
    if batch.observed is None or not (batch.observed.errors or batch.observed.extras):
        return found
    noted = {position: [f"errors/{error}"] for position, error in batch.observed.errors.items()}
    for position, names in batch.observed.extras.items():
        noted.setdefault(position, []).extend(f"columns_extra/{name}" for name in names)
    for i in np.flatnonzero(np.isin(at, list(noted))).tolist():
        counts = found[int(slot[i])]
        for name in noted[int(at[i])]:
            counts[name] = counts.get(name, 0) + 1
    return found
