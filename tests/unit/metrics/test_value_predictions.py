"""Predicted numbers as a part of a window: counting, drift against scipy, estimated losses."""

import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from metrics.dle import estimate, loss_sums
from metrics.inputs import SQUARE_SCALE, Z_SCALE
from metrics.observer import Observation
from metrics.reference import Losses, Numeric
from metrics.reference_outcomes import NumberOutcomes
from metrics.value_predictions import BUCKETS, ValuePredictions, bucket_of
from metrics.window_layout import WindowLayout
from tests.unit.metrics.features import numeric_feature

HOUR = 3600.0
Floats = NDArray[np.float64]


def drawn(seed: int, n: int, shift: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(100 + shift, 20, n)


REFERENCE = drawn(1, 10_000)
NUMERIC = numeric_feature(REFERENCE)
ERRORS = np.random.default_rng(2).normal(0, REFERENCE / 20)


def losses(numeric: Numeric, predicted: Floats, error: Floats) -> Losses:
    outcomes = NumberOutcomes(numeric.edges)
    for part in np.array_split(np.arange(len(predicted)), 7):
        outcomes.add(predicted[part], predicted[part] - error[part])
    found = outcomes.losses()
    assert found is not None
    return found


LOSSES = losses(NUMERIC, REFERENCE, ERRORS)
PART = ValuePredictions(NUMERIC, LOSSES, HOUR, 30)


def predicting(value: Floats) -> Observation:
    return Observation(value, value, np.zeros(0, np.uint8), np.ones(len(value), np.bool_))


def summary(value: Floats, part: ValuePredictions = PART, seconds: float = HOUR) -> dict[str, object]:
    head, cells = part.observe(predicting(value), np.zeros(len(value), np.int64), 1)
    return WindowLayout((part,)).summarise(head[0], cells[0], seconds)


def fields(found: object) -> dict[str, object]:
    assert isinstance(found, dict)
    return found


def drift(value: Floats, part: ValuePredictions = PART) -> dict[str, object]:
    found = fields(summary(value, part)["drift"])
    assert (found["over"], found["records"]) == ("1h", len(value))
    return fields(found["prediction"])


@given(
    hnp.arrays(np.float64, 30, elements=st.floats(-1e15, 1e15)),
    hnp.arrays(np.int64, 30, elements=st.integers(0, 2)),
)
def test_every_record_is_counted_in_its_window_and_bin(value: Floats, slot: NDArray[np.int64]) -> None:
    head, cells = PART.observe(predicting(value), slot, 3)
    assert (head.shape, cells.shape) == ((3, 2), (3, PART.cells))
    assert (head.dtype.name, cells.dtype.name) == ("int64", "int32")
    z = np.clip((value - NUMERIC.mean) / NUMERIC.std, -1000, 1000)
    for window in range(3):
        here = slot == window
        bins = Counter(sum(edge < one for edge in NUMERIC.edges) for one in value[here].tolist())
        assert cells[window, : PART.bins].tolist() == [bins[at] for at in range(PART.bins)]
        assert cells[window, PART.bins :].sum() == here.sum()
        exact = [sum(round(Fraction(one) * Z_SCALE) for one in z[here].tolist()),
                 sum(round(Fraction(one * one) * SQUARE_SCALE) for one in z[here].tolist())]  # fmt: skip
        assert head[window].tolist() == pytest.approx(exact, abs=int(here.sum()))


def test_slots_that_are_not_there_are_refused() -> None:
    for slot in (-1, 2):
        with pytest.raises(IndexError):
            PART.observe(predicting(np.array([0.5])), np.array([slot]), 2)


@pytest.mark.parametrize("shift", [0.0, 8.0, 60.0])
def test_drift_is_scipys_within_the_stated_error(shift: float) -> None:
    value = drawn(3, 2000, shift)
    found = drift(value)
    errors = fields(found["binning_error"])
    exact = stats.ks_2samp(REFERENCE, value).statistic
    assert found["ks"] <= exact + 1e-12 <= found["ks"] + errors["ks"] + 2e-12  # type: ignore[operator]
    assert found["ks_pvalue"] == pytest.approx(stats.kstwobign.sf(found["ks"] * np.sqrt(2000 * 10_000 / 12_000)))
    assert found["mean_shift"] == pytest.approx((value.mean() - REFERENCE.mean()) / REFERENCE.std(), abs=1e-5)
    distance = stats.wasserstein_distance(REFERENCE, value) / REFERENCE.std()
    assert found["wasserstein"] == pytest.approx(distance, abs=errors["wasserstein"])  # type: ignore[arg-type]
    assert found["drifted"] is (shift > 0)
    assert ("mean_shift" in found["drifted_by"]) is (shift == 60.0)  # type: ignore[operator]


def test_drift_is_for_long_spans_only() -> None:
    assert "drift" not in summary(drawn(4, 100), seconds=HOUR - 1)


def test_the_estimate_is_that_of_the_losses_in_the_same_bins() -> None:
    value = drawn(5, 500, 5.0)
    bins = np.searchsorted(NUMERIC.edges, REFERENCE, side="left")
    sums = loss_sums(bins, ERRORS, PART.bins)
    expected = estimate(np.bincount(np.searchsorted(NUMERIC.edges, value, side="left"), minlength=PART.bins), sums)
    found = fields(summary(value, seconds=60)["estimated"])
    assert found["method"] == "dle"
    assert found["metrics"] == pytest.approx(expected["metrics"], rel=1e-9)
    assert fields(found["intervals"])["mae"] == pytest.approx(expected["intervals"]["mae"], rel=1e-9)
    # errors are normal with a deviation of a twentieth: E|e| = sd sqrt(2 / pi)
    assert fields(found["metrics"])["mae"] == pytest.approx(value.mean() / 20 * np.sqrt(2 / np.pi), rel=0.05)


def test_without_labels_or_with_too_few_predictions_nothing_is_estimated_and_it_says_why() -> None:
    unlabelled = ValuePredictions(NUMERIC, None, HOUR, 30)
    for part, n, reason in ((unlabelled, 100, "no labels in the baseline"), (PART, 29, "29 predictions in the window")):
        found = fields(summary(drawn(6, n), part)["estimated"])
        assert found["metrics"] == dict.fromkeys(("mae", "mse", "rmse"))
        assert str(found["reason"]).startswith(reason)
    assert fields(drift(drawn(6, 100), unlabelled))["drifted"] is False


def test_the_share_of_the_commonest_prediction() -> None:
    def share(value: Floats) -> object:
        return fields(summary(value)["metrics"])["top_value_share"]

    assert share(np.full(200, 7.25)) == 1.0
    assert share(np.array([-0.0, 0.0])) == 1.0
    assert share(np.array([1.0, 2.0, 3.0, 2.0])) == 0.5
    assert share(np.concatenate([drawn(7, 7000), np.full(3000, 42.0)])) == pytest.approx(0.3, abs=0.005)
    assert share(drawn(8, 10_000)) < 0.005  # type: ignore[operator]
    assert share(np.zeros(0)) is None


@pytest.mark.parametrize("values", [np.arange(100_000.0), np.arange(100_000) / 100, 2.0 ** np.arange(-500, 500)])
def test_different_values_spread_over_the_buckets(values: Floats) -> None:
    counts = np.bincount(bucket_of(values), minlength=BUCKETS)
    assert len(counts) == BUCKETS
    assert counts.max() <= len(values) / BUCKETS + 8 * np.sqrt(len(values) / BUCKETS) + 8


def test_degenerate_windows_and_references_fail_nothing() -> None:
    constant = numeric_feature(np.full(100, 5.0))
    references = (
        PART,
        ValuePredictions(constant, losses(constant, np.full(3, 5.0), np.zeros(3)), HOUR, 30),
        ValuePredictions(numeric_feature(np.array([5.0])), None, HOUR, 30),
    )
    for part in references:
        for value in (np.zeros(0), np.ones(1), np.full(100, 5.0), np.full(100, 1e15), drawn(9, 100)):
            json.dumps(summary(value, part), allow_nan=False)


def test_parts_of_the_same_bins_are_the_same_and_others_are_not() -> None:
    assert ValuePredictions(NUMERIC, None, 60.0, 1).name == PART.name
    assert hash(ValuePredictions(NUMERIC, LOSSES, HOUR, 30)) == hash(PART)
    assert ValuePredictions(numeric_feature(drawn(10, 100)), LOSSES, HOUR, 30).name != PART.name
