"""Values become codes: every JSON scalar has one, whatever the others of its chunk are."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.coding import OTHER, UNSEEN, Z_MAX, categorical_codes, numeric_codes
from metrics.reference import FIRST, MISMATCH, MISSING, NON_FINITE, NULL, Categorical, Numeric

EDGES = [-1.0, 0.0, 2.5, 1e300]
NUMBER = Numeric(edges=EDGES, counts=[0] * 9, mean=1.0, std=2.0, min=-1.0, max=1e300, quartiles=(0, 1, 2))
OVERFLOW = 2**1024 - 2**970  # from here on a whole number rounds to infinity
NAMES = ["DE", "true", "7", "0.5", OTHER]
COUNTRY = Categorical(categories=NAMES, counts=[0] * 10, rare=["LI", "SM"])
DE, TRUE, SEVEN, HALF, RARE = range(UNSEEN + 1, UNSEEN + 6)

scalars = (
    st.floats()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), *EDGES, *NAMES, "LI", "12"])
    | st.text(max_size=2)
    | st.booleans()
    | st.none()
    | st.just(msgspec.UNSET)
    | st.builds(object)
    | st.builds(list)
)


def number_code(value: object) -> int:
    """By the definition, one value at a time."""
    if value is msgspec.UNSET:
        return MISSING
    if value is None:
        return NULL
    if type(value) not in {int, float}:
        return MISMATCH
    assert isinstance(value, int | float)
    if not abs(value) < OVERFLOW:
        return NON_FINITE
    return FIRST + sum(value > edge for edge in EDGES)


@given(st.lists(scalars))
def test_a_number_has_the_code_that_it_has_alone(values: list[object]) -> None:
    codes, z = numeric_codes(NUMBER, values)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [number_code(value) for value in values]
    assert z.dtype == np.float32
    assert np.isfinite(z).all()
    assert not z[codes < FIRST].any()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (msgspec.UNSET, MISSING),
        (None, NULL),
        (True, MISMATCH),
        ("12", MISMATCH),
        ([], MISMATCH),
        (float("nan"), NON_FINITE),
        (float("-inf"), NON_FINITE),
        (10**400, NON_FINITE),
        (-1, FIRST),  # an edge belongs to the bin that it ends
        (np.nextafter(-1, 0).item(), FIRST + 1),
        (2.5, FIRST + 2),
        (1e301, FIRST + 4),
    ],
)
def test_numbers_and_what_is_none(value: object, code: int) -> None:
    assert numeric_codes(NUMBER, [value])[0].tolist() == [code]
    assert numeric_codes(NUMBER, [0.0, value, "x", 3])[0].tolist() == [FIRST + 1, code, MISMATCH, FIRST + 3]


def test_z_scores_are_of_the_reference_and_end_at_their_limit() -> None:
    _, z = numeric_codes(NUMBER, [1, 4.0, -2.0, 1e308, -1e308, float("nan"), float("inf"), None])
    assert z.tolist() == [0.0, 1.5, -1.5, Z_MAX, -Z_MAX, 0.0, 0.0, 0.0]


def test_a_constant_reference_has_no_z_scores() -> None:
    constant = msgspec.structs.replace(NUMBER, std=0.0)
    assert numeric_codes(constant, [1.0, 5.0])[1].tolist() == [0.0, 0.0]


def test_z_scores_beyond_the_range_of_floats_are_the_limit() -> None:
    tiny = msgspec.structs.replace(NUMBER, mean=-1e308, std=1e-300)
    assert numeric_codes(tiny, [1e308, -1e308])[1].tolist() == [Z_MAX, 0.0]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("DE", DE),
        ("FR", UNSEEN),
        ("LI", RARE),
        (OTHER, RARE),
        (True, TRUE),
        (False, UNSEEN),
        ("true", TRUE),
        (7, SEVEN),
        (7.0, SEVEN),
        ("7", SEVEN),
        ("7.0", UNSEEN),
        (0.5, HALF),
        (1e300, UNSEEN),
        (10**400, UNSEEN),
        (None, NULL),
        (msgspec.UNSET, MISSING),
        (float("nan"), NON_FINITE),
        (float("inf"), NON_FINITE),
        ({}, MISMATCH),
        (object(), MISMATCH),
    ],
)
def test_categories_and_what_is_none(value: object, code: int) -> None:
    assert categorical_codes(COUNTRY, [value]).tolist() == [code]


@given(st.lists(scalars))
def test_a_category_has_the_code_that_it_has_alone(values: list[object]) -> None:
    codes = categorical_codes(COUNTRY, values)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [categorical_codes(COUNTRY, [value]).item() for value in values]


def test_rare_names_without_their_category_were_never_seen() -> None:
    feature = Categorical(categories=["a"], counts=[0] * 6, rare=["b"])
    assert categorical_codes(feature, ["a", "b"]).tolist() == [UNSEEN + 1, UNSEEN]


def test_features_of_equal_shape_keep_their_own_codes() -> None:
    ab, ba = (Categorical(categories=list(names), counts=[0] * 7) for names in ("ab", "ba"))
    assert [categorical_codes(feature, ["a"]).item() - UNSEEN for feature in (ab, ba, ab)] == [1, 2, 1]


def test_no_values_have_no_codes() -> None:
    codes, z = numeric_codes(NUMBER, [])
    assert (len(codes), len(z), len(categorical_codes(COUNTRY, []))) == (0, 0, 0)
