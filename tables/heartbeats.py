"""What heartbeats add to the windows of their model and version: resources, and nothing else.

They are like predictions that were not made: observed, never joined. No watermark is taken from them, since a server
that is up says nothing of how far its predictions and labels have come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from metrics.observer import ModelObserver
from metrics.resources import Resources
from metrics.window_layout import WindowLayout
from models.batch import Batch
from models.mapping import RESOURCES
from tables import fates as f
from tables.plan import ModelPlan
from tables.snapshot import Snapshot
from tables.windows import slot_keys

if TYPE_CHECKING:
    from tables.join_state import JoinState

OBSERVER: Final = ModelObserver(((), (), (), *((("resources", name),) for name in RESOURCES)), resources=RESOURCES)
"""Packs all of them: a heartbeat may be of any model, and each watches what it likes."""
WINDOWS_AHEAD_MAX: Final = 10_000
"""Windows of a model that may wait ahead of its watermark: without predictions none of them would ever be final."""

Ints = NDArray[np.int64]


def observe_heartbeats(state: JoinState, batch: Batch, fates: f.Fates) -> list[tuple[int, int, bytes]]:
    """(combo, window start ms, packed snapshot of its resources) of what a batch touches; counts the batch's fates."""
    combos = state.combos
    codes = combos.codes(batch.combos)[batch.combo_index]
    found: list[tuple[int, int, bytes]] = []
    for number, name in enumerate(combos.models):
        at = np.flatnonzero(combos.columns[0][codes] == number)
        if len(at):
            plan = combos.plan.of(name)
            late, ahead = _out_of_time(state, plan, name, batch.time_ms[at])
            placed = at[~(late | ahead)]
            for fate, records in ((f.LATE, late.sum()), (f.OUT_OF_HORIZON, ahead.sum()), (f.HEARTBEAT, len(placed))):
                fates.add(f.HEARTBEATS, fate, int(records))
            found += _of_model(state, plan, batch, codes, placed)
    return found


def _out_of_time(
    state: JoinState, plan: ModelPlan, name: str, time_ms: Ints
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whose window is final, and whose would be one too many ahead of the watermark, bool[n] each."""
    frontier_ms = state.sources.frontier(name)
    start_ms = time_ms - time_ms % plan.window_ms
    ahead = {start for owner, start in state.windows.keys if owner == plan.name and start > frontier_ms}
    new = np.setdiff1d(start_ms, np.array(sorted(ahead), np.int64))
    too_many = new[max(WINDOWS_AHEAD_MAX - len(ahead), 0) :]
    late = start_ms + plan.window_ms + plan.hold_ms <= frontier_ms
    return late, np.isin(start_ms, too_many) & (start_ms > frontier_ms)


def _of_model(state: JoinState, plan: ModelPlan, batch: Batch, codes: Ints, at: Ints) -> list[tuple[int, int, bytes]]:
    part = next((one for one in plan.watch.parts if isinstance(one, Resources)), None) if plan.watch else None
    if part is None or batch.observed is None or not len(at):
        return []
    start_ms = batch.time_ms[at] - batch.time_ms[at] % plan.window_ms
    wholes = np.array([state.combos.whole(code) for code in codes[at].tolist()], np.int64)
    _, first, slot = np.unique(slot_keys(start_ms, wholes), return_index=True, return_inverse=True)
    told = OBSERVER.unpack(batch.observed.packed.get(OBSERVER.name), at)["resources"]
    head, cells = part.count(told[:, [RESOURCES.index(name) for name in part.names]], slot, len(first))
    layout = WindowLayout((part,))
    return [
        (int(codes[at[i]]), int(start_ms[i]), Snapshot(0, head[n], cells[n]).pack(layout))
        for n, i in enumerate(first.tolist())
    ]
