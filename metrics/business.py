"""What predictions are worth, from counts and values of the confusion cells and configured rates; binary models.

A rate is money, or whatever is counted, for one record of a cell, or for each unit of the records' own value:
a fraud that was missed costs its amount (``per_value: {"fn": -1}``), a false alarm a flat fee (``per_record:
{"fp": -5}``). Costs are negative rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

from metrics.confusion import Confusion, ratio

CELLS: Final = frozenset({"tp", "fp", "fn", "tn"})


class Business(TypedDict):
    """The ``business`` part of a metric record, in the unit of the rates and of the records' values."""

    value: float | None
    """What all outcomes together are worth, costs taken off."""
    cost: float | None
    """What of it the cells with negative worth cost, as a positive number."""
    conversions: int | None
    """Predicted positives that came true: clicked, bought, …"""
    click_through_rate: float | None
    """Conversions among predicted positives whose outcome is known."""
    revenue: float | None
    """Sum of the values of the conversions."""
    outcomes_without_value: int
    """Outcomes whose record had no value that could be read: they count in everything but what values weigh."""


@dataclass(frozen=True)
class Rates:
    """By cell: tp, fp, fn, tn. Cells that are not named are worth nothing. Raises ValueError for other cells."""

    per_record: Mapping[str, float] = field(default_factory=dict)
    per_value: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := sorted({*self.per_record, *self.per_value} - CELLS):
            raise ValueError(f"no cells of a confusion table: {', '.join(unknown)}")

    def __hash__(self) -> int:
        return hash((frozenset(self.per_record.items()), frozenset(self.per_value.items())))


def business(
    confusion: Confusion, values: Mapping[str, float] | None, rates: Rates, without_value: int = 0
) -> Business:
    """Worth of the labelled records. values: sum of the records' own values by cell, None where they carry none;
    without_value: how many of the records have none.

    Without labels nothing is known; without values in a cell no revenue and nothing by `per_value`; without rates no
    value.

    >>> rates = Rates(per_record={"tp": 5.0, "fp": -1.0})
    >>> found = business(Confusion(tp=3, fp=7, fn=2, tn=88), {"tp": 120.0}, rates)
    >>> found["value"], found["cost"], found["click_through_rate"], found["revenue"]
    (8.0, 7.0, 0.3, 120.0)
    """
    if confusion.labelled == 0:
        return Business(
            value=None, cost=None, conversions=None, click_through_rate=None, revenue=None, outcomes_without_value=0
        )
    worths = worth_of_cells(confusion, values, rates)
    return Business(
        value=sum(worths.values()) if worths else None,
        cost=sum(max(0.0, -worth) for worth in worths.values()) if worths else None,
        conversions=confusion.tp,
        click_through_rate=ratio(confusion.tp, confusion.tp + confusion.fp),
        revenue=_sum_of("tp", confusion.tp, values),
        outcomes_without_value=without_value,
    )


def worth_of_cells(confusion: Confusion, values: Mapping[str, float] | None, rates: Rates) -> dict[str, float] | None:
    """Worth of each cell that has a rate; None if a rate needs values and there are none."""
    counts = {"tp": confusion.tp, "fp": confusion.fp, "fn": confusion.fn, "tn": confusion.tn}
    worths = {cell: rate * counts[cell] for cell, rate in rates.per_record.items()}
    for cell, rate in rates.per_value.items():
        found = _sum_of(cell, counts[cell], values)
        if found is None:
            return None
        worths[cell] = worths.get(cell, 0.0) + rate * found
    return worths


def _sum_of(cell: str, records: int, values: Mapping[str, float] | None) -> float | None:
    """Sum of a cell's values; None where no record has one, or none of those that are in the cell."""
    if values is None or (records and cell not in values):
        return None
    return float(values.get(cell, 0.0))
