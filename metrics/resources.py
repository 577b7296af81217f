"""What serving needed, as prediction records and heartbeats tell: requests in flight, memory, load of processors …

Each value is a whole number of small steps, so that sums are exact whatever the order, and falls into a histogram of
logarithmic bins: mean exact to a step, quantiles within 4.5 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.observed import Value

if TYPE_CHECKING:
    from metrics.observer import Observation
    from metrics.window_layout import Cells, Head

STEPS: Final[Mapping[str, float]] = MappingProxyType(
    {  # of `models.mapping.RESOURCES`
        "active_requests": 2.0**-10,
        "queue_depth": 2.0**-10,
        "model_load_seconds": 2.0**-20,
        "cpu_ratio": 2.0**-20,
        "memory_bytes": 2.0**10,
        "disk_ratio": 2.0**-20,
        "gpu_ratio": 2.0**-20,
    }
)
"""In what steps each resource is counted: four million requests, 68 minutes, 4096 processors or 4 TiB are the most."""
STEPS_MAX: Final = 2**32 - 2
_BINS_PER_OCTAVE: Final = 8
_BINS: Final = 1 + 32 * _BINS_PER_OCTAVE
"""The first one holds what is less than a step, which counts as nothing."""


def steps(name: str, values: Sequence[Value]) -> NDArray[np.uint32]:
    """How many steps each value is, and one more, u4[n]; 0 for what is no number of at least 0."""
    numbers = np.array([v if type(v) is float else np.nan for v in values], np.float64) / STEPS[name]
    known = numbers >= 0
    return np.where(known, np.rint(np.minimum(np.where(known, numbers, 0), STEPS_MAX)) + 1, 0).astype(np.uint32)


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources that are watched, in the observer's order.

    Head: of each one how many records tell it, and the sum of its steps. Cells: of each one its histogram.
    """

    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of these very resources."""
        return f"resources/{'/'.join(self.names)}"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return 2 * len(self.names)

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return _BINS * len(self.names)

    def observe(
        self, observation: Observation, slot: NDArray[np.int64], slots: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Count n predictions into windows: head i8[slots, head_columns], cells i4[slots, cells]."""
        return self.count(observation.seen["resources"], slot, slots)

    def count(
        self, told: NDArray[np.uint32], slot: NDArray[np.int64], slots: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """As `observe`, of n records. told u4[n, R]: of each resource one more than its `steps`, 0 for not told."""
        head = np.zeros((slots, len(self.names), 2), np.int64)
        cells = np.zeros((slots, len(self.names), _BINS), np.int32)
        for i, values in enumerate(told.T):
            known = values > 0
            mine, counted = slot[known], values[known].astype(np.int64) - 1
            head[:, i, 0] = np.bincount(mine, minlength=slots)
            np.add.at(head[:, i, 1], mine, counted)
            found = np.bincount(mine * _BINS + _bins(counted), minlength=slots * _BINS)
            cells[:, i] = found.reshape(slots, _BINS)
        return head.reshape(slots, -1), cells.reshape(slots, -1)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """``resources``: mean, p95 and max of each one that records told of; nothing where none did."""
        del seconds  # every part is asked alike
        each = zip(self.names, head.reshape(-1, 2).tolist(), cells.reshape(-1, _BINS), strict=True)
        found = {name: _summary(STEPS[name], count, total, bins) for name, (count, total), bins in each if count}
        return {"resources": found} if found else {}


def _bins(counted: NDArray[np.int64]) -> NDArray[np.int64]:
    octaves = np.log2(np.maximum(counted, 1).astype(np.float64))
    return np.where(counted > 0, 1 + (octaves * _BINS_PER_OCTAVE).astype(np.int64), 0)


def _summary(step: float, count: int, total: int, bins: Cells) -> dict[str, float]:
    """The record of rank ceil(share n), answered for by the geometric middle of its bin."""
    up_to = np.cumsum(bins, dtype=np.int64)
    p95, greatest = np.searchsorted(up_to, (-(-95 * count // 100), count)).tolist()
    return {"mean": total / count * step, "p95": _middle(p95) * step, "max": _middle(greatest) * step}


def _middle(at: int) -> float:
    return float(2 ** ((at - 0.5) / _BINS_PER_OCTAVE)) if at else 0.0
