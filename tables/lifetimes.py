"""How long rows last: entered once, under the bucket of event time in which they are over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tables.block import COUNTED, JoinBlock, Stretch
from tables.combos import Combos
from tables.decide import topic_of
from tables.expiry import RowIndex
from tables.plan import Plan
from tables.row_form import HAS_PREDICTION
from tables.rows import Prediction, Row

Ints = NDArray[np.int64]


class Lifetimes:
    """Enters the rows of each block into the index."""

    def __init__(self, plan: Plan, combos: Combos, index: RowIndex) -> None:
        self._plan, self._combos, self._index = plan, combos, index

    def enter(self, block: JoinBlock) -> None:
        """Enter new rows under the bucket in which they expire."""
        for stretch in block.stretches():
            self._enter_simple(stretch)
        forms = [self._plan.row_form(name) for name in self._combos.label_topics]
        for key, value in zip(block.full_keys, block.full_rows, strict=True):
            topic = topic_of(key)
            self._enter_full(topic, key, forms[topic].decode(value))

    def _enter_simple(self, stretch: Stretch) -> None:
        _, all_keys, rows, ops, _ = stretch
        new = np.flatnonzero((ops == COUNTED) | (ops == 0))
        keys = [all_keys[i] for i in new.tolist()]
        if len(self._combos.label_topics) == 1:
            self._enter(0, self._final_ms(0, rows[new]), keys)
        else:
            topics = np.fromiter(map(topic_of, keys), np.int64, len(keys))
            for topic in np.unique(topics).tolist():
                mine = np.flatnonzero(topics == topic)
                final_ms = self._final_ms(topic, rows[new[mine]])
                self._enter(topic, final_ms, [keys[i] for i in mine.tolist()])

    def _final_ms(self, topic: int, rows: NDArray[np.void]) -> Ints:
        """When simple rows of one labels topic are over: with their prediction's window, or,
        where only a label has come, when no window can take it any more.
        """
        final_ms = self.label_final_ms(topic, rows["label_ms"])
        predicted = np.flatnonzero(rows["flags"] & HAS_PREDICTION)
        codes = rows["combo"][predicted].astype(np.int64)
        if len(codes):
            _, _, window_ms, hold_ms, _, _, _ = self._combos.columns[:, codes]
            event_ms = rows["event_ms"][predicted]
            final_ms[predicted] = event_ms - event_ms % window_ms + window_ms + hold_ms
        return final_ms

    def _enter(self, topic: int, final_ms: Ints, keys: list[bytes]) -> None:
        width = self._plan.row_bucket_ms(self._combos.label_topics[topic])
        buckets = -(-final_ms // width) * width
        distinct = np.unique(buckets).tolist()
        for bucket in distinct:
            mine = keys if len(distinct) == 1 else [keys[i] for i in np.flatnonzero(buckets == bucket).tolist()]
            self._index.add(topic, bucket, mine)

    def _enter_full(self, topic: int, key: bytes, row: Row) -> None:
        """A full row lasts as long as its last prediction, which may be longer than it was entered for."""
        if row.predictions:
            finals = [self._final_of(prediction) for prediction in row.predictions]
        else:
            finals = self.label_final_ms(topic, np.array([x.label_ms for x in row.labels])).tolist()
        width = self._plan.row_bucket_ms(self._combos.label_topics[topic])
        first, last = (-(-end_ms // width) * width for end_ms in (min(finals), max(finals)))
        if first == last:
            self._index.add(topic, last, (key,))
        else:
            self._index.extend(topic, last, key)

    def _final_of(self, prediction: Prediction) -> int:
        described = self._combos.row(prediction.combo)
        start_ms = prediction.event_ms - prediction.event_ms % described.window_ms
        return start_ms + described.window_ms + described.hold_ms

    def label_final_ms(self, topic: int, label_ms: Ints) -> Ints:
        """The watermark at which each label can join nothing any more, int64[n]."""
        return self._plan.label_final_ms(self._combos.label_topics[topic], label_ms)
