"""Reference against now, in bins that people can look at."""

import numpy as np
import pytest

from metrics.reference import FIRST, Categorical
from metrics.side_by_side import bin_names, of_feature, of_numbers
from tests.unit.metrics.features import categorical_feature, numeric_feature, window_of


def test_a_number_is_shown_in_bins_of_equal_mass_in_the_baseline() -> None:
    feature = numeric_feature(np.arange(1000.0))
    found = of_feature(feature, window_of(feature, [*np.arange(900.0, 1000.0).tolist(), None]).counts, 10)
    assert found is not None
    assert found["reference"] == pytest.approx([0.1] * 10, abs=0.011)
    assert found["now"] == pytest.approx([0] * 9 + [1], abs=0.011)
    assert found["upper"][-1] is None
    assert found["upper"][:-1] == pytest.approx(np.arange(99, 999, 100), abs=21)


def test_a_value_that_fills_several_bins_has_one_of_its_own() -> None:
    found = of_numbers(np.array([1.0, 2.0, 3.0]), np.array([1, 8, 1, 0]), np.array([0, 0, 0, 4]), 10)
    assert found == {"upper": [1.0, 2.0, None], "reference": [0.1, 0.8, 0.1], "now": [0.0, 0.0, 1.0]}


def test_of_a_category_the_commonest_stand_for_themselves_and_what_is_new_is_missing_to_1() -> None:
    feature = categorical_feature(["a"] * 5 + ["b"] * 3 + ["c", "d"])
    found = of_feature(feature, window_of(feature, ["a", "d", "c", "new", None]).counts, 2)
    assert bin_names(feature, 2) == ["a", "b", "__other__"]
    assert found == {"reference": [0.5, 0.3, 0.2], "now": [0.25, 0.0, 0.5]}


def test_no_bin_is_made_for_a_rest_that_is_not_there() -> None:
    feature = categorical_feature(["a", "a", "b"])
    assert bin_names(feature, 2) == ["a", "b"]
    found = of_feature(feature, window_of(feature, ["b", "b"]).counts, 2)
    assert found == {"reference": [0.666667, 0.333333], "now": [0.0, 1.0]}


def test_the_rest_of_the_baseline_is_no_category_beside_the_rest() -> None:
    feature = Categorical(categories=["a", "__other__", "b"], counts=[0] * (FIRST + 1) + [4, 4, 2], rare=["x"])
    found = of_feature(feature, np.array([0] * (FIRST + 1) + [1, 2, 1]), 1)
    assert bin_names(feature, 1) == ["a", "__other__"]
    assert found == {"reference": [0.4, 0.6], "now": [0.25, 0.75]}


def test_without_a_value_on_one_side_there_is_nothing_to_see() -> None:
    feature = numeric_feature(np.arange(100.0))
    assert of_feature(feature, window_of(feature, [None] * 50).counts, 10) is None
