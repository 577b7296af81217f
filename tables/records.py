"""Which metric records are due, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from metrics.delay_curves import DelayCurves
from metrics.kinds import conclude
from metrics.label_groups import label_groups
from metrics.window_layout import WindowLayout
from models import metric_record
from tables.combos import Slice
from tables.merge_state import MergeState, SliceWindows
from tables.moment import Moment
from tables.plan import MIN_MS, ModelPlan, Span
from tables.rolling import RollingSum, first_window
from tables.schedule import interval_ms, is_due
from tables.silence import reach_ms, silent_windows
from tables.snapshot import Snapshot

PHASE_MS = 500
"""Records follow the workers' partials by so much, so that they find all of them."""


@dataclass(frozen=True, slots=True)
class Record:
    """One metric record before it is bytes; ``start_ms`` None in ``key_start_ms`` is a span."""

    name: Slice
    task: str
    span: str
    start_ms: int
    end_ms: int
    revision: int
    final: bool
    rolling: bool
    parts: dict[str, object]

    def key(self) -> bytes:
        """The key on the metrics topic."""
        return metric_record.key(*self.name, self.span, None if self.rolling else self.start_ms)

    def encode(self, emitted_at_ms: int) -> bytes:
        """The value on the metrics topic."""
        model, version, segment = self.name
        return metric_record.encode(
            model=model,
            model_version=version,
            segment=segment,
            task=self.task,
            window_start_ms=self.start_ms,
            window_end_ms=self.end_ms,
            span=self.span,
            revision=self.revision,
            final=self.final,
            emitted_at_ms=emitted_at_ms,
            parts=self.parts,
        )


@dataclass(slots=True)
class Due:
    """One round: the records, and how far each model's final ones are among them."""

    records: list[Record] = field(default_factory=list)
    announced: dict[str, int] = field(default_factory=dict)


ClassNames = Callable[[str], Sequence[str]]
"""The names of the classes of the models that share a labels topic, by their codes."""


def no_names(_: str) -> Sequence[str]:
    """Of models without several classes."""
    return ()


class Recorder:
    """Decides what one merge partition has to say; keeps only when it last said it."""

    def __init__(self, state: MergeState, class_names: ClassNames = no_names) -> None:
        self.state = state
        self._class_names = class_names
        self._sent: dict[tuple[Slice, int], int] = {}
        self._span_sent: dict[tuple[Slice, str], int] = {}
        self._span_seen: dict[tuple[Slice, str], tuple[int, int]] = {}
        self._sums: dict[tuple[Slice, str], RollingSum] = {}
        self._silence_sought_ms: dict[str, int] = {}
        self._silent_until_ms: dict[str, int] = {}

    def collect(self, now_ms: int) -> Due:
        """All that is due now."""
        out = Due()
        for model in self.state.plan.models.values():
            slices = [one for one in self.state.slices.values() if one.plan is model]
            closed_ms, idle = self.state.closed(model)
            for one in slices:
                self._revise(one, (closed_ms, idle), now_ms, out)
            self._tell_silence(model, slices, _silence_known_until(model, closed_ms, now_ms, idle=idle), out)
            self._finish(model, slices, closed_ms, out)
            for span in model.spans:
                for one in slices:
                    if not (span.whole_only and one.name[2]):
                        self._roll(one, span, closed_ms, now_ms, out)
        return out

    def _revise(self, one: SliceWindows, seen: tuple[int, bool], now_ms: int, out: Due) -> None:
        """Windows that changed since they were last sent, as their age allows; final ones are not said twice."""
        closed_ms, idle = seen
        final_ms = self.state.final_ms(one.plan)
        for start_ms in sorted(one.changed):
            end_ms = start_ms + one.plan.window_ms
            if end_ms <= final_ms or (closed_ms < end_ms and not idle):
                continue
            interval = interval_ms(one.plan.emit_every_ms, closed_ms - end_ms)
            if is_due(now_ms, self._sent.get((one.name, start_ms)), interval, PHASE_MS):
                one.changed.discard(start_ms)
                if one.windows[start_ms].current:
                    self._sent[one.name, start_ms] = now_ms
                    out.records.append(windowed(one, start_ms, Moment(closed_ms), self._classes(one)))

    def _tell_silence(self, model: ModelPlan, slices: list[SliceWindows], until_ms: int, out: Due) -> None:
        """Closed windows without any record of a model: the versions that were there last say zero."""
        if until_ms <= self._silence_sought_ms.get(model.name, MIN_MS):
            return
        self._silence_sought_ms[model.name] = until_ms
        whole: dict[str, list[SliceWindows]] = {}
        for one in slices:
            if one.windows and not one.name[2]:
                whole.setdefault(one.name[0], []).append(one)
        announced_ms = self.state.announced.get(model.name, MIN_MS)
        for name, versions in whole.items():
            held = {start_ms for one in versions for start_ms in one.windows}
            since_ms = max(self._silent_until_ms.get(name, MIN_MS), announced_ms)
            for last_ms, start_ms in silent_windows(held, since_ms, until_ms, model):
                out.records += [_empty(one, start_ms) for one in versions if last_ms in one.windows]
            self._silent_until_ms[name] = min(until_ms, max(held) + model.window_ms + reach_ms(model))

    def _finish(self, model: ModelPlan, slices: list[SliceWindows], closed_ms: int, out: Due) -> None:
        """The last record of every window that can never change again."""
        final_ms = self.state.final_ms(model)
        announced_ms = self.state.announced.get(model.name, MIN_MS)
        if final_ms <= announced_ms:
            return
        last_end_ms = announced_ms
        for one in slices:
            for start_ms in sorted(one.windows):
                end_ms = start_ms + model.window_ms
                if announced_ms < end_ms <= final_ms and one.windows[start_ms].current:
                    one.changed.discard(start_ms)
                    self._sent.pop((one.name, start_ms), None)
                    out.records.append(windowed(one, start_ms, Moment(closed_ms, final=True), self._classes(one)))
                    last_end_ms = max(last_end_ms, end_ms)
        if last_end_ms > announced_ms:
            out.announced[model.name] = last_end_ms

    def _roll(self, one: SliceWindows, span: Span, closed_ms: int, now_ms: int, out: Due) -> None:
        plan, key = one.plan, (one.name, span.name)
        end_ms = plan.window_start(closed_ms - span.lag_ms)
        seen = (end_ms, one.changes + one.rounds)
        if closed_ms == MIN_MS or self._span_seen.get(key) == seen:
            return
        if not is_due(now_ms, self._span_sent.get(key), plan.emit_every_ms, PHASE_MS):
            return
        first_ms = first_window(one, span, end_ms)
        if first_ms is None:
            return
        self._span_seen[key], self._span_sent[key] = seen, now_ms
        total = self._sums.setdefault(key, RollingSum(one))
        record = rolled(one, span, total, end_ms, Moment(closed_ms), self._classes(one))
        if record is not None:
            out.records.append(record)

    def _classes(self, one: SliceWindows) -> Sequence[str]:
        return self._class_names(one.plan.labels_topic)


