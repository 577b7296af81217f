"""Worth of outcomes against a recount record by record."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.business import CELLS, Rates, business
from metrics.confusion import Confusion

rates_of_cells = st.dictionaries(st.sampled_from(sorted(CELLS)), st.floats(-100, 100))


@given(rates_of_cells, rates_of_cells, st.integers(0, 99))
def test_value_and_cost_are_the_recount_record_by_record(
    per_record: dict[str, float], per_value: dict[str, float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cells, values = rng.choice(sorted(CELLS), 40), rng.integers(0, 1000, 40)
    counts = {cell: int((cells == cell).sum()) for cell in CELLS}
    sums = {cell: float(values[cells == cell].sum()) for cell in CELLS}
    found = business(Confusion(**counts), sums, Rates(per_record, per_value))
    worths = [
        per_record.get(cell, 0) + per_value.get(cell, 0) * value
        for cell, value in zip(cells.tolist(), values.tolist(), strict=True)
    ]
    of_cells = [sum(worth for worth, at in zip(worths, cells, strict=True) if at == cell) for cell in CELLS]
    if not per_record and not per_value:
        assert found["value"] is found["cost"] is None
        return
    assert found["value"] == pytest.approx(sum(worths), abs=1e-6)
    assert found["cost"] == pytest.approx(-sum(worth for worth in of_cells if worth < 0), abs=1e-6)


def test_conversions_and_revenue_need_no_rates() -> None:
    found = business(Confusion(tp=3, fp=1, fn=0, tn=0), {"tp": 12.5, "fp": 4.0}, Rates())
    expected = {"value": None, "cost": None, "conversions": 3, "click_through_rate": 0.75, "revenue": 12.5}
    assert found == expected | {"outcomes_without_value": 0}


def test_a_missed_fraud_costs_its_amount_and_a_false_alarm_a_fee() -> None:
    rates = Rates(per_record={"fp": -5.0}, per_value={"fn": -1.0, "tp": 0.9})
    found = business(Confusion(tp=2, fp=10, fn=1, tn=500), {"tp": 300.0, "fn": 80.0}, rates)
    assert found["value"] == pytest.approx(0.9 * 300 - 10 * 5 - 80)
    assert found["cost"] == pytest.approx(10 * 5 + 80)
    assert found["click_through_rate"] == pytest.approx(2 / 12)


def test_without_labels_nothing_is_known() -> None:
    found = business(Confusion(0, 0, 0, 0), {"tp": 0.0}, Rates({"tp": 1.0}))
    assert set(found.values()) == {None, 0}
    assert found["outcomes_without_value"] == 0


def test_without_values_only_what_needs_them_is_unknown() -> None:
    confusion = Confusion(tp=1, fp=0, fn=0, tn=1)
    counted = business(confusion, None, Rates({"tp": 2.0}))
    assert (counted["value"], counted["cost"], counted["revenue"]) == (2.0, 0.0, None)
    valued = business(confusion, None, Rates({"tp": 2.0}, {"fn": -1.0}))
    assert (valued["value"], valued["cost"], valued["conversions"]) == (None, None, 1)


def test_a_cell_whose_records_have_no_values_is_not_worth_nothing() -> None:
    found = business(Confusion(tp=1, fp=0, fn=2, tn=0), {"tp": 7.0}, Rates({}, {"fn": -1.0}), without_value=2)
    assert (found["value"], found["revenue"], found["outcomes_without_value"]) == (None, 7.0, 2)
    assert business(Confusion(tp=0, fp=0, fn=1, tn=0), {"fn": 3.0}, Rates({}, {"tp": 1.0}))["value"] == 0


def test_no_predicted_positives_leave_the_click_through_rate_undefined() -> None:
    assert business(Confusion(tp=0, fp=0, fn=1, tn=1), None, Rates())["click_through_rate"] is None


def test_a_cell_that_no_table_has_is_refused() -> None:
    with pytest.raises(ValueError, match="tq, zz"):
        Rates({"zz": 1.0}, {"tq": 1.0})
