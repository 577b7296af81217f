import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.skew import EXAMPLES_MAX, Skew, difference

finite = st.floats(allow_nan=False, allow_infinity=False)


def one(serving: dict[str, object], reference: dict[str, object], **options: Any) -> Skew:  # noqa: ANN401
    skew = Skew(1e-6, **options)
    skew.add(b"1", serving, reference)
    return skew


@given(finite, finite, st.floats(0, 0.999))
def test_numbers_match_as_math_isclose_says(a: float, b: float, tolerance: float) -> None:
    assert difference(a, b, tolerance).matches == math.isclose(a, b, rel_tol=tolerance, abs_tol=0)


@pytest.mark.parametrize(
    ("served", "known", "matches"),
    [
        (1, 1.0, True), (1, True, False), ("1", 1, False), (True, True, True), (True, "true", False),
        ("DE", "DE", True), ("DE", "de", False), (0, 1e-12, False), (math.inf, math.inf, True), (math.inf, 1, False),
        (10**400, 10**400, True), ([1, 2], [1, 2], True), ([1, 2], [1, 3], False), (1e308, -1e308, False),
    ],
)  # fmt: skip
def test_types_are_exact_and_numbers_are_near(served: object, known: object, matches: bool) -> None:
    assert difference(served, known, 1e-6).matches is matches
    assert difference(known, served, 1e-6).matches is matches


@pytest.mark.parametrize(
    ("text", "other", "matches"),
    [
        ("1.0", 1, True),
        ("007", "007", True),
        ("007", "7", False),
        ("True", True, True),
        ("x", 1, False),
        ("1", True, False),
    ],
)
def test_text_without_types_takes_those_of_the_other_side(text: str, other: object, matches: bool) -> None:
    for skew in (
        one({"a": text}, {"a": other}, untyped=(True, False)),
        one({"a": other}, {"a": text}, untyped=(False, True)),
    ):
        assert (skew.features["a"].compared, skew.features["a"].mismatches) == (1, int(not matches))


def test_two_sides_without_types_are_numbers_where_both_can_be() -> None:
    found = one({"a": "1.0", "b": "x"}, {"a": "1", "b": "1"}, untyped=(True, True)).features
    assert (found["a"].mismatches, found["b"].mismatches) == (0, 1)


def test_a_word_for_null_is_missing_where_the_other_side_has_a_number() -> None:
    assert one({"a": 5}, {"a": "NA"}, untyped=(False, True)).features["a"].missing_in_reference == 1
    assert one({"a": "NA"}, {"a": "NA"}, untyped=(False, True)).features["a"].compared == 1  # Namibia


def test_what_is_missing_is_counted_apart_and_differences_are_of_all_numbers() -> None:
    skew = Skew(0.01)
    skew.add(b"1", {"a": 10.0, "b": 1}, {"a": 10.0, "c": 2})
    skew.add(b"2", {"a": 13.0}, {"a": 10.0})
    a, b, c = (skew.features[name] for name in "abc")
    assert (a.compared, a.mismatches, a.mismatch_share, a.examples) == (2, 1, 0.5, [b"2"])
    assert (a.mean_absolute_difference, a.absolute_max) == (1.5, 3.0)
    assert (b.missing_in_reference, b.missing_at_serving, b.mismatch_share, b.mean_absolute_difference) == (
        1,
        0,
        None,
        None,
    )
    assert (c.missing_in_reference, c.missing_at_serving) == (0, 1)


def test_few_examples_are_kept() -> None:
    skew = Skew(0)
    for number in range(20):
        skew.add(str(number).encode(), {"a": 1}, {"a": 2})
    assert len(skew.features["a"].examples) == EXAMPLES_MAX
