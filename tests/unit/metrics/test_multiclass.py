"""The multi-class part: exact in both directions, equal to scikit-learn."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn import metrics as sk

from metrics.intervals import f1_interval, wilson
from metrics.multiclass import MulticlassPart
from metrics.multiclass_chunk import Column, Prepared
from metrics.multiclass_result import OTHER
from metrics.window_layout import Cells, Head

CLASSES_MAX = 4
K = CLASSES_MAX + 1
PART = MulticlassPart(CLASSES_MAX, score_bins=100, latency_bins=560)
NAMES = ["cat", "dog", "eel", "fox"]
SLOTS = 3
unhurried = settings(deadline=None, max_examples=50)  # a loaded machine is no wrong answer


@dataclass(frozen=True)
class Records:
    predicted: NDArray[np.int32]
    actual: NDArray[np.int32]
    scores: NDArray[np.float32] | None
    latency_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.predicted)

    def prepared(self) -> Prepared:
        return PART.prepare(self.predicted, self.scores, self.actual, self.latency_ms)


def codes(*values: int) -> NDArray[np.int32]:
    return np.array(values, np.int32)


def labelled(predicted: NDArray[np.int32], actual: NDArray[np.int32], *scores: list[float]) -> Records:
    return Records(predicted, actual, np.array(scores, np.float32) if scores else None, np.full(len(predicted), 1000))


def draw(seed: int, n: int) -> Records:
    """Scores that know something of the truth, of four named classes and the rest."""
    rng = np.random.default_rng(seed)
    actual = rng.choice(K, n, p=[0.4, 0.3, 0.15, 0.1, 0.05]).astype(np.int32)
    scores = rng.dirichlet(np.ones(K), n)
    scores[np.arange(n), actual] += rng.random(n)
    scores /= scores.sum(axis=1, keepdims=True)
    return Records(scores.argmax(axis=1).astype(np.int32), actual, scores.astype(np.float32), rng.integers(1, 10**8, n))


@st.composite
def any_records(draw_one: st.DrawFn, size_max: int = 12) -> Records:
    n = draw_one(st.integers(0, size_max))
    classes = hnp.arrays(np.int32, n, elements=st.integers(0, CLASSES_MAX))
    score = st.sampled_from([math.nan, 0.0, 0.25, 0.5, 1.0, 1.5, -0.5])
    scores = draw_one(st.none() | hnp.arrays(np.float32, (n, K), elements=score))
    waits = hnp.arrays(np.int64, n, elements=st.integers(-1000, 2**36))
    return Records(draw_one(classes), draw_one(classes), scores, draw_one(waits))


def zeros(slots: int = 1) -> tuple[Head, NDArray[np.int32]]:
    return np.zeros((slots, PART.head_columns), np.int64), np.zeros((slots, PART.cells), np.int32)


def window(records: Records) -> tuple[Head, Cells]:
    (head, cells), slot = zeros(), np.zeros(len(records), np.int64)
    prepared = records.prepared()
    PART.add_predictions(head, cells, slot, prepared)
    PART.add_outcomes(head, cells, slot, prepared)
    return head[0], cells[0]


def summary(records: Records) -> dict[str, Any]:
    return dict(PART.summarise_named(*window(records), 60, NAMES))


def normalised(records: Records) -> NDArray[np.float64]:
    assert records.scores is not None
    scores = records.scores.astype(np.float64)
    shares: NDArray[np.float64] = scores / scores.sum(axis=1, keepdims=True)
    return shares


@unhurried
@given(any_records(), st.integers(0, 99))
def test_add_then_retract_leaves_nothing(records: Records, seed: int) -> None:
    head, cells = zeros(SLOTS)
    slot = np.random.default_rng(seed).integers(0, SLOTS, len(records))
    prepared = records.prepared()
    for sign in (1, -1):
        PART.add_predictions(head, cells, slot, prepared, sign)
        PART.add_outcomes(head, cells, slot, prepared, np.full(len(records), sign))
        assert sign == -1 or len(records) == 0 or (head.any() and cells.any())
    assert not head.any()
    assert not cells.any()


@unhurried
@given(any_records(), st.integers(0, 99))
def test_merge_of_parts_in_any_order_is_the_batch_over_their_union(records: Records, seed: int) -> None:
    prepared = records.prepared()
    head, cells = zeros(SLOTS)
    for index in np.array_split(np.random.default_rng(seed).permutation(len(records)), SLOTS):
        PART.add_predictions(head, cells, index % SLOTS, prepared.take(index))
        PART.add_outcomes(head, cells, index % SLOTS, prepared.take(index))
    together = window(records)
    assert np.array_equal(head.sum(axis=0), together[0])
    assert np.array_equal(cells.sum(axis=0), together[1])


def test_counts_and_averages_equal_scikit_learn() -> None:
    records = draw(seed=1, n=3000)
    truth, predicted = records.actual, records.predicted
    found = summary(records)
    table = sk.confusion_matrix(truth, predicted)
    names = [*NAMES, OTHER]
    assert found["confusion"] == {
        names[a]: {names[p]: int(table[a, p]) for p in range(K) if table[a, p]} for a in range(K)
    }
    assert (found["total"], found["labelled"], found["correct"]) == (3000, 3000, table.trace())
    expected = {"accuracy": sk.accuracy_score(truth, predicted)}
    for average in ("macro", "weighted"):
        values = sk.precision_recall_fscore_support(truth, predicted, average=average)
        expected |= {
            f"{name}_{average}": each for name, each in zip(("precision", "recall", "f1"), values, strict=False)
        }
    assert {name: found["metrics"][name] for name in expected} == pytest.approx(expected, abs=1e-12)
    per_class = zip(*sk.precision_recall_fscore_support(truth, predicted), strict=True)
    for name, values in zip(names, per_class, strict=True):
        row = found["per_class"][name]
        assert [row[each] for each in ("precision", "recall", "f1", "support")] == pytest.approx(values, abs=1e-12)


def test_losses_and_top_k_equal_scikit_learn() -> None:
    records = draw(seed=2, n=3000)
    shares = normalised(records)
    found = summary(records)["metrics"]
    assert found["log_loss"] == pytest.approx(sk.log_loss(records.actual, shares), abs=1e-9)
    assert found["mean_confidence"] == pytest.approx(shares.max(axis=1).mean(), abs=1e-9)
    for k in (2, 3):
        assert found[f"top_{k}_accuracy"] == sk.top_k_accuracy_score(records.actual, shares, k=k, labels=range(K))


def test_auc_equals_scikit_learn_on_binned_scores_and_is_within_its_bound() -> None:
    records = draw(seed=3, n=3000)
    shares = normalised(records)
    found = summary(records)
    binned = np.minimum((shares * 100).astype(np.int64), 99)
    of_class = [sk.roc_auc_score(records.actual == code, binned[:, code]) for code in range(K)]
    assert [found["per_class"][name]["auc"] for name in [*NAMES, OTHER]] == pytest.approx(of_class, abs=1e-12)
    assert found["metrics"]["auc"] == pytest.approx(np.mean(of_class), abs=1e-12)
    exact = sk.roc_auc_score(records.actual, shares, multi_class="ovr", average="macro")
    assert 0 < abs(found["metrics"]["auc"] - exact) <= found["binning_error"]["auc"] < 0.02


def test_scores_are_normalised_and_a_class_without_one_has_0() -> None:
    nan = math.nan
    sent = [[0.4, 0.2, nan, nan, nan], [nan, 0.5, 0.1, nan, nan], [0.3, nan, nan, nan, 0.3]]
    records = labelled(codes(0, 1, 0), codes(0, 2, 1), *sent)
    full = np.nan_to_num(np.array(sent))
    shares = full / full.sum(axis=1, keepdims=True)
    found = summary(records)
    losses = -np.log([2 / 3, 1 / 6, np.finfo(np.float64).eps])
    assert found["metrics"]["log_loss"] == pytest.approx(losses.mean(), abs=1e-6)  # f4 scores
    assert found["metrics"]["top_2_accuracy"] == pytest.approx(2 / 3)
    assert found["metrics"]["top_5_accuracy"] == pytest.approx(2 / 3), "a truth without a score stands nowhere"
    aucs = [sk.roc_auc_score(records.actual == code, shares[:, code]) for code in (0, 1, 2)]
    assert found["metrics"]["auc"] == pytest.approx(np.mean(aucs), abs=1e-12)


def test_a_truth_that_ties_stands_behind_the_others() -> None:
    found = summary(labelled(codes(0), codes(0), [0.25, 0.25, 0.25, 0.25, 0.0]))["metrics"]
    assert [found[f"top_{k}_accuracy"] for k in (2, 3, 5)] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("scores", [[math.nan] * K, [0.0] * K, [1.2, 0, 0, 0, 0], [-0.1, 1, 0, 0, 0], [math.inf] * K])
def test_a_record_without_usable_scores_counts_in_the_confusion_only(scores: list[float]) -> None:
    found = summary(labelled(codes(0, 1), codes(0, 0), scores, scores))
    assert found["metrics"]["accuracy"] == 0.5
    assert found["confusion"] == {"cat": {"cat": 1, "dog": 1}}
    unknown = ("auc", "log_loss", "top_2_accuracy", "mean_confidence")
    assert {found["metrics"][name] for name in unknown} == {None}
    beside = summary(labelled(codes(0, 1), codes(0, 0), scores, [0.5, 0.5, 0.0, 0.0, 0.0]))["metrics"]
    assert beside["log_loss"] == pytest.approx(math.log(2), abs=1e-9)
    assert (beside["mean_confidence"], beside["top_2_accuracy"]) == (0.5, 1.0)


def test_undefined_shares_are_none_and_left_out_of_averages_as_scikit_learn_does_with_nan() -> None:
    truth, predicted = codes(0, 0, 1, 1, 2), codes(0, 0, 0, 3, 0)  # 1 and 2 never predicted, 3 never true
    found = summary(labelled(predicted, truth))
    assert found["per_class"]["eel"]["precision"] is None
    assert found["per_class"]["eel"]["intervals"]["precision"] is None
    assert found["per_class"]["fox"]["recall"] is None
    assert found["per_class"]["dog"]["f1"] == 0
    for average in ("macro", "weighted"):
        values = sk.precision_recall_fscore_support(truth, predicted, average=average, zero_division=np.nan)
        for name, value in zip(("precision", "recall", "f1"), values, strict=False):
            assert found["metrics"][f"{name}_{average}"] == pytest.approx(value, abs=1e-12)


def test_intervals_are_wilsons() -> None:
    records = draw(seed=4, n=200)
    found = summary(records)
    hits = int((records.predicted == records.actual).sum())
    assert tuple(found["intervals"]["accuracy"]) == wilson(hits, 200)
    assert set(found["intervals"]) <= set(found["metrics"])
    tp = int(((records.predicted == 0) & (records.actual == 0)).sum())
    predicted, support = int((records.predicted == 0).sum()), int((records.actual == 0).sum())
    cat = found["per_class"]["cat"]["intervals"]
    assert tuple(cat["precision"]) == wilson(tp, predicted)
    assert tuple(cat["recall"]) == wilson(tp, support)
    assert tuple(cat["f1"]) == f1_interval(tp, predicted - tp, support - tp)


def test_unlabelled_predictions_count_in_total_counts_and_confidence_only() -> None:
    head, cells = zeros()
    records = draw(seed=5, n=100)
    PART.add_predictions(head, cells, np.zeros(100, np.int64), PART.prepare(records.predicted, records.scores))
    found = dict(PART.summarise_named(head[0], cells[0], 60, NAMES))
    expected = np.bincount(records.predicted, minlength=K).tolist()
    assert found["predicted_counts"] == {
        name: n for name, n in zip([*NAMES, OTHER], expected, strict=True) if n
    }  # fmt: skip
    assert (found["total"], found["labelled"], found["confusion"], found["per_class"]) == (100, 0, {}, {})
    known = {name for name, value in dict(found["metrics"]).items() if value is not None}  # type: ignore[call-overload]  # object of a part
    assert known == {"mean_confidence"}


def test_an_empty_window_knows_nothing() -> None:
    found = summary(labelled(codes(), codes()))
    assert (found["total"], found["throughput_per_second"], found["label_coverage"]) == (0, 0.0, None)
    assert set(found["metrics"].values()) == set(found["intervals"].values()) == {None}
    assert found["label_latency_seconds"] is found["binning_error"]["auc"] is None
    assert found["predicted_counts"] == {}


def test_classes_are_called_by_their_names_codes_or_other() -> None:
    records = labelled(codes(0, 2, 4), codes(0, 3, 4))
    head, cells = window(records)
    confusions = [
        PART.summarise(head, cells, 60)["confusion"],
        PART.summarise_named(head, cells, 60, ["3", "x"])["confusion"],
        PART.summarise_named(head, cells, 60, [*NAMES, OTHER])["confusion"],
    ]
    assert confusions == [
        {"0": {"0": 1}, "3": {"2": 1}, OTHER: {OTHER: 1}},
        {"3": {"3": 1}, "__class_3__": {"__class_2__": 1}, OTHER: {OTHER: 1}},
        {"cat": {"cat": 1}, "fox": {"eel": 1}, OTHER: {OTHER: 1}},
    ]
    with pytest.raises(ValueError, match="one name"):
        PART.summarise_named(head, cells, 60, ["cat", "cat"])


def test_label_latencies_are_summarised() -> None:
    records = draw(seed=6, n=500)
    found = summary(records)["label_latency_seconds"]
    assert found["mean"] == pytest.approx(records.latency_ms.mean() / 1000)
    without = PART.prepare(records.predicted, None, records.actual)
    head, cells = zeros()
    PART.add_outcomes(head, cells, np.zeros(500, np.int64), without)
    silent = PART.summarise(head[0], cells[0], 60)
    assert (silent["labelled"], silent["label_latency_seconds"]) == (500, None)


@pytest.mark.parametrize("wrong", [-1, K])
def test_codes_that_are_not_there_are_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match="predicted must be a code"):
        PART.prepare(codes(wrong))
    with pytest.raises(ValueError, match="actual must be a code"):
        PART.prepare(codes(0), None, codes(wrong))


def test_outcomes_without_labels_are_refused() -> None:
    head, cells = zeros()
    with pytest.raises(ValueError, match="without labels"):
        PART.add_outcomes(head, cells, np.zeros(1, np.int64), PART.prepare(codes(0)))
    assert not head.any()


def test_columns_end_with_one_count_for_each_class() -> None:
    head, _ = window(labelled(codes(4, 4, 1), codes(0, 4, 1)))
    assert head[Column.PREDICTED :].tolist() == [0, 1, 0, 0, 2]


@unhurried
@given(any_records())
def test_a_summary_is_plain_finite_and_survives_json(records: Records) -> None:
    found = summary(records)
    assert orjson.loads(orjson.dumps(found)) == found
    for leaf in leaves(found):
        assert type(leaf) in {int, float, type(None)}
        assert leaf is None or math.isfinite(leaf)


def leaves(tree: object) -> Iterator[float | None]:
    if isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(value)
    else:
        assert tree is None or isinstance(tree, int | float)
        yield tree
