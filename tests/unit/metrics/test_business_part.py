"""Business value of windows: exact to the cent in both directions, by confusion cell."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.binary import Prepared, prepare
from metrics.binary_part import BinaryPart
from metrics.business import Rates
from metrics.business_part import BusinessPart
from metrics.delays import Delays
from metrics.layout import COARSE, FINE
from metrics.window_layout import WindowLayout
from models.carried import UNITS, VALUE, VALUE_MAX, ValueCarrier
from models.observed import Value
from tables.tasks import layout_of
from tables.tasks import prepare as prepare_task

RATES = Rates(per_record={"fp": -5.0}, per_value={"fn": -1.0, "tp": 0.5})
PART = BusinessPart(RATES)
HEAD_START = 3
Said = tuple[int, int, Value]
"""(predicted, actual, value)."""

OUTCOMES = st.tuples(
    st.sampled_from([0, 1]),
    st.sampled_from([0, 1]),
    st.none() | st.integers(-(10**14), 10**14).map(lambda cents: cents / 100) | st.sampled_from([1e12, -1e12, 0.0001]),
)


def carried(values: list[Value]) -> np.ndarray[Any, np.dtype[np.void]]:
    return ValueCarrier((("value",),)).pack(values)


def prepared(outcomes: list[Said]) -> Prepared:
    predicted, actual, values = zip(*outcomes, strict=True)
    classes = [np.array(side, np.int8) for side in (predicted, actual)]
    chunk = prepare_task("binary", np.full(len(values), 0.5), classes[0], carried(list(values)), classes[1])
    assert isinstance(chunk, Prepared)
    return chunk


def add(head: np.ndarray[Any, np.dtype[np.int64]], outcomes: list[Said], sign: int = 1) -> None:
    n = len(outcomes)
    none = np.zeros((2, 0), np.int32)
    PART.add_outcomes(head, none, (HEAD_START, 0), np.ones(n, np.int64), prepared(outcomes), np.full(n, sign))


def said(head: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    return cast("dict[str, Any]", PART.summarise(head[1, HEAD_START:], np.zeros(0, np.int32), 60)["business"])


def empty() -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.zeros((2, HEAD_START + PART.head_columns), np.int64)


def test_business_numbers_by_hand() -> None:
    head = empty()
    frauds: list[Said] = [(1, 1, 120.10), (1, 1, 79.90), (0, 1, 33.33), (1, 0, 10.0), (1, 0, None), (0, 0, "x")]
    add(head, frauds)
    assert said(head) == {
        "value": pytest.approx(0.5 * 200 - 33.33 - 2 * 5),
        "cost": pytest.approx(33.33 + 10),
        "conversions": 2,
        "click_through_rate": 0.5,
        "revenue": 200.0,
        "outcomes_without_value": 2,
    }


@given(st.lists(OUTCOMES, min_size=1, max_size=40), st.lists(OUTCOMES, min_size=1, max_size=40))
def test_sums_are_exact_and_a_retraction_leaves_nothing(kept: list[Said], gone: list[Said]) -> None:
    head, alone = empty(), empty()
    add(head, gone)
    add(head, kept)
    add(head, gone, sign=-1)
    add(alone, kept)
    assert head.tolist() == alone.tolist()
    found, conversions = said(head), [value for predicted, actual, value in kept if predicted and actual]
    valued = [Fraction(round(Fraction(value) * UNITS), UNITS) for value in conversions if isinstance(value, float)]
    if valued or not conversions:
        assert found["revenue"] == (float(sum(valued)) if any(isinstance(v, float) for *_, v in kept) else None)
    else:
        assert found["revenue"] is None
    assert found["outcomes_without_value"] == sum(value is None for *_, value in kept)
    assert not head[:, :HEAD_START].any()
    assert not head[0].any()


def test_the_greatest_values_of_a_day_at_full_speed_do_not_overflow() -> None:
    head = empty()
    add(head, [(1, 1, VALUE_MAX), (1, 0, -VALUE_MAX)])
    records = 2**33
    head *= records
    assert said(head)["revenue"] == VALUE_MAX * records


@pytest.mark.parametrize("value", [None, "12", True, float("inf"), float("nan"), 1.1e12, -1.1e12])
def test_what_is_no_usable_number_is_none(value: Value) -> None:
    assert carried([value]).view(VALUE)["known"].tolist() == [1]


def test_an_outcome_of_before_values_were_asked_for_counts_nowhere() -> None:
    head, one = empty(), np.ones(1, np.int8)
    none = np.zeros((2, 0), np.int32)
    for before in (np.zeros(1, "V9"), np.zeros(1, "V0")):
        chunk = prepare_task("binary", np.ones(1), one, before, one)
        PART.add_outcomes(head, none, (0, 0), np.ones(1, np.int64), cast("Prepared", chunk), np.ones(1, np.int64))
    unlabelled = prepare(np.ones(1), one)
    PART.add_outcomes(head, none, (0, 0), np.ones(1, np.int64), unlabelled, np.ones(1, np.int64))
    assert not head.any()
    assert set(said(head).values()) == {None, 0}


def test_only_a_model_that_asks_for_it_has_the_part() -> None:
    binary = [BinaryPart(FINE), Delays()]
    assert list(layout_of("binary", whole=True).parts) == binary
    assert list(layout_of("binary", 0, RATES, whole=True).parts) == [*binary, PART]
    assert layout_of("binary", 0, RATES, whole=False).parts == (BinaryPart(COARSE), PART)
    assert layout_of("binary", 0, Rates({"tp": 1.0}), whole=True) is layout_of(
        "binary", 0, Rates({"tp": 1}), whole=True
    )


def test_new_rates_hold_for_windows_that_are_there() -> None:
    one, other = (WindowLayout((BusinessPart(rates),)) for rates in (RATES, Rates()))
    assert one.signature == other.signature
