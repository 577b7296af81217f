"""What a worker sends of its windows, merged over its own partitions first.

The load of the merge stage is windows x slices x senders, whatever the traffic; so a worker adds
up what its own partitions have, and says which partitions the sum covers. A partition for which the
window is final speaks for itself alone: it may be gone before its neighbours are done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from models.partial import Mark, Partial
from tables.combos import Slice
from tables.join_state import JoinState
from tables.plan import MIN_MS, ModelPlan, Plan
from tables.schedule import interval_ms, is_due
from tables.snapshot import Snapshot, add_up
from tables.windows import Window, slot_key, slot_of


@dataclass(slots=True)
class Emission:
    """One round: what to send, and how far each model is final once it has been sent."""

    partials: list[Partial] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    released: dict[str, int] = field(default_factory=dict)


class Emitter:
    """Decides what is due; keeps only when each window was last sent."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._sent: dict[Window, int] = {}

    def forget(self, states: Mapping[int, JoinState]) -> None:
        """After a rebalance everything is said again: the sums cover other partitions now."""
        self._sent.clear()
        for state in states.values():
            state.windows.resend()

    def collect(self, states: Mapping[int, JoinState], now_ms: int) -> Emission:
        """All that is due now. Takes it from the states' lists of what is unsent."""
        out = Emission()
        seen = {
            name: {p: (s.sources.frontier(name), s.sources.seen(model)[1]) for p, s in states.items()}
            for name, model in self.plan.models.items()
        }
        for window in sorted({w for s in states.values() for w in s.windows.unsent}):
            if self._is_due(window, seen[window[0]], now_ms):
                self._sent[window] = now_ms
                out.partials.extend(self._window(window, states))
        for name, model in self.plan.models.items():
            self._finish(model, seen[name], out)
        return out

    def _is_due(self, window: Window, seen: Mapping[int, tuple[int, bool]], now_ms: int) -> bool:
        name, start_ms = window
        model = self.plan.models[name]
        newest = max(frontier for frontier, _ in seen.values())
        end_ms = start_ms + model.window_ms
        if newest < end_ms and not all(idle for _, idle in seen.values()):
            return False
        if min(frontier for frontier, _ in seen.values()) >= end_ms + model.hold_ms:
            return True  # final: the last word is said at once
        interval = interval_ms(model.emit_every_ms, newest - end_ms)
        return is_due(now_ms, self._sent.get(window), interval)

    def _window(self, window: Window, states: Mapping[int, JoinState]) -> list[Partial]:
        """Every slice of the window that changed anywhere, summed over all partitions."""
        changed: dict[Slice, None] = {}
        for state in states.values():
            for key in state.windows.unsent.pop(window, ()):
                changed[state.combos.slices[slot_of(key)[1]]] = None
        return [p for name in changed for p in self._partials(window, name, states)]

    def _partials(self, window: Window, name: Slice, states: Mapping[int, JoinState]) -> Iterator[Partial]:
        final_at = self.plan.models[window[0]].final_at(window[1])
        together: dict[int, Snapshot] = {}
        for partition, state in states.items():
            snapshot = _snapshot(state, window, name)
            if snapshot is None:
                continue
            if state.sources.frontier(window[0]) >= final_at:
                yield self._partial(window, name, {partition: snapshot})
            else:
                together[partition] = snapshot
        if together:
            yield self._partial(window, name, together)

    def _partial(self, window: Window, name: Slice, found: Mapping[int, Snapshot]) -> Partial:
        cover = [(p, s.version) for p, s in sorted(found.items())]
        layout = self.plan.models[window[0]].layout(name[2])
        return Partial(*name, window[1], cover, add_up(found.values()).pack(layout))

    def _finish(self, model: ModelPlan, seen: Mapping[int, tuple[int, bool]], out: Emission) -> None:
        frontiers = [frontier for frontier, _ in seen.values()]
        if not frontiers:
            return
        final_ms = max(min(frontiers) - model.hold_ms, MIN_MS)
        out.released[model.name] = final_ms
        out.marks.extend(
            Mark(model.name, partition, frontier, final_ms, idle) for partition, (frontier, idle) in seen.items()
        )
        over = [w for w in self._sent if w[0] == model.name and w[1] + model.window_ms <= final_ms]
        for window in over:
            del self._sent[window]


def _snapshot(state: JoinState, window: Window, name: Slice) -> Snapshot | None:
    code = state.combos.slice_code(name)
    if code is None:
        return None
    key = slot_key(window[1], code)
    if key not in state.windows.keys.get(window, ()):
        return None
    return state.windows.snapshot(key)
