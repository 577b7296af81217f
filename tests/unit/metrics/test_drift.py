"""What makes a feature drift, and what does not."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.drift import FeatureDrift, Window, compare, drift, groups
from metrics.reference import FIRST, Categorical, Feature, Numeric
from tests.unit.metrics.features import categorical_feature, numeric_feature, window_of

RNG = np.random.default_rng(51)
NORMAL = numeric_feature(RNG.normal(size=10_000), nulls=100)
COUNTRIES = ["DE", "FR", "IT", "ES", "PL"]
SHARES = [0.5, 0.25, 0.15, 0.07, 0.03]
COUNTRY = categorical_feature(RNG.choice(COUNTRIES, 10_000, p=SHARES).tolist(), nulls=100)
FEATURES: list[Feature] = [NORMAL, COUNTRY, numeric_feature(np.full(40, 3.0))]
NUMBERS = {"bins", "ks", "ks_pvalue", "psi", "psi_threshold", "js", "wasserstein", "mean_shift", "null_ratio"}
CATEGORIES = {"bins", "chi2_pvalue", "psi", "psi_threshold", "js", "null_ratio", "new_categories"}


def judged(feature: Feature, values: Sequence[object], min_records: int = 30) -> FeatureDrift:
    return drift([("x", feature)], [window_of(feature, values)], min_records)["x"]


def normal(n: int, mean: float = 0.0, std: float = 1.0, seed: int = 52) -> list[object]:
    return [*np.random.default_rng(seed).normal(mean, std, n).tolist()]


def countries(n: int, shares: Sequence[float] = SHARES, seed: int = 53) -> list[object]:
    return [*np.random.default_rng(seed).choice(COUNTRIES, n, p=shares).tolist()]


def known(found: FeatureDrift) -> set[str]:
    of_interest = {each.name for each in fields(found)} - {"drifted", "drifted_by", "binning_error", "reason"}
    return {name for name in of_interest if getattr(found, name) is not None}


def test_a_number_has_what_suits_a_number_and_a_category_what_suits_a_category() -> None:
    assert known(judged(NORMAL, normal(100))) == NUMBERS
    assert known(judged(COUNTRY, countries(100))) == CATEGORIES


def test_the_values_of_a_number() -> None:
    values = [*normal(1900, mean=0.5), *[None] * 100]
    found = judged(NORMAL, values)
    numbers = np.array(values[:1900], np.float64)
    assert found.null_ratio == 0.05
    assert found.mean_shift == pytest.approx((numbers.mean() - NORMAL.mean) / NORMAL.std, abs=1e-6)
    assert found.psi_threshold == 0.1
    assert found.ks is not None
    assert set(found.binning_error) == {"ks", "wasserstein"}
    assert found.drifted_by == ["psi", "ks", "null_ratio"]
    assert found.drifted is True


def test_the_share_of_new_categories_is_of_the_values() -> None:
    found = judged(COUNTRY, [*countries(60), *["XX"] * 20, *[None] * 20])
    assert found.new_categories == 0.25
    assert found.null_ratio == 0.2


def test_the_threshold_of_psi_is_its_noise_in_small_windows() -> None:
    values = normal(50)
    counted = np.unique(groups(NORMAL)[window_of(NORMAL, values).counts > 0])
    assert len(counted) == 10  # and the nulls of the reference
    noise = (1 / 50 + 1 / 10_100) * stats.chi2.ppf(0.99, 10)
    assert judged(NORMAL, values).psi_threshold == pytest.approx(noise)


def test_groups_are_of_about_equal_mass_and_hold_neighbours() -> None:
    of_codes = groups(NORMAL)
    mass = np.bincount(of_codes, weights=NORMAL.counts)
    assert of_codes[:FIRST].tolist() == [0] * FIRST
    assert (np.diff(of_codes[FIRST:]) >= 0).all()
    assert len(mass) == 12
    assert (mass[0], mass[1]) == (100, 0)
    assert mass[2:] == pytest.approx(np.full(10, 1000), rel=0.25)


def test_a_heavy_category_is_a_group_and_rare_ones_share_one() -> None:
    heavy = Categorical(categories=list("abcde"), counts=[0, 0, 0, 0, 0, 60, 30, 4, 3, 3])
    of_codes = groups(heavy)[FIRST:].tolist()
    assert of_codes[0] == 1
    assert len({*of_codes[:3]}) == 3
    assert len({*of_codes[3:]}) == 1


@pytest.mark.parametrize("values", [normal(100_000), normal(100_000, mean=0.05), normal(100_000, std=1.1)])
def test_a_change_that_is_significant_but_small_is_no_drift(values: list[object]) -> None:
    assert judged(NORMAL, values).drifted is False
    assert judged(COUNTRY, countries(100_000, [0.52, 0.24, 0.14, 0.07, 0.03])).drifted is False


@pytest.mark.parametrize(
    ("values", "causes"),
    [
        (normal(2000, mean=0.35), ["psi", "ks"]),
        (normal(2000, mean=2.5), ["psi", "ks", "mean_shift"]),
        (normal(2000, std=0.3), ["psi", "ks"]),
        ([*normal(960), *[None] * 40], ["null_ratio"]),
        ([*normal(970), *[1e9] * 3], ["mean_shift"]),
        (normal(1000), []),
    ],
)
def test_what_makes_a_number_drift(values: list[object], causes: list[str]) -> None:
    found = judged(NORMAL, values)
    assert found.drifted_by == causes
    assert found.drifted is bool(causes)


@pytest.mark.parametrize(
    ("values", "causes"),
    [
        (countries(2000, [0.42, 0.25, 0.16, 0.1, 0.07]), ["chi2"]),
        (countries(2000, [0.1, 0.25, 0.15, 0.2, 0.3]), ["psi", "chi2"]),
        (["XX"] * 40, ["psi", "chi2"]),
        (countries(2000), []),
    ],
)
def test_what_makes_a_category_drift(values: list[object], causes: list[str]) -> None:
    assert judged(COUNTRY, values).drifted_by == causes


def test_a_feature_that_no_longer_comes_has_drifted() -> None:
    for feature in (NORMAL, COUNTRY):
        found = judged(feature, [None] * 50)
        assert found.drifted is True
        assert "null_ratio" in found.drifted_by
        assert found.reason == "0 values in the window, at least 30 are needed"
        assert (found.ks, found.wasserstein, found.mean_shift, found.new_categories) == (None,) * 4


def test_many_features_take_smaller_p_values() -> None:
    values = normal(300, mean=0.13, seed=122)
    alone = judged(NORMAL, values)
    assert alone.drifted_by == ["ks"]
    assert alone.ks_pvalue is not None
    assert 0.001 < alone.ks_pvalue < 0.01
    still = [normal(300, seed=seed) for seed in range(60, 80)]
    features: list[tuple[str, Feature]] = [(f"x{i}", NORMAL) for i in range(21)]
    windows = [window_of(NORMAL, each) for each in (values, *still)]
    assert drift(features, windows, 30)["x0"].drifted is False


def test_without_drift_hardly_any_feature_drifts() -> None:
    rng = np.random.default_rng(54)
    features: list[tuple[str, Feature]] = [("amount", NORMAL), ("country", COUNTRY)]
    shares = [np.array(feature.counts) / sum(feature.counts) for _, feature in features]
    found = [
        drift(features, [Window(rng.multinomial(n, share)) for share in shares], 30)[name].drifted
        for n in (50, 500)
        for _ in range(80)
        for name in ("amount", "country")
    ]
    assert np.mean([one is True for one in found]) <= 0.02


@pytest.mark.parametrize("n", [0, 1, 29])
def test_too_few_records_say_nothing_but_why(n: int) -> None:
    for feature, values in ((NORMAL, normal(n)), (COUNTRY, countries(n))):
        found = judged(feature, values)
        assert found == FeatureDrift(reason=f"{n} records in the window, at least 30 are needed")


def test_too_small_a_baseline_says_nothing_but_why() -> None:
    found = judged(numeric_feature(np.arange(5.0)), normal(100))
    assert found == FeatureDrift(reason="5 records in the baseline, at least 30 are needed")


def test_a_baseline_of_nulls_knows_the_nulls_only() -> None:
    nothing = Numeric(edges=[], counts=[0, 50, 0, 0, 0], mean=0, std=0, min=0, max=0, quartiles=(0, 0, 0))
    found = judged(nothing, normal(100))
    assert known(found) == {"psi", "psi_threshold", "js", "null_ratio"}
    assert found.reason == "0 values in the baseline, at least 30 are needed"


def test_a_constant_feature_drifts_when_it_is_one_no_longer() -> None:
    constant = numeric_feature(np.full(500, 0.1))
    still, other = judged(constant, [0.1] * 100), judged(constant, [0.2] * 100)
    assert (still.drifted, still.ks, still.psi) == (False, 0.0, 0.0)
    assert (other.drifted, other.ks) == (True, 1.0)
    assert (still.mean_shift, still.wasserstein) == (None, None)
    assert still.reason == "constant in the baseline: it has no standard deviation"


@given(st.data())
def test_whatever_is_counted_makes_finite_numbers_or_none(data: st.DataObject) -> None:
    feature = data.draw(st.sampled_from(FEATURES))
    held = data.draw(st.dictionaries(st.integers(0, feature.codes - 1), st.integers(0, 1000), max_size=5))
    counts = np.zeros(feature.codes, np.int64)
    counts[list(held)] = list(held.values())
    z = data.draw(st.floats(-1000, 1000)) * int(counts[FIRST:].sum())
    found = compare(feature, Window(counts, z, abs(z)), data.draw(st.integers(0, 30)))
    for each in fields(found):
        value = getattr(found, each.name)
        assert not isinstance(value, float) or np.isfinite(value), each.name
        assert not isinstance(value, np.generic), each.name
