"""Features, scores and performance of a baseline against numpy, scikit-learn and the codes of live traffic."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as oracle

from metrics.coding import categorical_codes, numeric_codes
from metrics.observer import Observation
from metrics.reference import FIRST, SCHEMA, Baseline, Categorical, Feature, Numeric, decode_baseline
from metrics.reference_build import CATEGORIES_MAX, RARE_MAX, CategoricalCounter, Survey, Texts
from metrics.reference_numbers import NumberSurvey
from metrics.reference_outcomes import UNKNOWN, BinaryOutcomes, ClassOutcomes, NumberOutcomes, class_counts
from metrics.scores import ScorePart
from tests.unit.metrics.records import draw_records


@dataclass
class Values:
    """A column of Python values: UNSET is absent, None null."""

    values: Sequence[object]
    times: bool = False

    @property
    def rows(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> int:
        return sum(value is msgspec.UNSET for value in self.values)

    def _present(self) -> list[object]:
        return [value for value in self.values if value is not None and value is not msgspec.UNSET]

    def numbers(self) -> NDArray[np.float64] | None:
        present = self._present()
        return None if any(isinstance(value, str) for value in present) else np.array(present, dtype=np.float64)

    def texts(self) -> Texts:
        return Texts(Counter(str(value) for value in self._present()), 0)

    def are_times(self) -> bool:
        return self.times


def random() -> np.random.Generator:
    return np.random.default_rng(5)


def built(*chunks: Values, kept_max: int = 1000, chosen: bool = False) -> Feature:
    survey = Survey(kept_max, random())
    for chunk in chunks:
        survey.add(chunk)
    counter = survey.counter()
    for chunk in chunks:
        counter.add(chunk)
    return counter.feature(chosen=chosen)


def numeric(*chunks: Sequence[object]) -> Numeric:
    found = built(*map(Values, chunks))
    assert isinstance(found, Numeric)
    return found


def categorical(*chunks: Sequence[object], chosen: bool = False) -> Categorical:
    found = built(*map(Values, chunks), chosen=chosen)
    assert isinstance(found, Categorical)
    return found


NUMBERS = st.lists(
    st.none() | st.just(msgspec.UNSET) | st.just(float("nan")) | st.floats(-1e9, 1e9) | st.integers(-3, 3), max_size=60
)


@given(NUMBERS, NUMBERS)
def test_counts_are_those_of_the_codes_that_live_traffic_gets(one: list[object], two: list[object]) -> None:
    try:
        found = numeric([1.5, *one], two)
    except ValueError:
        return
    codes, _ = numeric_codes(found, [1.5, *one, *two])
    assert found.counts == np.bincount(codes, minlength=found.codes).tolist()
    baseline = Baseline(schema=SCHEMA, features={"amount": found})
    assert decode_baseline(msgspec.json.encode(baseline)) == baseline


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.integers(0, 50))
def test_moments_do_not_depend_on_the_chunks(values: list[float], cut: int) -> None:
    found = numeric(values[:cut], values[cut:])
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    assert found.mean == pytest.approx(float(mean), rel=1e-12, abs=1e-9)
    assert found.std**2 == pytest.approx(float(variance), rel=1e-9, abs=1e-9)
    assert (found.min, found.max) == (min(values), max(values))


def test_a_large_offset_does_not_cost_the_variance() -> None:
    values = 1e9 + np.array([4.0, 7.0, 13.0, 16.0])
    assert numeric(values[:2].tolist(), values[2:].tolist()).std == pytest.approx(np.sqrt(22.5), rel=1e-12)


def test_edges_hold_the_quantiles_and_the_bounds_that_are_published() -> None:
    values = random().normal(10, 3, 900)
    found = numeric(values[:400].tolist(), values[400:].tolist())
    q1, q2, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    assert found.quartiles == (q1, q2, q3)
    assert set(np.quantile(values, np.arange(1, 50) / 50, method="inverted_cdf")) <= set(found.edges)
    for low in (values.min(), q1 - 1.5 * (q3 - q1), found.mean - 3 * found.std):
        assert np.nextafter(low, -np.inf) in found.edges
    for high in (values.max(), q3 + 1.5 * (q3 - q1), found.mean + 3 * found.std):
        assert high in found.edges
    assert found.edges == sorted(set(found.edges))
    outliers = np.sum(np.abs(values - found.mean) > 3 * found.std)
    lower, upper = np.searchsorted(found.edges, [found.mean - 3 * found.std, found.mean + 3 * found.std])
    bins = found.counts[FIRST:]
    assert sum(bins[:lower]) + sum(bins[upper + 1 :]) == outliers


def test_a_hand_computed_column() -> None:
    found = numeric([1, 2, None], [2, 3, msgspec.UNSET, float("inf")])
    std = 0.5**0.5  # of 1, 2, 2, 3; both fences are the ends of the range
    assert found.edges == [np.nextafter(2 - 3 * std, -9), np.nextafter(1, 0), 1, 2, 3, 2 + 3 * std]
    assert found.counts == [1, 1, 0, 1, 0, 0, 1, 2, 1, 0, 0]
    assert (found.mean, found.std, found.quartiles) == (2, std, (1.75, 2, 2.25))


def test_a_constant_column_has_no_spread_at_all() -> None:
    found = numeric([0.1] * 7, [0.1] * 3)
    assert (found.mean, found.std, found.edges) == (0.1, 0.0, [float(np.nextafter(0.1, 0)), 0.1])
    assert found.counts[FIRST:] == [0, 10, 0]


def test_beyond_its_limit_the_quantiles_are_of_a_sample_and_all_else_is_exact() -> None:
    values = random().normal(size=60_000)
    survey = NumberSurvey(5_000, random())
    for chunk in np.split(values, 30):
        survey.add(chunk)
    found = survey.numeric()
    assert survey.sampled
    assert (found.min, found.max) == (values.min(), values.max())
    assert found.mean == pytest.approx(values.mean(), abs=1e-12)
    # the standard error of a median of 5,000 is 1.25 / sqrt(5,000) = 0.018
    assert found.quartiles == pytest.approx([-0.6745, 0, 0.6745], abs=0.09)
    again = NumberSurvey(5_000, random())
    for chunk in np.split(values, 30):
        again.add(chunk)
    assert again.numeric() == found


def test_a_sample_holds_late_values_as_often_as_early_ones() -> None:
    survey = NumberSurvey(2_000, random())
    for chunk in np.split(np.arange(40_000.0), 40):
        survey.add(chunk)
    assert survey.numeric().quartiles == pytest.approx([10_000, 20_000, 30_000], abs=1_500)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([None, None], "no values"),
        ([float("nan"), float("inf")], "no finite number"),
        ([1e300, -1e300], "too large"),
        ([f"t-{i}" for i in range(100)], "100 of its 100 values are distinct"),
    ],
)
def test_a_column_that_says_nothing_is_refused_with_the_reason(values: list[object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        built(Values(values))


def test_times_are_refused() -> None:
    with pytest.raises(ValueError, match="times"):
        built(Values(["2026-11-21"], times=True))


def test_a_column_of_numbers_with_one_word_among_them_is_a_category() -> None:
    assert categorical([1, 2, 1], ["many", 1]).categories == ["1", "2", "many"]


def test_categories_stand_by_frequency_then_name() -> None:
    found = categorical(["b", "a", None], ["a", msgspec.UNSET, "c"])
    assert found.categories == ["a", "b", "c"]
    assert found.counts == [1, 1, 0, 0, 0, 2, 1, 1]


def test_more_names_than_codes_leave_the_rare_ones_under_other() -> None:
    values = [f"c{i:04}" for i in range(2_000) for _ in range(3 if i < 1_300 else 2)]
    found = categorical(values, chosen=True)
    assert len(found.categories) == CATEGORIES_MAX
    assert found.categories[-1] == "__other__"
    assert len(found.rare) == RARE_MAX
    codes = categorical_codes(found, values)
    assert found.counts == np.bincount(codes, minlength=found.codes).tolist()
    assert found.counts[FIRST] > 0
    assert sum(found.counts) == len(values)


def test_ids_stay_where_they_were_chosen() -> None:
    assert len(categorical([f"t-{i}" for i in range(100)], chosen=True).categories) == 100


def test_a_few_distinct_names_are_categories_however_short_the_file_is() -> None:
    assert categorical(["a", "b"]).categories == ["a", "b"]


def test_counting_stops_where_memory_would_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrics.reference_build.DISTINCT_MAX", 50)
    counter = CategoricalCounter()
    for start in range(0, 1000, 40):
        counter.add(Values([f"t-{i}" for i in range(start, start + 40)]))
    with pytest.raises(ValueError, match="more than 50 distinct"):
        counter.feature(chosen=True)


def test_performance_and_scores_of_a_binary_file_are_scikit_learns() -> None:
    records = draw_records(3, 3_000)
    actual = records.actual.copy()
    actual[::5] = UNKNOWN
    score = records.score.copy()
    outcomes = BinaryOutcomes()
    for part in np.array_split(np.arange(3_000), 4):
        outcomes.add(score[part], records.predicted[part], actual[part])
    known = actual != UNKNOWN
    y, s, p = actual[known], score[known], records.predicted[known]
    expected = {
        "accuracy": oracle.accuracy_score(y, p),
        "precision": oracle.precision_score(y, p),
        "recall": oracle.recall_score(y, p),
        "f1": oracle.f1_score(y, p),
        "auc": oracle.roc_auc_score(y, s),
        "log_loss": oracle.log_loss(y, s),
        "brier": oracle.brier_score_loss(y, s),
        "positive_rate": records.predicted.mean(),
        "mean_score": score.mean(),
        "top_score_share": np.bincount((score * 1000).astype(int)).max() / 3_000,
        "mean_confidence": np.maximum(score, 1 - score).mean(),
    }
    assert outcomes.performance() == pytest.approx(expected, abs=5e-4)
    scores = outcomes.scores()
    assert scores is not None
    for histogram, of in (
        (scores.predicted_negatives, score[records.predicted == 0]),
        (scores.predicted_positives, score[records.predicted == 1]),
        (scores.negatives, s[y == 0]),
        (scores.positives, s[y == 1]),
    ):
        assert histogram == np.bincount((of * 1000).astype(int), minlength=1000).tolist()


def test_without_labels_only_what_needs_none_is_known() -> None:
    outcomes = BinaryOutcomes()
    outcomes.add(np.array([0.25, 1.0]), np.array([0, 1], np.int8), np.full(2, UNKNOWN, np.int8))
    usual = {"positive_rate": 0.5, "mean_score": 0.625, "top_score_share": 0.5, "mean_confidence": 0.8745}
    assert outcomes.performance() == pytest.approx(usual)
    scores = outcomes.scores()
    assert scores is not None
    assert (scores.predicted_positives[999], scores.predicted_negatives[250], scores.negatives) == (1, 1, None)


@pytest.mark.parametrize("score", [-0.1, 1.1, -np.inf, np.inf, np.nan])
def test_a_score_outside_0_and_1_is_none_and_its_class_still_counts(score: float) -> None:
    outcomes, predicted, actual = BinaryOutcomes(), np.array([0, 1], np.int8), np.array([0, 0], np.int8)
    outcomes.add(np.array([0.25, score]), predicted, actual)
    scores, performance = outcomes.scores(), outcomes.performance()
    assert scores is not None
    assert (sum(scores.predicted_negatives), sum(scores.predicted_positives)) == (1, 0)
    assert (sum(scores.negatives or ()), sum(scores.positives or ())) == (1, 0)
    assert {name: performance[name] for name in ("accuracy", "mean_score", "positive_rate", "top_score_share")} == {
        "accuracy": 0.5, "mean_score": 0.25, "positive_rate": 0.5, "top_score_share": 0.5,
    }  # fmt: skip


def test_a_live_window_of_the_same_predictions_says_the_same_of_its_scores() -> None:
    records = draw_records(3, 500)
    outcomes = BinaryOutcomes()
    outcomes.add(records.score, records.predicted, records.actual)
    scores = outcomes.scores()
    assert scores is not None
    part, slot = ScorePart(scores, over_seconds=60, min_records=1), np.zeros(500, np.int64)
    made = np.ones(len(records.score), np.bool_)
    head, cells = part.observe(Observation(records.score, records.predicted, np.zeros(0), made), slot, 1)
    live = part.summarise(head[0], cells[0], seconds=1)["metrics"]
    assert isinstance(live, dict)
    usual = outcomes.performance()
    assert live == {name: usual[name] for name in ("top_score_share", "mean_confidence")}


NUMERIC = {
    "type": "numeric", "edges": [1.0], "counts": [0, 0, 0, 0, 1, 1], "mean": 1.0, "std": 1.0, "min": 0.0, "max": 2.0,
    "quartiles": [0.5, 1.0, 1.5],
}  # fmt: skip
SCATTER = {"records": 10, "variance": 0.5, "freedom": 1.5}
LOSSES = {"counts": [1, 2], "absolute": [1.0, 2.0], "squared": [1.0, 2.0], "fourth": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"scores": {"predicted_negatives": [], "predicted_positives": []}}, "scores.predicted_negatives: 0 bins"),
        ({"scores": {"predicted_negatives": [1], "predicted_positives": [1, 2]}}, "scores.predicted_positives: 2 bins"),
        (
            {"scores": {"predicted_negatives": [1], "predicted_positives": [1], "negatives": [1], "positives": []}},
            "scores.positives: 0 bins",
        ),
        (
            {"scores": {"predicted_negatives": [1], "predicted_positives": [1], "negatives": [1]}},
            "scores.negatives, scores.positives: one stands alone",
        ),
        ({"scores": {"predicted_negatives": [1], "predicted_positives": [-1]}}, "scores.predicted_positives: a count"),
        ({"features": {"a": NUMERIC | {"edges": [1e999]}}}, "Number out of range - at `$.features[...].edges[0]`"),
        ({"features": {"a": NUMERIC | {"mean": 1e999}}}, "Number out of range - at `$.features[...].mean`"),
        ({"prediction": NUMERIC | {"std": -1e999}}, "Number out of range - at `$.prediction.std`"),
        ({"centroid": [1.0, float("nan")]}, "JSON is malformed"),
        ({"centroid": [0.5] * 4097}, "centroid: 4097 numbers"),
        ({"centroid_scatter": SCATTER}, "centroid_scatter: it stands without centroid"),
        ({"centroid": [1.0], "centroid_scatter": SCATTER | {"freedom": 0}}, "centroid_scatter: records and freedom"),
        ({"predictions": {"cat": -1}}, "predictions.cat: a count below 0"),
        ({"losses": LOSSES}, "losses: they stand without prediction"),
        ({"prediction": NUMERIC, "losses": LOSSES | {"fourth": [1.0]}}, "losses.fourth: 1 sums for 2 bins"),
        ({"prediction": NUMERIC, "losses": LOSSES | {"squared": [1.0, -1.0]}}, "losses.squared: a sum below 0"),
    ],
)
def test_a_baseline_that_cannot_be_compared_with_is_refused_with_its_field(tree: dict[str, object], said: str) -> None:
    text = json.dumps({"schema": SCHEMA} | tree).replace("Infinity", "1e999")
    with pytest.raises(ValueError, match=re.escape(said)):
        decode_baseline(text.encode())


def test_no_rows_no_scores_no_performance() -> None:
    for outcomes in (BinaryOutcomes(), ClassOutcomes(), NumberOutcomes()):
        assert outcomes.performance() == {}
    assert BinaryOutcomes().scores() is None


def test_performance_of_several_classes_is_scikit_learns() -> None:
    rng = random()
    names = np.array(["car", "bus", "bike", "tram"])
    actual = rng.choice(names[:3], 500)
    predicted = np.where(rng.random(500) < 0.6, actual, rng.choice(names, 500))
    outcomes = ClassOutcomes()
    outcomes.add([None, *predicted[:200].tolist()], ["car", *actual[:200].tolist()])
    outcomes.add(predicted[200:].tolist(), actual[200:].tolist())
    expected = {"accuracy": oracle.accuracy_score(actual, predicted)}
    for average in ("macro", "weighted"):
        p, r, f, _ = oracle.precision_recall_fscore_support(actual, predicted, average=average, zero_division=0)
        expected |= {f"precision_{average}": p, f"recall_{average}": r, f"f1_{average}": f}
    assert outcomes.performance() == pytest.approx(expected, abs=1e-12)


def test_performance_of_a_regression_is_scikit_learns() -> None:
    rng = random()
    actual = rng.normal(50, 10, 400)
    predicted = actual + rng.normal(1, 5, 400)
    outcomes = NumberOutcomes()
    outcomes.add(np.append(predicted[:100], np.nan), np.append(actual[:100], 3.0))
    outcomes.add(predicted[100:], actual[100:])
    mse = oracle.mean_squared_error(actual, predicted)
    expected = {
        "mse": mse,
        "rmse": mse**0.5,
        "mae": oracle.mean_absolute_error(actual, predicted),
        "r2": oracle.r2_score(actual, predicted),
        "mape": oracle.mean_absolute_percentage_error(actual, predicted),
        "bias": (predicted - actual).mean(),
    }
    performance = outcomes.performance()
    assert performance.pop("top_value_share") < 0.02  # all differ, but some share a bucket
    assert performance == pytest.approx(expected, rel=1e-9)


def test_classes_beyond_the_cap_are_other() -> None:
    found = class_counts(Counter({f"c{i}": 300 - i for i in range(205)}))
    assert len(found) == 201
    assert found["__other__"] == sum(300 - i for i in range(200, 205))
