"""The join, one record at a time: what a prediction or a label does to its id's row.

This is the meaning of the join (CONTRACT §1). `fast_join` does the same to thousands of simple
rows at once and hands everything else to these functions; a property test holds the two equal.
The result does not depend on the order of arrival: the label that counts for a prediction is
the greatest by `Rules.rank` among those within its horizon.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from tables import fates as f
from tables.rows import LABELS_MAX, Label, Prediction, Row


class Effect(NamedTuple):
    """One change to a window: a prediction counted, or an outcome added (+1) or retracted (-1)."""

    sign: int
    outcome: int
    combo: int
    event_ms: int
    score: float
    predicted: int | float
    actual: int | float
    latency_ms: int
    carried: bytes = b""


Rank = tuple[int, float]


class Rules(Protocol):
    """What the join asks about time and identity."""

    def same_version(self, combo: int, other: int) -> bool:
        """Whether two combos are of one model and version."""

    def in_horizon(self, prediction: Prediction, label_ms: int) -> bool:
        """Whether a label of that time may join the prediction."""

    def rank(self, label: Label, /) -> Rank:
        """Which label counts: the latest; at the same time a withdrawal, else the greater class or value.

        A total order that does not depend on what came first: classes go by their codes.
        """

    def is_final(self, prediction: Prediction) -> bool:
        """Whether the prediction's window takes no change any more."""


def _counted(prediction: Prediction) -> Effect:
    return Effect(1, 0, *prediction[:-1], 0, 0, prediction.carried)


def _outcome(sign: int, prediction: Prediction, label: Label) -> Effect:
    latency_ms = label.label_ms - prediction.event_ms
    return Effect(sign, 1, *prediction[:-1], label.actual, latency_ms, prediction.carried)


def counting_label(row: Row, prediction: Prediction, rules: Rules) -> Label | None:
    """The label that counts for a prediction; it may be a withdrawal."""
    candidates = [x for x in row.labels if rules.in_horizon(prediction, x.label_ms)]
    return max(candidates, key=rules.rank, default=None)


def is_joined(row: Row, rules: Rules) -> bool:
    """Whether the row's one label counts for its one prediction (see `RowForm.encode`)."""
    return bool(
        len(row.predictions) == len(row.labels) == 1 and rules.in_horizon(row.predictions[0], row.labels[0].label_ms)
    )


def _settle(label: Label, best: Label | None, prediction: Prediction, rules: Rules) -> int:
    """The fate of a label that waited for a prediction which has now come."""
    if not rules.in_horizon(prediction, label.label_ms):
        return f.OUT_OF_HORIZON
    if label is not best:
        return f.DUPLICATE
    return f.WITHDREW if label.withdrawn else f.JOINED


def add_prediction(row: Row, new: Prediction, rules: Rules, fates: f.Fates, effects: list[Effect]) -> Row:
    """The row after a prediction; counts its fate and appends what its window has to change."""
    if rules.is_final(new):
        fates.add(f.PREDICTIONS, f.LATE)
        return row
    if any(rules.same_version(p.combo, new.combo) for p in row.predictions):
        fates.add(f.PREDICTIONS, f.DUPLICATE)
        return row
    effects.append(_counted(new))
    best = counting_label(row, new, rules)
    if best is not None and not best.withdrawn:
        effects.append(_outcome(1, new, best))
        fates.add(f.PREDICTIONS, f.JOINED)
    else:
        fates.add(f.PREDICTIONS, f.PENDING)
    for label in row.labels:
        if label.pending:
            fates.move(f.LABELS, f.PENDING, _settle(label, best, new, rules))
    labels = tuple(x._replace(pending=False) for x in row.labels)
    return Row(labels, (*row.predictions, new))


def add_label(row: Row, new: Label, rules: Rules, fates: f.Fates, effects: list[Effect]) -> Row:
    """The row after a label; counts its fate and appends what its windows have to change."""
    rank = rules.rank(new)
    if any(rules.rank(x) == rank for x in row.labels):
        fates.add(f.LABELS, f.DUPLICATE)
        return row
    labels = tuple(sorted((*row.labels, new), key=rules.rank)[-LABELS_MAX:])
    if not row.predictions:
        fates.add(f.LABELS, f.PENDING)
        if len(labels) == len(row.labels):  # the row was full: its oldest label made room
            fates.move(f.LABELS, f.PENDING, f.DUPLICATE)
        return Row(labels)
    after = Row(tuple(x._replace(pending=False) for x in labels), row.predictions)
    seen = [_change(row, after, new, p, rules, fates, effects) for p in row.predictions]
    fates.add(f.LABELS, min(seen, key=_WEIGHT.index))
    return after


_WEIGHT = (f.JOINED, f.CORRECTED, f.WITHDREW, f.DUPLICATE, f.LATE, f.OUT_OF_HORIZON)
"""What a label did to several predictions counts as the first of these."""


def _change(
    row: Row,
    after: Row,
    new: Label,
    prediction: Prediction,
    rules: Rules,
    fates: f.Fates,
    effects: list[Effect],
) -> int:
    """What the new label means to one prediction: the fate it would give the label."""
    if not rules.in_horizon(prediction, new.label_ms):
        return f.OUT_OF_HORIZON
    if rules.is_final(prediction):
        return f.LATE
    before, now = counting_label(row, prediction, rules), counting_label(after, prediction, rules)
    if now is None or (before is not None and rules.rank(now) == rules.rank(before)):
        return f.DUPLICATE
    had = before is not None and not before.withdrawn
    has = not now.withdrawn
    if had and before is not None:
        effects.append(_outcome(-1, prediction, before))
    if has:
        effects.append(_outcome(1, prediction, now))
    if had != has:
        moved = (f.JOINED, f.PENDING) if had else (f.PENDING, f.JOINED)
        fates.move(f.PREDICTIONS, *moved)
    if not has:
        return f.WITHDREW
    if not had:
        return f.JOINED
    return f.DUPLICATE if before is not None and before.actual == now.actual else f.CORRECTED
