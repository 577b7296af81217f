"""How a model is served, as its prediction records tell: latency and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.followed import UNDEFINED, Value
from metrics.latency import quantiles
from metrics.layout import FINE
from metrics.observer import ERROR, OK, Observation, latency_us
from metrics.window_layout import Cells, Head

_MS = 1000
"""Bins are those of the label latency, which counts milliseconds; here a thousandth of that is counted."""


class _Column(IntEnum):
    TIMED, LATENCY_SUM_US, OK, ERRORS, FAILED = range(5)


@dataclass(frozen=True, slots=True)
class Service:
    """Latency of serving (exact mean, quantiles within 2.2 %) and how many predictions failed."""

    series: ClassVar[tuple[str, ...]] = ("latency_mean_seconds", "latency_p95_seconds", "error_rate")

    @property
    def name(self) -> str:
        """There is one of it."""
        return "service"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return len(_Column)

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return FINE.latency_bins

    def observe(
        self, observation: Observation, slot: NDArray[np.int64], slots: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Count n predictions into windows: head i8[slots, 5], cells i4[slots, cells]."""
        waited_us, status = latency_us(observation.seen), observation.seen["status"]
        timed = waited_us >= 0
        head = np.zeros((slots, len(_Column)), np.int64)
        head[:, _Column.TIMED] = np.bincount(slot[timed], minlength=slots)
        np.add.at(head[:, _Column.LATENCY_SUM_US], slot[timed], waited_us[timed])
        head[:, _Column.OK] = np.bincount(slot[status == OK], minlength=slots)
        head[:, _Column.ERRORS] = np.bincount(slot[status == ERROR], minlength=slots)
        head[:, _Column.FAILED] = np.bincount(slot[~observation.made], minlength=slots)
        octaves = np.log2(np.maximum(waited_us[timed], 1).astype(np.float64))
        bins = np.minimum((octaves * FINE.latency_bins_per_octave).astype(np.int64), self.cells - 1)
        counted = np.bincount(slot[timed] * self.cells + bins, minlength=slots * self.cells)
        return head, counted.reshape(slots, self.cells).astype(np.int32)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """``prediction_latency_seconds`` where latencies came; where statuses did ``errors`` (their names fill it) and
        ``failed``, how many of these predictions were not made, so that ``total`` does not hold them.
        """
        del seconds  # every part is asked alike
        timed, latency_sum_us, ok, errors, failed = head.tolist()
        found: dict[str, object] = {}
        if timed:
            marks = quantiles(np.asarray(cells, np.int64), (0.5, 0.95, 0.99, 1.0), FINE)
            p50, p95, p99, greatest = (mark / _MS for mark in marks)
            mean = latency_sum_us / timed / 1e6
            found["prediction_latency_seconds"] = {"mean": mean, "p50": p50, "p95": p95, "p99": p99, "max": greatest}
        if ok or errors:
            found |= {"failed": failed, "errors": {}}
        return found

    def follow(self, head: Head, cells: Cells, total: int) -> Sequence[Value]:
        """Mean and 95th percentile of the latency, and the share of requests that ended in an error, of a window."""
        timed, latency_sum_us, ok, errors, failed = head.tolist()
        mean = p95 = rate = UNDEFINED
        if timed:
            (p95_ms,) = quantiles(np.asarray(cells, np.int64), (0.95,), FINE)
            mean, p95 = (latency_sum_us / timed / 1e6, timed), (p95_ms / _MS, timed)
        if ok or errors:
            requests = max(total + failed, ok + errors)
            rate = errors / requests, requests
        return mean, p95, rate
