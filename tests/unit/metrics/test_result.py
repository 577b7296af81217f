"""A window's summary against scikit-learn and a recount by hand."""

import math
from collections.abc import Iterator

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from metrics import binary
from metrics.layout import COARSE, FINE, Column, Layout
from metrics.result import BinarySummary, summarise
from tests.unit.metrics.records import Records, any_records, draw_records, summary

both_layouts = pytest.mark.parametrize("layout", [FINE, COARSE])


def test_counts_and_class_metrics_equal_scikit_learn() -> None:
    records = draw_records(seed=11, n=5000)
    found = summary(records, FINE)
    truth, predicted = records.actual, records.predicted
    tn, fp, fn, tp = (int(count) for count in sk.confusion_matrix(truth, predicted).ravel())
    assert found["confusion"] == {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    assert (found["total"], found["labelled"], found["correct"]) == (5000, 5000, tp + tn)
    assert found["throughput_per_second"] == 5000 / 60
    expected = {
        "accuracy": sk.accuracy_score(truth, predicted),
        "precision": sk.precision_score(truth, predicted),
        "recall": sk.recall_score(truth, predicted),
        "f1": sk.f1_score(truth, predicted),
        "specificity": sk.recall_score(truth, predicted, pos_label=0),
        "label_rate": truth.mean(),
        "positive_rate": predicted.mean(),
    }
    assert {name: found["metrics"][name] for name in expected} == pytest.approx(expected, abs=1e-12)


@both_layouts
def test_losses_and_mean_score_equal_scikit_learn_to_1e_9(layout: Layout) -> None:
    records = draw_records(seed=12, n=5000)
    records.score[:4] = [0.0, 1.0, 1.0, 0.0]  # certain errors and certain hits: clipped alike
    records.actual[:4] = [1, 0, 1, 0]
    found = summary(records, layout)["metrics"]
    assert found["log_loss"] == pytest.approx(sk.log_loss(records.actual, records.score), abs=1e-9)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(records.actual, records.score), abs=1e-9)
    assert found["mean_score"] == pytest.approx(records.score.mean(), abs=1e-9)


@both_layouts
def test_ranking_metrics_equal_scikit_learn_on_binned_scores(layout: Layout) -> None:
    records = draw_records(seed=13, n=5000)
    binned = np.minimum((records.score * layout.score_bins).astype(np.int64), layout.score_bins - 1)
    found = summary(records, layout)["metrics"]
    assert found["auc"] == pytest.approx(sk.roc_auc_score(records.actual, binned), abs=1e-12)
    expected = sk.average_precision_score(records.actual, binned)
    assert found["average_precision"] == pytest.approx(expected, abs=1e-12)


@both_layouts
def test_ranking_metrics_are_within_their_published_bound(layout: Layout) -> None:
    records = draw_records(seed=14, n=5000)
    found = summary(records, layout)
    exact = {
        "auc": sk.roc_auc_score(records.actual, records.score),
        "average_precision": sk.average_precision_score(records.actual, records.score),
    }
    for name, value in exact.items():
        bound, binned = found["binning_error"][name], found["metrics"][name]
        assert bound is not None
        assert binned is not None
        assert 0 < abs(binned - value) <= bound < 0.02


@given(any_records(all_scored=True), st.sampled_from([FINE, COARSE, Layout(3, 3)]))
def test_the_published_bounds_hold_for_any_ties(records: Records, layout: Layout) -> None:
    found = summary(records, layout)
    if not 0 < records.actual.sum() < len(records):
        assert found["metrics"]["auc"] is found["metrics"]["average_precision"] is None
        assert found["binning_error"] == {"auc": None, "average_precision": None}
        return
    exact = {
        "auc": sk.roc_auc_score(records.actual, records.score),
        "average_precision": sk.average_precision_score(records.actual, records.score),
    }
    for name, value in exact.items():
        bound, binned = found["binning_error"][name], found["metrics"][name]
        assert bound is not None
        assert binned is not None
        assert abs(binned - value) <= bound + 1e-12


@both_layouts
def test_calibration_is_the_recount_by_hand(layout: Layout) -> None:
    records = draw_records(seed=15, n=2000)
    found = summary(records, layout)
    ece, squares = 0.0, 0.0
    bin_of = np.minimum((records.score * 10).astype(int), 9)
    for index, row in zip(np.unique(bin_of), found["calibration"], strict=True):
        held = bin_of == index
        mean_score, rate, n = records.score[held].mean(), records.actual[held].mean(), held.sum()
        assert (row["lower"], row["upper"], row["count"]) == (index / 10, (index + 1) / 10, n)
        assert row["mean_score"] == pytest.approx(mean_score, abs=1e-9)
        assert row["positive_rate"] == rate
        ece += n / 2000 * abs(rate - mean_score)
        squares += n / 2000 * ((rate - mean_score) ** 2 - rate * (1 - rate) / (n - 1))
    assert found["metrics"]["ece"] == pytest.approx(ece, abs=1e-9)
    assert found["metrics"]["ece_debiased"] == pytest.approx(math.sqrt(squares), abs=1e-8)


