"""Groups of neighbouring bins with about as many records each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def equal_mass_groups(counts: NDArray[np.int64] | NDArray[np.float64], groups: int) -> NDArray[np.int64]:
    """Which group each bin belongs to, i8[bins] in 0..groups - 1, rising.

    A bin goes where the middle of its mass lies, so neighbours that are rare share a group, and one that is heavier
    than a group has it for itself.

    >>> equal_mass_groups(np.array([1, 1, 1, 1, 4, 0]), 2).tolist()
    [0, 0, 0, 0, 1, 1]
    """
    middle = np.cumsum(counts, dtype=np.float64) - counts / 2
    group = np.floor(middle * groups / max(float(counts.sum()), 1.0)).astype(np.int64)
    return np.minimum(group, groups - 1)
