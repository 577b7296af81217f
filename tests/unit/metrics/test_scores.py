"""Scores as a part of a window: counting, label-free metrics, estimates, drift."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from metrics.cbpe import auc_optimism, estimate
from metrics.observer import Observation
from metrics.reference import Scores
from metrics.score_drift import mean_shift, prediction_drift, score_drift
from metrics.scores import ScorePart
from metrics.window_layout import WindowLayout

BINS = 1000
HOUR = 3600.0
Scored = NDArray[np.float64]
NOTHING = np.zeros(0, np.uint8)


def predicting(score: NDArray[np.float64], predicted: NDArray[np.int8]) -> Observation:
    return Observation(score, predicted, NOTHING, np.ones(len(score), np.bool_))


def draw(seed: int, n: int, a: float = 2.0) -> Scored:
    return np.random.default_rng(seed).beta(a, 5, n)


def histogram(score: Scored) -> list[int]:
    found: list[int] = np.histogram(score, BINS, (0, 1))[0].tolist()
    return found


def reference(seed: int = 1, n: int = 20_000, *, labelled: bool = True) -> Scores:
    score = draw(seed, n)
    actual = np.random.default_rng(seed + 1).random(n) < score**2
    return Scores(
        predicted_negatives=histogram(score[score < 0.5]),
        predicted_positives=histogram(score[score >= 0.5]),
        negatives=histogram(score[~actual]) if labelled else None,
        positives=histogram(score[actual]) if labelled else None,
    )


PART = ScorePart(reference(), over_seconds=HOUR, min_records=30)


def summary(score: Scored, part: ScorePart = PART, seconds: float = HOUR) -> dict[str, object]:
    predicted = (score >= 0.5).astype(np.int8)
    head, cells = part.observe(predicting(score, predicted), np.zeros(len(score), np.int64), 1)
    return WindowLayout((part,)).summarise(head[0], cells[0], seconds)


def fields(found: object) -> dict[str, object]:
    assert isinstance(found, dict)
    return found


@given(
    hnp.arrays(np.float64, 30, elements=st.sampled_from([0.0, 0.3, 0.5, 0.9995, 1.0, 1.5, -0.1, np.nan, np.inf])),
    hnp.arrays(np.int8, 30, elements=st.integers(0, 1)),
    hnp.arrays(np.int64, 30, elements=st.integers(0, 2)),
)
def test_every_record_is_counted_in_its_window_class_and_bin(
    score: Scored, predicted: NDArray[np.int8], slot: NDArray[np.int64]
) -> None:
    bins = 10
    part = ScorePart(Scores(predicted_negatives=[1] * bins, predicted_positives=[1] * bins), HOUR, 30)
    head, cells = part.observe(predicting(score, predicted), slot, 3)
    assert (head.shape, cells.shape) == ((3, part.head_columns), (3, part.cells))
    assert (head.dtype.name, cells.dtype.name) == ("int64", "int32")
    for window in range(3):
        here = slot == window
        unscored = [not 0 <= value <= 1 for value in score[here]]
        assert head[window].tolist() == [here.sum(), sum(unscored), predicted[here].sum()]
        expected = [0] * (2 * bins)
        for value, decided in zip(score[here], predicted[here], strict=True):
            if 0 <= value <= 1:
                expected[int(decided) * bins + min(int(value * bins), bins - 1)] += 1
        assert cells[window].tolist() == expected


def test_windows_of_no_records_are_counted_and_slots_that_are_not_there_refused() -> None:
    nothing = np.array([])
    head, cells = PART.observe(predicting(nothing, nothing.astype(np.int8)), nothing.astype(np.int64), 2)
    assert (int(head.sum()), int(cells.sum()), len(head), len(cells)) == (0, 0, 2, 2)
    for slot in (-1, 2):
        with pytest.raises(IndexError):
            PART.observe(predicting(np.array([0.5]), np.array([1], np.int8)), np.array([slot]), 2)


def test_confidence_and_the_commonest_score_are_those_of_the_records() -> None:
    score = np.concatenate([draw(3, 500), np.full(100, 0.7123), np.full(20, np.nan)])
    metrics = fields(summary(score)["metrics"])
    known = score[:600]
    assert metrics["mean_confidence"] == pytest.approx(np.maximum(known, 1 - known).mean(), abs=0.5 / BINS)
    assert metrics["top_score_share"] == (known * BINS // 1 == 712).sum() / 620


def test_the_estimate_is_cbpe_with_the_calibration_of_the_reference() -> None:
    score = draw(4, 5000)
    found = fields(summary(score)["estimated"])
    calibration = PART.calibration
    assert calibration is not None
    negatives, positives = (np.array(histogram(score[of])) for of in (score < 0.5, score >= 0.5))
    assert PART.reference.negatives is not None
    assert PART.reference.positives is not None
    optimism = auc_optimism(np.array(PART.reference.negatives), np.array(PART.reference.positives), calibration)
    assert found == estimate(negatives, positives, calibration, 20_000, optimism)
    truth = np.where(score < 0.5, 1 - score**2, score**2).mean()  # what the labels are drawn of
    assert fields(found["metrics"])["accuracy"] == pytest.approx(truth, abs=0.02)


def test_calm_scores_are_no_drift_and_others_are() -> None:
    for a, expected in (2.0, False), (4.0, True):
        drift = fields(summary(draw(5, 3000, a))["drift"])
        assert drift["records"] == 3000
        assert [fields(drift[part])["drifted"] for part in ("score", "prediction")] == [expected] * 2


def test_drift_is_for_long_spans_only() -> None:
    assert "drift" in summary(draw(6, 100), seconds=HOUR)
    assert "drift" not in summary(draw(6, 100), seconds=HOUR - 1)


def test_ks_and_mean_shift_are_those_of_the_single_scores_within_the_bins() -> None:
    first, second = draw(7, 4000), draw(8, 900, 2.4)
    found = score_drift(np.array(histogram(first)), np.array(histogram(second)))
    exact, error = stats.ks_2samp(first, second).statistic, fields(found["binning_error"])["ks"]
    assert isinstance(found["ks"], float)
    assert isinstance(error, float)
    assert found["ks"] - 1e-12 <= exact <= found["ks"] + error + 1e-12
    expected = (second.mean() - first.mean()) / first.std()
    assert found["mean_shift"] == pytest.approx(expected, abs=0.01)


def test_the_chi_square_of_predictions_is_scipys() -> None:
    reference_, window = np.array([900, 100]), np.array([160, 40])
    table = np.array([reference_, window])
    found = prediction_drift(reference_, window)
    assert found["chi2_pvalue"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert (found["positive_rate"], found["reference_positive_rate"]) == (0.2, 0.1)


def test_a_constant_reference_has_no_standard_deviation() -> None:
    assert mean_shift(np.array([0, 9, 0]), np.array([1, 0, 0])) is None


@pytest.mark.parametrize("score", [np.array([]), np.array([0.4]), np.full(50, np.nan)], ids=["empty", "one", "null"])
def test_too_few_scores_give_nulls_and_a_reason(score: Scored) -> None:
    found = summary(score)
    estimated = fields(found["estimated"])
    assert set(fields(estimated["metrics"]).values()) == {None}
    drifted = fields(fields(found["drift"])["score"])
    assert drifted["drifted"] is drifted["psi"] is None
    assert "at least 30 are needed" in str(drifted["reason"])
    assert "at least 30 are needed" in str(estimated["reason"])


def test_without_labels_in_the_reference_nothing_is_estimated_but_drift_is_seen() -> None:
    part = ScorePart(reference(labelled=False), HOUR, 30)
    found = summary(draw(9, 500), part)
    assert "no labels" in str(fields(found["estimated"])["reason"])
    assert fields(fields(found["drift"])["score"])["drifted"] is False


def test_an_empty_reference_and_one_of_one_class_fail_nothing() -> None:
    nothing, some = [0] * 10, [7] * 10
    for scores in (
        Scores(predicted_negatives=nothing, predicted_positives=nothing, negatives=nothing, positives=nothing),
        Scores(predicted_negatives=some, predicted_positives=nothing, negatives=some, positives=nothing),
    ):
        json.dumps(summary(draw(10, 200), ScorePart(scores, HOUR, 30)), allow_nan=False)


def test_a_record_can_be_written_as_json() -> None:
    json.dumps(summary(draw(11, 500)), allow_nan=False)


def test_parts_of_the_same_reference_are_the_same_and_others_are_not() -> None:
    assert ScorePart(reference(), HOUR, 30) == PART
    assert hash(ScorePart(reference(), HOUR, 30)) == hash(PART)
    assert ScorePart(reference(seed=2), HOUR, 30).name != PART.name


def test_histograms_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same number of bins"):
        ScorePart(Scores(predicted_negatives=[1, 2], predicted_positives=[1]), HOUR, 30)
