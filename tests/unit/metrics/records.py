"""Labelled records for the oracles, and the windows made of them."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from metrics import binary
from metrics.layout import Layout
from metrics.result import BinarySummary, summarise


@dataclass(frozen=True)
class Records:
    score: NDArray[np.float64]
    predicted: NDArray[np.int8]
    actual: NDArray[np.int8]
    latency_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.score)

    def select(self, index: NDArray[np.int64]) -> "Records":
        return Records(self.score[index], self.predicted[index], self.actual[index], self.latency_ms[index])

    def prepared(self) -> binary.Prepared:
        return binary.prepare(self.score, self.predicted, self.actual, self.latency_ms)


def draw_records(seed: int, n: int, positive_share: float = 0.2) -> Records:
    """Scores that know something of the truth, not calibrated; latencies from 1 ms to days."""
    rng = np.random.default_rng(seed)
    actual = (rng.random(n) < positive_share).astype(np.int8)
    score = np.where(actual == 1, rng.beta(4, 2, n), rng.beta(2, 5, n))
    latency_ms = np.exp(rng.normal(10, 2.5, n)).astype(np.int64) + 1
    return Records(score, (score >= 0.5).astype(np.int8), actual, latency_ms)


def window(records: Records, layout: Layout) -> tuple[binary.Head, binary.Cells]:
    """One window of all records, all labelled."""
    head, cells = binary.zeros(1, layout)
    slot = np.zeros(len(records), np.int64)
    prepared = records.prepared()
    binary.add_predictions(head, cells, layout, slot, prepared)
    binary.add_outcomes(head, cells, layout, slot, prepared)
    return head[0], cells[0]


def summary(records: Records, layout: Layout, seconds: float = 60.0) -> BinarySummary:
    return summarise(*window(records, layout), layout, seconds)


@st.composite
def any_records(draw: st.DrawFn, records_max: int = 40, *, all_scored: bool = False) -> Records:
    """Few records with many ties, edges of bins, missing scores and odd latencies."""
    n = draw(st.integers(0, records_max))
    edges = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.501, 0.5015, 0.9, 1.0])
    scores = edges | st.floats(0, 1)
    if not all_scored:
        scores |= st.just(float("nan"))
    classes = st.integers(0, 1)
    return Records(
        draw(hnp.arrays(np.float64, n, elements=scores)),
        draw(hnp.arrays(np.int8, n, elements=classes)),
        draw(hnp.arrays(np.int8, n, elements=classes)),
        draw(hnp.arrays(np.int64, n, elements=st.integers(-10_000, 2**36))),
    )
