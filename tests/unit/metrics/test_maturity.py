"""Label delays that depend on the class: the bias, measured, and what is left of it."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from metrics.confusion import Confusion
from metrics.maturity import RECORDS_MIN, DelayCurve, maturity, weighted_counts, weighted_metrics

MINUTE_MS = 60_000.0
BINS_PER_OCTAVE, BINS = 16.0, 560
TRUTH = 0.552  # precision


@dataclass(frozen=True)
class Traffic:
    cell: NDArray[np.int64]  # tp, fp, fn, tn
    delay_ms: NDArray[np.float64]

    def histograms(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        bins = np.minimum((np.log2(np.maximum(self.delay_ms, 1)) * BINS_PER_OCTAVE).astype(np.int64), BINS - 1)
        found = np.zeros((int(groups.max()) + 1, BINS), np.int64)
        np.add.at(found, (groups, bins), 1)
        return found

    def seen_after(self, age_ms: float) -> NDArray[np.int64]:
        return np.bincount(self.cell[self.delay_ms <= age_ms], minlength=4)


def draw(seed: int, n: int) -> Traffic:
    """STATISTICS, trap 1: labels of positives take 20 minutes on average, those of negatives 5."""
    rng = np.random.default_rng(seed)
    cell = rng.choice(4, n, p=[0.3 * TRUTH, 0.3 * (1 - TRUTH), 0.1, 0.6])
    mean = np.where((cell == 0) | (cell == 2), 20 * MINUTE_MS, 5 * MINUTE_MS)
    return Traffic(cell, rng.exponential(mean))


def curve_of_cells(seed: int = 1, n: int = 50_000) -> DelayCurve:
    finished = draw(seed, n)
    return DelayCurve.learn(finished.histograms(finished.cell), BINS_PER_OCTAVE)


@pytest.mark.parametrize(("minutes", "naive"), [(2, 0.27), (10, 0.36)])
def test_weights_take_the_bias_of_slow_positives_away(minutes: int, naive: float) -> None:
    age_ms = minutes * MINUTE_MS
    seen = draw(seed=2, n=50_000).seen_after(age_ms)
    found = weighted_metrics(curve_of_cells(), np.array([age_ms]), seen[np.newaxis])
    assert Confusion(*seen.tolist()).precision == pytest.approx(naive, abs=0.015)
    assert found["precision"] == pytest.approx(TRUTH, abs=0.02)
    assert found["recall"] == pytest.approx(0.3 * TRUTH / (0.3 * TRUTH + 0.1), abs=0.02)
    assert found["accuracy"] == pytest.approx(0.3 * TRUTH + 0.6, abs=0.02)


def test_the_predicted_class_alone_could_not_have_done_it() -> None:
    finished, age_ms = draw(seed=1, n=50_000), 2 * MINUTE_MS
    by_prediction = finished.histograms(finished.cell // 2)  # tp with fp, fn with tn
    curve = DelayCurve.learn(by_prediction[[0, 0, 1, 1]], BINS_PER_OCTAVE)
    seen = draw(seed=2, n=50_000).seen_after(age_ms)
    found = weighted_metrics(curve, np.array([age_ms]), seen[np.newaxis])
    assert found["precision"] == pytest.approx(Confusion(*seen.tolist()).precision)


def test_windows_of_different_ages_are_weighed_each_by_its_own() -> None:
    ages = np.array([2.0, 5.0, 20.0, 600.0]) * MINUTE_MS
    seen = np.stack([draw(seed, 20_000).seen_after(age) for seed, age in enumerate(ages.tolist(), 3)])
    found = weighted_metrics(curve_of_cells(), ages, seen)
    assert found["precision"] == pytest.approx(TRUTH, abs=0.02)


def test_when_all_labels_have_come_weighted_is_raw() -> None:
    seen = draw(seed=2, n=2000).seen_after(np.inf)
    confusion = Confusion(*seen.tolist())
    found = weighted_metrics(curve_of_cells(), np.array([1e9]), seen[np.newaxis])
    expected = {name: getattr(confusion, name) for name in ("accuracy", "precision", "recall", "f1")}
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_window_too_young_in_one_group_is_left_out_with_all_groups() -> None:
    counts = np.array([[0, 9], [5, 10]])
    assert weighted_counts(counts, np.array([[0.04, 0.9], [0.5, 1.0]])) == pytest.approx([10.0, 10.0])
    assert weighted_counts(counts[:1], np.array([[0.04, 0.9]])) is None
    assert weighted_counts(counts[:0], np.zeros((0, 2))) is None


def test_a_group_not_learned_matters_only_if_it_is_counted() -> None:
    share = np.array([[np.nan, 0.5]])
    assert weighted_counts(np.array([[0, 4]]), share) == pytest.approx([0.0, 8.0])
    assert weighted_counts(np.array([[1, 4]]), share) is None
    delays = np.zeros((2, 8), np.int64)
    delays[:, 3] = RECORDS_MIN - 1, RECORDS_MIN
    assert np.isnan(DelayCurve.learn(delays, 1.0).arrived_by(np.array([1e6]))).tolist() == [[True, False]]


def test_no_window_gives_no_metrics() -> None:
    found = weighted_metrics(curve_of_cells(n=2000), np.array([1000.0]), np.array([[1, 1, 1, 1]]))
    assert set(found.values()) == {None}


def test_the_curve_is_the_share_of_delays_up_to_an_age_within_a_bin() -> None:
    finished = draw(seed=1, n=5000)
    curve = DelayCurve.learn(finished.histograms(np.zeros(5000, np.int64)), BINS_PER_OCTAVE)
    for age_ms in np.geomspace(1000, 1e8, 50).tolist():
        expected = float(np.mean(finished.delay_ms <= age_ms))
        low, found, high = curve.arrived_by(age_ms * np.array([2 ** (-1 / 16), 1, 2 ** (1 / 16)]))[:, 0]
        assert low - 1e-12 <= expected <= high + 1e-12
        assert found == pytest.approx(expected, abs=0.02)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.lists(st.floats(-1e3, 1e9), min_size=2, max_size=9))
def test_shares_grow_with_age_from_0_to_1(delays: list[int], ages: list[float]) -> None:
    share = DelayCurve.learn(np.array([delays]), 2.0).arrived_by(np.sort(np.array([*ages, -1.0, 2.0**30])))[:, 0]
    if sum(delays) < RECORDS_MIN:
        assert np.isnan(share).all()
        return
    assert (np.diff(share) >= 0).all()
    assert (share[0], share[-1]) == (0, 1)


def test_maturity_tells_late_labels_from_early_days() -> None:
    finished = draw(seed=1, n=50_000)
    predicted = finished.cell // 2
    predictions = np.bincount(predicted) * np.array([2, 4])  # half of one class gets labels, a quarter of the other
    curve = DelayCurve.learn(finished.histograms(predicted), BINS_PER_OCTAVE, predictions)
    age, now = np.array([5 * MINUTE_MS]), draw(seed=2, n=50_000)
    labels = int(now.seen_after(age[0]).sum())
    made = np.bincount(now.cell // 2)[np.newaxis] * np.array([2, 4])
    early = maturity(curve, age, made, labels)
    assert early["maturity"] == pytest.approx(1, abs=0.02)
    assert early["expected_share"] == pytest.approx(labels / 50_000, abs=0.02)
    held_up = maturity(curve, age, made, labels // 2)
    assert held_up["maturity"] == pytest.approx(0.5, abs=0.01)
    assert held_up["expected_share"] == early["expected_share"]
    late = maturity(curve, np.array([1e9]), made, 25_000)
    assert late["maturity"] == pytest.approx(0.5, abs=0.01)
    assert late["expected_share"] == 1


def test_maturity_is_at_most_1_and_none_where_nothing_is_expected() -> None:
    delays = np.zeros((2, 8), np.int64)
    delays[0, 4] = 100
    curve = DelayCurve.learn(delays, 1.0, np.array([100, 5]))
    ages = np.array([1000.0])
    assert maturity(curve, ages, np.array([[10, 0]]), 12)["maturity"] == 1
    young = maturity(curve, np.array([1.0]), np.array([[10, 0]]), 0)
    assert young == {"maturity": None, "expected_share": 0}
    unknown = {"maturity": None, "expected_share": None}
    assert maturity(curve, ages, np.array([[10, 1]]), 5) == unknown  # the second group was not learned
    assert maturity(curve, ages, np.array([[0, 0]]), 0) == unknown
    assert maturity(curve, ages[:0], np.zeros((0, 2), np.int64), 0) == unknown


@pytest.mark.parametrize(("age_ms", "told"), [(2.0**2.4, True), (2.0**2.3, False)])
def test_whether_labels_are_held_up_nobody_can_tell_before_a_tenth_is_to_be_expected(age_ms: float, told: bool) -> None:
    delays = np.zeros((1, 8), np.int64)
    delays[0, [2, 6]] = 30, 70
    found = maturity(DelayCurve.learn(delays, 1.0, np.array([100])), np.array([age_ms]), np.array([[1000]]), 0)
    assert found["expected_share"] == pytest.approx(0.3 * (np.log2(age_ms) - 2))
    assert found["maturity"] == (0 if told else None)


def test_windows_add_up_to_what_is_expected_of_them() -> None:
    delays = np.zeros((1, 8), np.int64)
    delays[0, [2, 6]] = 50
    curve = DelayCurve.learn(delays, 1.0, np.array([200]))
    found = maturity(curve, np.array([16.0, 1000.0]), np.array([[100], [60]]), 40)
    expected = 100 * 0.25 + 60 * 0.5  # of 80 that will come
    assert found["maturity"] == pytest.approx(40 / expected)
    assert found["expected_share"] == pytest.approx(expected / 80)
