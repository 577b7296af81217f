"""Shares of bad values, against what numpy says of the values themselves."""

import msgspec
import numpy as np
import pytest

from metrics.quality import FeatureQuality, feature_quality
from metrics.reference import Numeric
from tests.unit.metrics.features import categorical_feature, numeric_feature, window_of

RNG = np.random.default_rng(5)
AMOUNTS = RNG.lognormal(3, 1, 4000)
LATER = RNG.lognormal(3.3, 1.2, 3000)
VISITS = RNG.poisson(3, 4000).astype(float)
LATER_VISITS = RNG.poisson(5, 3000).astype(float)


@pytest.mark.parametrize(("reference", "values"), [(AMOUNTS, LATER), (VISITS, LATER_VISITS), (AMOUNTS, -LATER)])
def test_outliers_and_range_violations_are_counted_to_the_record(
    reference: np.ndarray[tuple[int], np.dtype[np.float64]], values: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> None:
    feature = numeric_feature(reference)
    found = feature_quality(feature, window_of(feature, values.tolist()).counts)
    q1, q3 = np.quantile(reference, [0.25, 0.75])
    fence = 1.5 * (q3 - q1)
    assert found["outlier_zscore_ratio"] == np.mean(np.abs(values - reference.mean()) > 3 * reference.std())
    assert found["outlier_iqr_ratio"] == np.mean((values < q1 - fence) | (values > q3 + fence))
    assert found["out_of_range_ratio"] == np.mean((values < reference.min()) | (values > reference.max()))


def test_the_bounds_themselves_are_no_violation_and_the_next_float_is() -> None:
    feature = numeric_feature(AMOUNTS)
    ends = [feature.min, feature.max]
    beyond = [np.nextafter(feature.min, -np.inf).item(), np.nextafter(feature.max, np.inf).item()]
    assert feature_quality(feature, window_of(feature, ends).counts)["out_of_range_ratio"] == 0.0
    assert feature_quality(feature, window_of(feature, ends + beyond).counts)["out_of_range_ratio"] == 0.5


def test_bad_values_are_shares_of_all_records_and_outliers_of_the_finite_numbers() -> None:
    feature = numeric_feature(AMOUNTS)
    values = [*[20.0] * 3, 1e9, None, msgspec.UNSET, msgspec.UNSET, "20", True, float("nan")]
    assert feature_quality(feature, window_of(feature, values).counts) == FeatureQuality(
        missing_ratio=0.3,
        type_mismatch_ratio=0.2,
        non_finite_ratio=0.1,
        outlier_zscore_ratio=0.25,
        outlier_iqr_ratio=0.25,
        out_of_range_ratio=0.25,
    )


def test_a_category_has_no_outliers() -> None:
    feature = categorical_feature(["a", "b", "b"])
    found = feature_quality(feature, window_of(feature, ["a", None, [], "new"]).counts)
    assert (found["missing_ratio"], found["type_mismatch_ratio"]) == (0.25, 0.25)
    assert (found["outlier_zscore_ratio"], found["outlier_iqr_ratio"], found["out_of_range_ratio"]) == (None,) * 3


def test_nothing_is_known_of_no_records() -> None:
    for feature in (numeric_feature(AMOUNTS), categorical_feature(["a"])):
        assert set(feature_quality(feature, window_of(feature, []).counts).values()) == {None}


def test_only_nulls_have_no_outliers_and_no_range() -> None:
    feature = numeric_feature(AMOUNTS)
    found = feature_quality(feature, window_of(feature, [None] * 9).counts)
    assert found["missing_ratio"] == 1.0
    assert (found["outlier_zscore_ratio"], found["outlier_iqr_ratio"], found["out_of_range_ratio"]) == (None,) * 3


def test_a_constant_reference_has_a_range_but_no_outliers() -> None:
    feature = numeric_feature(np.full(100, 0.1))
    found = feature_quality(feature, window_of(feature, [0.1, 0.1, 0.2, 0.0]).counts)
    assert found["out_of_range_ratio"] == 0.5
    assert (found["outlier_zscore_ratio"], found["outlier_iqr_ratio"]) == (None, None)


@pytest.mark.parametrize("edges", [[], [0.0], [0.0, 2.0]])
def test_bounds_that_are_no_edges_make_no_wrong_number(edges: list[float]) -> None:
    counts = [0] * 4 + [1] * (len(edges) + 1)
    feature = Numeric(edges=edges, counts=counts, mean=0.5, std=0.1, min=0.0, max=1.0, quartiles=(0.4, 0.5, 0.6))
    found = feature_quality(feature, np.array(counts))
    assert (found["outlier_zscore_ratio"], found["outlier_iqr_ratio"], found["out_of_range_ratio"]) == (None,) * 3
