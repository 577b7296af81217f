"""The join for thousands of simple rows at once.

Decides the ids that occur once in a batch and whose row is simple, by the same meaning as
`join`; everything else goes there, one record at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.batch import Batch
from models.outcome import is_withdrawn
from tables import fates as f
from tables.block import COUNTED, OUTCOME
from tables.combos import Combos
from tables.found_rows import FoundRows
from tables.join import Effect
from tables.row_form import HAS_LABEL, HAS_PREDICTION, RowForm
from tables.row_forms import BINARY

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(slots=True)
class Decided:
    """What a batch does to the rows; ``slow`` are the records left for `join`."""

    keys: list[bytes] = field(default_factory=list)
    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, BINARY.dtype))
    ops: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    fates: f.Fates = field(default_factory=f.Fates)
    effects: list[Effect] = field(default_factory=list)
    observed: list[tuple[int, int, bytes]] = field(default_factory=list)
    """What counted predictions add to their windows without labels, as in the block."""
    full: dict[bytes, bytes] = field(default_factory=dict)
    """Rows decided one by one, whole."""
    slow: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    counted: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Predictions that are counted in their window."""
    begun: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Label times that now wait for a prediction."""
    ended: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Label times that have found theirs."""


def _write(out: Decided, keys: list[bytes], rows: NDArray[np.void], ops: NDArray[np.uint8], mask: Mask) -> None:
    if mask.all():
        out.keys, out.rows, out.ops = keys, rows, ops
        return
    index = np.flatnonzero(mask)
    out.keys = [keys[i] for i in index.tolist()]
    out.rows, out.ops = rows[index], ops[index]


def decide_predictions(
    form: RowForm,
    batch: Batch,
    codes: Ints,
    combos: Combos,
    keys: list[bytes],
    found: FoundRows,
) -> Decided:
    """Decide n predictions of one task whose windows are open.

    codes: combo of each, int64[n]; keys and found: row key and present row of each.
    """
    old, full = form.stack(found)
    flags = old["flags"]
    _, version, _, _, horizon_ms, skew_ms, _ = combos.columns[:, codes]
    has_prediction = (flags & HAS_PREDICTION) != 0
    has_label = (flags & HAS_LABEL) != 0
    easy = ~(full | found.repeated)
    wait_ms = old["label_ms"] - batch.time_ms
    in_horizon = (wait_ms >= -skew_ms) & (wait_ms <= horizon_ms)
    new = easy & ~has_prediction & (~has_label | in_horizon)
    known = combos.columns[1][np.where(has_prediction, old["combo"], 0)] if len(old) else version
    duplicate = easy & has_prediction & (known == version)
    joined = new & has_label

    rows = old.copy()
    rows["combo"], rows["event_ms"] = codes, batch.time_ms
    form.put_predictions(rows, batch.score, batch.outcome)
    form.put_carried(rows, batch.carried)
    ops = np.full(len(old), COUNTED, np.uint8)
    ops[joined] |= OUTCOME

    out = Decided(slow=np.flatnonzero(~(new | duplicate)), counted=np.flatnonzero(new))
    joins = int(joined.sum())
    out.fates.add(f.PREDICTIONS, f.DUPLICATE, int(duplicate.sum()))
    out.fates.add(f.PREDICTIONS, f.JOINED, joins)
    out.fates.add(f.PREDICTIONS, f.PENDING, int(new.sum()) - joins)
    out.fates.move(f.LABELS, f.PENDING, f.JOINED, joins)
    out.ended = old["label_ms"][joined]
    _write(out, keys, rows, ops, new)
    return out


def decide_labels(
    form: RowForm,
    batch: Batch,
    combos: Combos,
    frontier_of_model: Ints,
    keys: list[bytes],
    found: FoundRows,
) -> Decided:
    """Decide n labels of one task that can still join; frontier_of_model: watermark by model code, ms."""
    old, full = form.stack(found)
    flags = old["flags"]
    has_prediction = (flags & HAS_PREDICTION) != 0
    has_label = (flags & HAS_LABEL) != 0
    easy = ~(full | found.repeated) & ~is_withdrawn(batch.outcome)
    waiting = easy & (flags == 0)
    joined = easy & has_prediction & ~has_label
    if joined.any():
        described = combos.columns[:, np.where(has_prediction, old["combo"], 0)]
        model, _, window_ms, hold_ms, horizon_ms, skew_ms, _ = described
        wait_ms = batch.time_ms - old["event_ms"]
        joined &= (wait_ms >= -skew_ms) & (wait_ms <= horizon_ms)
        end_ms = old["event_ms"] - old["event_ms"] % window_ms + window_ms
        joined &= end_ms + hold_ms > frontier_of_model[model]
    duplicate = easy & has_label & (old["label_ms"] == batch.time_ms)
    duplicate &= form.actual(old) == batch.outcome

    rows = old.copy()
    rows["label_ms"] = batch.time_ms
    form.put_labels(rows, batch.outcome)
    ops = np.where(joined, np.uint8(OUTCOME), np.uint8(0))

    out = Decided(slow=np.flatnonzero(~(waiting | joined | duplicate)))
    joins = int(joined.sum())
    out.fates.add(f.LABELS, f.DUPLICATE, int(duplicate.sum()))
    out.fates.add(f.LABELS, f.PENDING, int(waiting.sum()))
    out.fates.add(f.LABELS, f.JOINED, joins)
    out.fates.move(f.PREDICTIONS, f.PENDING, f.JOINED, joins)
    out.begun = batch.time_ms[waiting]
    _write(out, keys, rows, ops, waiting | joined)
    return out