def test_debiasing_takes_the_noise_of_a_calibrated_model_away() -> None:
    rng = np.random.default_rng(16)
    score = rng.random(200 * 100)
    actual = (rng.random(len(score)) < score).astype(np.int8)
    windows = [
        summary(Records(score[at], actual[at], actual[at], actual[at].astype(np.int64)), FINE)["metrics"]
        for at in (slice(start, start + 200) for start in range(0, len(score), 200))
    ]
    plain = np.mean([float(each["ece"] or 0) for each in windows])
    debiased = np.median([float(each["ece_debiased"] or 0) for each in windows])
    assert plain > 0.05
    assert debiased < plain / 2


def test_unlabelled_predictions_count_in_total_rate_and_mean_score_only() -> None:
    records = draw_records(seed=17, n=1000)
    head, cells = binary.zeros(1, FINE)
    slot = np.zeros(1000, np.int64)
    binary.add_predictions(head, cells, FINE, slot, records.prepared())
    few = np.arange(100)
    binary.add_outcomes(head, cells, FINE, slot[:100], records.select(few).prepared())
    found = summarise(head[0], cells[0], FINE, 60)
    assert (found["total"], found["labelled"], found["label_coverage"]) == (1000, 100, 0.1)
    assert found["metrics"]["positive_rate"] == records.predicted.mean()
    assert found["metrics"]["mean_score"] == pytest.approx(records.score.mean(), abs=1e-9)
    assert found["metrics"]["label_rate"] == records.actual[:100].mean()
    assert sum(row["count"] for row in found["calibration"]) == 100


def test_an_empty_window_knows_nothing() -> None:
    head, cells = binary.zeros(1, FINE)
    found = summarise(head[0], cells[0], FINE, 60)
    assert (found["total"], found["throughput_per_second"], found["label_coverage"]) == (0, 0.0, None)
    assert found["confusion"] == {"tp": 0, "fp": 0, "fn": 0, "tn": 0}
    for part in (found["metrics"], found["intervals"], found["binning_error"]):
        assert set(part.values()) == {None}
    assert found["calibration"] == []
    assert found["label_latency_seconds"] is None


def test_one_class_leaves_what_needs_the_other_undefined() -> None:
    records = draw_records(seed=18, n=50, positive_share=0.0)
    found = summary(records, FINE)
    undefined = {name for name, value in found["metrics"].items() if value is None}
    assert undefined == {"recall", "auc", "average_precision"}
    assert found["intervals"]["recall"] is None
    assert found["intervals"]["auc"] is None
    only_positives = summary(draw_records(seed=18, n=50, positive_share=1.0), FINE)["metrics"]
    undefined = {name for name, value in only_positives.items() if value is None}
    assert undefined == {"specificity", "auc", "average_precision"}


def test_no_predicted_positives_leave_precision_undefined_and_f1_0_as_scikit_learn_has_it() -> None:
    records = draw_records(seed=19, n=50)
    records.predicted[:] = 0
    found = summary(records, FINE)
    assert found["metrics"]["precision"] is None
    assert found["intervals"]["precision"] is None
    assert found["metrics"]["f1"] == sk.f1_score(records.actual, records.predicted) == 0


def test_nothing_positive_at_all_leaves_f1_undefined() -> None:
    records = draw_records(seed=19, n=50, positive_share=0.0)
    records.predicted[:] = 0
    found = summary(records, FINE)
    assert found["metrics"]["f1"] is None
    assert found["intervals"]["f1"] is None


@given(any_records())
def test_a_summary_is_plain_finite_and_survives_json(records: Records) -> None:
    found = summary(records, COARSE)
    assert orjson.loads(orjson.dumps(found)) == found
    assert all(type(leaf) in {int, float, type(None)} for leaf in leaves(found))
    assert all(math.isfinite(leaf) for leaf in leaves(found) if leaf is not None)


@given(any_records())
def test_every_interval_holds_its_metric_and_stays_within_0_and_1(records: Records) -> None:
    found = summary(records, FINE)
    for name, interval in found["intervals"].items():
        value = found["metrics"][name]
        assert (interval is None) == (value is None)
        if interval is not None and value is not None:
            lower, upper = interval
            assert 0 <= lower <= value + 1e-12
            assert value - 1e-12 <= upper <= 1


def test_a_window_without_length_has_no_throughput() -> None:
    head, cells = binary.zeros(1, FINE)
    head[0, Column.TOTAL] = 5
    assert summarise(head[0], cells[0], FINE, 0)["throughput_per_second"] is None


def test_vectors_of_another_layout_are_refused() -> None:
    head, cells = binary.zeros(1, FINE)
    with pytest.raises(ValueError, match="not a window of"):
        summarise(head[0], cells[0], COARSE, 60)


def leaves(tree: BinarySummary | object) -> Iterator[float | None]:
    if isinstance(tree, dict):
        for value in tree.values():
            yield from leaves(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value)
    else:
        assert tree is None or isinstance(tree, int | float)
        yield tree
