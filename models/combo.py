"""Combos: which model, version and segment values a record belongs to, numbered within a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Combo = tuple[str, ...]
"""(model, version, value of segment field 1, ...); a missing segment value is ""."""

OTHER: Final = "__other__"
"""Stands for all values that came after a limit on their number was reached."""


def narrow(combos: list[Combo], combo_index: NDArray[np.int32]) -> tuple[list[Combo], NDArray[np.int32]]:
    """Only the combos in use, renumbered in their old order."""
    used = np.zeros(len(combos), dtype=np.bool_)
    used[combo_index] = True
    if used.all():
        return combos, combo_index
    renumber = (np.cumsum(used) - 1).astype(np.int32)
    return [combos[i] for i in np.flatnonzero(used).tolist()], renumber[combo_index]


def unite(parts: Sequence[tuple[list[Combo], NDArray[np.int32]]]) -> tuple[list[Combo], NDArray[np.int32]]:
    """One list of combos for all parts (combos, index into them), and their indexes end to end."""
    seen: dict[Combo, int] = {}
    moved = []
    for combos, index in parts:
        table = np.array([seen.setdefault(combo, len(seen)) for combo in combos], dtype=np.int32)
        moved.append(table[index] if combos else index)
    return list(seen), np.concatenate(moved)
