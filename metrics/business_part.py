"""What the outcomes of a binary model are worth, as a part of a window, of whole models and segments alike.

Outcomes and values are counted by confusion cell; rates come in when a window is read, so that new rates hold for
windows that are there already. An outcome whose row is from before values were asked for is not counted here, so that
its correction takes out nothing that was never put in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.binary import Prepared
from metrics.business import Rates, business
from metrics.confusion import Confusion
from metrics.layout import Column
from metrics.scatter import scatter
from metrics.window_layout import Cells, Head
from models.carried import A_VALUE, UNITS, VALUE

Ints = NDArray[np.int64]
_CELLS: Final = ("tp", "fp", "fn", "tn")
"""In the order of `layout.Column`."""
_LIMB_BITS: Final = 30


class OfCell(IntEnum):
    """Columns of head, for each cell. The sum of values has two limbs, high * 2**30 + low units: a value is below
    2**54 units, so that 2**33 of them fit.
    """

    RECORDS = 0
    VALUED = 1
    LOW = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class BusinessPart:
    """Outcomes and the sums of their values by confusion cell."""

    rates: Rates

    @property
    def name(self) -> str:
        """What it counts; whatever the rates are."""
        return "business"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return len(_CELLS) * len(OfCell)

    @property
    def cells(self) -> int:
        """It has none."""
        return 0

    def add_outcomes(
        self, head: Head, cells: NDArray[np.int32], starts: tuple[int, int], slot: Ints, prepared: Prepared, sign: Ints
    ) -> None:
        """As `window_layout.AlsoOutcomes`; sign -1 retracts exactly."""
        del cells
        outcome, carried = prepared.outcome, prepared.carried
        if outcome is None or carried is None:
            return
        value = carried.view(VALUE)
        known, units = value["known"], value["units"]
        first = starts[0] + (outcome.confusion - Column.TP) * len(OfCell)
        amounts = np.stack((known != 0, known == A_VALUE, units & (2**_LIMB_BITS - 1), units >> _LIMB_BITS))
        scatter(head, slot, first + np.array(OfCell, np.int64)[:, np.newaxis], amounts * sign)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """``business``."""
        del cells, seconds
        records, valued, low, high = head.reshape(len(_CELLS), len(OfCell)).T.tolist()
        units = {cell: (high[i] << _LIMB_BITS) + low[i] for i, cell in enumerate(_CELLS) if valued[i]}
        values = {cell: found / UNITS for cell, found in units.items()}
        without = sum(records) - sum(valued)
        return {"business": {**business(Confusion(*records), values or None, self.rates, without)}}
