"""The regression part: exact in both directions, equal to scikit-learn."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn import metrics as sk

from metrics.fixed_sum import FixedSum
from metrics.regression import COARSE, FINE, VALUE_MAX, Column, Prepared, RegressionPart
from metrics.regression_result import mean_interval, positive_mean_interval
from metrics.window_layout import Cells, Head

SLOTS = 4
unhurried = settings(deadline=None, max_examples=50)  # a loaded machine is no wrong answer
both_parts = pytest.mark.parametrize("part", [FINE, COARSE])


@dataclass(frozen=True)
class Numbers:
    prediction: NDArray[np.float64]
    actual: NDArray[np.float64]
    latency_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.prediction)

    def prepared(self, part: RegressionPart = FINE) -> Prepared:
        return part.prepare(self.prediction, self.actual, self.latency_ms)


def numbers(*pairs: tuple[float, float]) -> Numbers:
    columns = np.array(pairs, np.float64).reshape(-1, 2).T
    return Numbers(columns[0], columns[1], np.full(len(pairs), 1000))


def draw(seed: int, n: int, scale: float = 1.0, centre: float = 0.0) -> Numbers:
    rng = np.random.default_rng(seed)
    actual = centre + scale * rng.normal(3, 2, n)
    return Numbers(actual + scale * rng.normal(0.2, 1, n), actual, rng.integers(1, 10**8, n))


@st.composite
def any_numbers(draw_one: st.DrawFn, size_max: int = 12) -> Numbers:
    """Few records of every size from nothing to the greatest there is."""
    n = draw_one(st.integers(0, size_max))
    sizes = st.sampled_from([0.0, 1e-9, -1e-9, 0.1, 1.0, 7.0, 1e12, VALUE_MAX, -VALUE_MAX])
    values = sizes | st.floats(-VALUE_MAX, VALUE_MAX)
    column = hnp.arrays(np.float64, n, elements=values)
    waits = hnp.arrays(np.int64, n, elements=st.integers(-1000, 2**36))
    return Numbers(draw_one(column), draw_one(column), draw_one(waits))


def zeros(part: RegressionPart, slots: int = 1) -> tuple[Head, NDArray[np.int32]]:
    return np.zeros((slots, part.head_columns), np.int64), np.zeros((slots, part.cells), np.int32)


def window(records: Numbers, part: RegressionPart = FINE) -> tuple[Head, Cells]:
    (head, cells), slot = zeros(part), np.zeros(len(records), np.int64)
    prepared = records.prepared()
    part.add_predictions(head, cells, slot, prepared)
    part.add_outcomes(head, cells, slot, prepared)
    return head[0], cells[0]


def summary(records: Numbers, part: RegressionPart = FINE) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(part.summarise(*window(records, part), 60)))
    return found


@unhurried
@given(any_numbers(), st.sampled_from([FINE, COARSE]), st.integers(0, 99))
def test_add_then_retract_leaves_nothing(records: Numbers, part: RegressionPart, seed: int) -> None:
    head, cells = zeros(part, SLOTS)
    slot = np.random.default_rng(seed).integers(0, SLOTS, len(records))
    prepared = records.prepared()
    for sign in (1, -1):
        part.add_predictions(head, cells, slot, prepared, sign)
        part.add_outcomes(head, cells, slot, prepared, np.full(len(records), sign))
        assert sign == -1 or len(records) == 0 or (head.any() and cells.any())
    assert not head.any()
    assert not cells.any()


@unhurried
@given(any_numbers(), st.integers(0, 99))
def test_merge_of_parts_in_any_order_is_the_batch_over_their_union(records: Numbers, seed: int) -> None:
    prepared = records.prepared()
    head, cells = zeros(FINE, SLOTS)
    for index in np.array_split(np.random.default_rng(seed).permutation(len(records)), SLOTS):
        slot = index % SLOTS
        FINE.add_predictions(head, cells, slot, prepared.take(index))
        FINE.add_outcomes(head, cells, slot, prepared.take(index))
    together = window(records)
    assert np.array_equal(head.sum(axis=0), together[0])
    assert np.array_equal(cells.sum(axis=0), together[1])


@unhurried
@given(any_numbers())
def test_sums_are_exact_whatever_the_sizes(records: Numbers) -> None:
    grain = Fraction(2) ** -70
    snapped = [round(Fraction(value) / grain) * grain for value in records.actual.tolist()]
    total = FixedSum(-70, 4)
    head = np.zeros(4, np.int64)
    np.add.at(head, *total.terms(records.actual))
    assert total.read(head) == sum(snapped)
    squares = FixedSum(-140, 9)
    found = window(records)[0]
    start = int(Column.SUMS_START) + 4 * 4 + 9 + 14  # behind four values, the squared and the fourth
    assert squares.read(found[start : start + 9]) == sum(value**2 for value in snapped)


@pytest.mark.parametrize(("lowest", "limbs", "least", "most"), [(-70, 4, -17, 51), (-180, 14, -127, 242)])
def test_a_term_leaves_room_for_two_billion_more(lowest: int, limbs: int, least: int, most: int) -> None:
    rng = np.random.default_rng(5)
    values = rng.choice([-1.0, 1.0], 2000) * np.exp2(rng.uniform(least, most, 2000))
    total, head = FixedSum(lowest, limbs), np.zeros(limbs, np.int64)
    columns, amounts = total.terms(values)
    np.add.at(head, columns, amounts)
    assert np.abs(amounts).max() <= 2**32
    assert total.read(head) == sum(map(Fraction, values.tolist()))


@pytest.mark.parametrize(("scale", "centre"), [(1.0, 0.0), (1e-9, 0.0), (1e12, 0.0), (1.0, 1e7)])
def test_metrics_equal_scikit_learn(scale: float, centre: float) -> None:
    records = draw(seed=1, n=3000, scale=scale, centre=centre)
    truth, predicted = records.actual, records.prediction
    found = summary(records)["metrics"]
    expected = {
        "mse": sk.mean_squared_error(truth, predicted),
        "rmse": sk.root_mean_squared_error(truth, predicted),
        "mae": sk.mean_absolute_error(truth, predicted),
        "r2": sk.r2_score(truth, predicted),
        "mape": sk.mean_absolute_percentage_error(truth, predicted),
        "bias": np.mean(predicted - truth),
        "mean_prediction": predicted.mean(),
        "mean_actual": truth.mean(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)


@both_parts
def test_error_quantiles_are_within_the_stated_relative_error(part: RegressionPart) -> None:
    rng = np.random.default_rng(2)
    error = rng.choice([-1, 1], 4321) * np.exp(rng.normal(0, 6, 4321))
    records = Numbers(error, np.zeros(4321), np.ones(4321, np.int64))
    found = summary(records, part)
    for name, share in {"error_p50": 0.5, "error_p90": 0.9, "error_p95": 0.95, "error_p99": 0.99}.items():
        exact = np.quantile(np.abs(error), share, method="inverted_cdf")
        assert found["metrics"][name] == pytest.approx(exact, rel=part.error_relative_error + 1e-9)
    assert found["error_quantiles_relative_error"] == part.error_relative_error <= (0.025 if part == FINE else 0.1)


@pytest.mark.parametrize("size", [2.0**-40, 1e-9, 1.0, 2.0, 1e12, 2 * VALUE_MAX])
def test_a_quantile_of_any_size_is_within_the_bound(size: float) -> None:
    found = summary(numbers((size / 2, -size / 2)))["metrics"]
    assert found["error_p99"] == pytest.approx(size, rel=FINE.error_relative_error + 1e-9)


def test_an_error_of_nothing_is_0_in_every_quantile() -> None:
    found = summary(numbers((1.5, 1.5), (2.0, 2.0), (3.0, 3.0 + 1e-13)))["metrics"]
    assert found["error_p50"] == found["error_p99"] == 0


def test_mape_leaves_truths_of_0_out_and_says_how_many() -> None:
    found = summary(numbers((1.0, 0.0), (3.0, 2.0), (1.0, -2.0)))
    assert found["metrics"]["mape"] == pytest.approx((0.5 + 1.5) / 2)
    assert found["zero_actuals"] == 1
    only_zeros = summary(numbers((1.0, 0.0)))
    assert only_zeros["metrics"]["mape"] is None


@pytest.mark.parametrize("truth", [0.1, 1e-9, 123456.789])
def test_a_constant_truth_leaves_r2_undefined(truth: float) -> None:
    found = summary(numbers(*((truth + k, truth) for k in range(7))))["metrics"]
    assert found["r2"] is None
    assert found["mse"] == pytest.approx(13)


def test_an_empty_window_and_one_record_know_what_they_can() -> None:
    empty = summary(numbers())
    assert (empty["total"], empty["label_coverage"], empty["throughput_per_second"]) == (0, None, 0)
    assert set(empty["metrics"].values()) == set(empty["intervals"].values()) == {None}
    assert empty["label_latency_seconds"] is None
    one = summary(numbers((2.0, 1.0)))
    assert {name for name, value in one["metrics"].items() if value is None} == {"r2"}
    assert set(one["intervals"].values()) == {None}


def test_unlabelled_predictions_count_in_total_and_their_mean_only() -> None:
    head, cells = zeros(FINE)
    FINE.add_predictions(head, cells, np.zeros(2, np.int64), FINE.prepare(np.array([1.0, 4.0])))
    found = FINE.summarise(head[0], cells[0], 60)
    assert isinstance(found["metrics"], dict)
    known = {name: value for name, value in found["metrics"].items() if value is not None}
    assert (found["total"], found["labelled"], found["label_coverage"], known) == (2, 0, 0.0, {"mean_prediction": 2.5})


def test_label_latencies_are_summarised() -> None:
    records = draw(seed=4, n=1000)
    found = summary(records)["label_latency_seconds"]
    assert found["mean"] == pytest.approx(records.latency_ms.mean() / 1000)
    median = np.quantile(records.latency_ms / 1000, 0.5, method="inverted_cdf")
    assert found["p50"] == pytest.approx(median, rel=0.022)


def test_labels_without_latencies_count_without_a_latency() -> None:
    head, cells = zeros(FINE)
    ones = np.ones(3)
    FINE.add_outcomes(head, cells, np.zeros(3, np.int64), FINE.prepare(ones, ones))
    found = FINE.summarise(head[0], cells[0], 60)
    assert (found["labelled"], found["label_latency_seconds"]) == (3, None)


@pytest.mark.parametrize("wrong", [1.001e15, -1.001e15, math.nan, math.inf])
def test_a_value_beyond_the_range_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="prediction must be a number"):
        FINE.prepare(np.array([wrong]))
    with pytest.raises(ValueError, match="actual must be a number"):
        FINE.prepare(np.ones(1), np.array([wrong]))


def test_outcomes_without_labels_and_slots_that_are_not_there_are_refused() -> None:
    head, cells = zeros(FINE)
    unlabelled = FINE.prepare(np.ones(1))
    with pytest.raises(ValueError, match="without labels"):
        FINE.add_outcomes(head, cells, np.zeros(1, np.int64), unlabelled)
    for slot in (-1, 1):
        with pytest.raises(IndexError):
            FINE.add_predictions(head, cells, np.full(1, slot), unlabelled)
    with pytest.raises(ValueError, match="C-contiguous"):
        FINE.add_predictions(head[:, ::2], cells, np.zeros(1, np.int64), unlabelled)
    assert not head.any()


@unhurried
@given(any_numbers())
def test_every_interval_holds_its_metric_and_everything_is_finite(records: Numbers) -> None:
    found = summary(records)
    for name, value in found["metrics"].items():
        assert value is None or math.isfinite(value)
        assert name in {"bias", "r2", "mean_prediction", "mean_actual"} or value is None or value >= 0
    for name, interval in found["intervals"].items():
        if interval is not None:
            slack = 1e-9 * abs(found["metrics"][name])
            assert interval[0] - slack <= found["metrics"][name] <= interval[1] + slack


def test_equal_values_say_nothing_of_their_spread() -> None:
    found = summary(numbers(*((0.1 * k + 0.3, 0.1 * k) for k in range(9))))
    assert {found["intervals"][name] for name in ("mae", "mse", "rmse", "bias")} == {None}


@pytest.mark.parametrize("n", [50, 500])
def test_intervals_cover_the_truth_about_95_times_in_100(n: int) -> None:
    errors = np.random.default_rng(7).normal(0, 1, (1500, n))
    covered = dict.fromkeys(("bias", "mae", "mse"), 0)
    for row in errors:
        total, absolute, squares, fourth = (
            Fraction(float(each.sum())) for each in (row, np.abs(row), row**2, row**4)
        )  # fmt: skip
        found = {
            "bias": (mean_interval(total, squares, n), 0.0),
            "mae": (positive_mean_interval(absolute, squares, n), math.sqrt(2 / math.pi)),
            "mse": (positive_mean_interval(squares, fourth, n), 1.0),
        }
        for name, (interval, truth) in found.items():
            assert interval is not None
            covered[name] += interval[0] <= truth <= interval[1]
    assert all(0.93 <= count / 1500 <= 0.97 for count in covered.values()), covered


def test_the_interval_of_a_heavy_tails_mean_square_covers_it_too() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(1500):
        errors = rng.laplace(0, 1, 50)
        low, high = summary(Numbers(errors, np.zeros(50), np.zeros(50, np.int64)))["intervals"]["mse"]
        covered += low <= 2.0 <= high
    assert 0.93 <= covered / 1500 <= 0.97, covered  # of the logarithm alone 0.90
