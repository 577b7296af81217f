"""When a metric record speaks: how old its windows are decides how many of their labels may be expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.scatter import Floats, Ints
from tables.plan import MIN_MS


@dataclass(frozen=True, slots=True)
class Moment:
    """A model's watermark, by whole seconds: what is said of one second is one revision. final: no label can come."""

    closed_ms: int
    final: bool = False

    def age_ms(self, start_ms: Ints, window_ms: int) -> Floats:
        """Age f8[w] of the middles of windows, at least 0; infinite of final ones."""
        if self.final:
            return np.full(len(start_ms), np.inf)
        age_ms: Floats = np.maximum(self.closed_ms // 1000 * 1000 - (start_ms + window_ms / 2), 0.0)
        return age_ms

    def revisions_since(self, start_ms: int) -> int:
        """Grows with the watermark from `start_ms` on, and whenever the age of a window that begins there does."""
        return max(0, self.closed_ms // 1000 - start_ms // 1000)


AT_THE_END = Moment(MIN_MS, final=True)
"""Of files: all has been read, and no watermark has moved."""