def windowed(one: SliceWindows, start_ms: int, moment: Moment, classes: Sequence[str] = ()) -> Record:
    """The record of a window. classes: their names by code."""
    snapshot = one.snapshot(start_ms)
    parts = _parts(one, snapshot, one.plan.window_ms, classes)
    revision = one.windows[start_ms].version + one.rounds + moment.final
    if one.delays is not None:
        age_ms = moment.age_ms(np.array([start_ms]), one.plan.window_ms)
        parts |= one.delays.curves.summary(age_ms, snapshot.head[np.newaxis])
        revision += moment.revisions_since(start_ms)
    return _of_window(one, start_ms, revision, _concluded(one, parts), final=moment.final)


def rolled(
    one: SliceWindows, span: Span, total: RollingSum, end_ms: int, moment: Moment, classes: Sequence[str] = ()
) -> Record | None:
    """The record of a span that ends there; None if no window lies in it.

    total: of this slice and span alone. classes: their names by code.
    """
    first_ms = first_window(one, span, end_ms)
    if first_ms is None:
        return None
    total.move(first_ms, end_ms)
    if not total.included:
        return None
    parts = _parts(one, Snapshot(0, total.head, total.cells, total.named), end_ms - first_ms, classes)
    revision = one.changes + one.rounds + end_ms // one.plan.window_ms
    if one.delays is not None:
        starts_ms, heads = total.heads(one.delays.curves.groups.head_columns)
        parts |= one.delays.curves.summary(moment.age_ms(starts_ms, one.plan.window_ms), heads)
        revision += moment.revisions_since(0)
    return Record(
        name=one.name,
        task=one.plan.task,
        span=span.name,
        start_ms=first_ms,
        end_ms=end_ms,
        revision=revision,
        final=moment.final,
        rolling=True,
        parts=_concluded(one, parts) | {"trends": total.trends(end_ms)},
    )


def _silence_known_until(model: ModelPlan, closed_ms: int, now_ms: int, *, idle: bool) -> int:
    """Until when a window without records is empty. Nothing but the clock moves on where all sources are idle."""
    known_ms = max(closed_ms, now_ms - model.idle_timeout_ms) if idle else closed_ms
    return model.window_start(known_ms)


def _empty(one: SliceWindows, start_ms: int) -> Record:
    """Revision 0: whatever else is ever said of the window is newer. Never final: nothing is settled by it."""
    return _of_window(one, start_ms, 0, _empty_parts(one.layout, one.plan.window_ms), final=False)


def _of_window(one: SliceWindows, start_ms: int, revision: int, parts: dict[str, object], *, final: bool) -> Record:
    plan = one.plan
    return Record(
        name=one.name,
        task=plan.task,
        span=plan.window_name,
        start_ms=start_ms,
        end_ms=start_ms + plan.window_ms,
        revision=revision,
        final=final,
        rolling=False,
        parts=parts,
    )


@cache
def _empty_parts(layout: WindowLayout, length_ms: int) -> dict[str, object]:
    head, cells = np.zeros(layout.head_columns, np.int64), np.zeros(layout.cells, np.int32)
    groups = label_groups(layout)
    unknown = {} if groups is None else DelayCurves.unlearned(groups).summary(np.zeros(1), head[np.newaxis])
    return layout.summarise(head, cells, length_ms / 1000) | unknown


def _parts(one: SliceWindows, snapshot: Snapshot, length_ms: int, classes: Sequence[str]) -> dict[str, object]:
    return one.layout.summarise(snapshot.head, snapshot.cells, length_ms / 1000, snapshot.named, classes)


def _concluded(one: SliceWindows, parts: dict[str, object]) -> dict[str, object]:
    return conclude(parts, one.layout, None if one.concept is None else one.concept.summary())
