"""Predicted classes as a part of a window: counting, shares, drift against a baseline."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from metrics.class_predictions import ClassPredictions
from metrics.coding import OTHER
from metrics.layout import FINE
from metrics.observer import Observation
from metrics.window_layout import WindowLayout

HOUR = 3600.0
NAMES = ("cat", "cow", "dog")
USUAL = {"cat": 5000, "dog": 3000, "cow": 2000}
PART = ClassPredictions(USUAL, classes_max=10, over_seconds=HOUR, min_records=30)
Codes = NDArray[np.int32]


def predicting(code: Codes, score: NDArray[np.float64] | None = None) -> Observation:
    none = np.full(len(code), np.nan)
    return Observation(none if score is None else score, code, np.zeros(0, np.uint8), np.ones(len(code), np.bool_))


def drawn(seed: int, n: int, shares: tuple[float, ...] = (0.5, 0.2, 0.3)) -> Codes:
    return np.random.default_rng(seed).choice(len(shares), n, p=shares).astype(np.int32)


def summary(
    code: Codes,
    score: NDArray[np.float64] | None = None,
    *,
    part: ClassPredictions = PART,
    names: tuple[str, ...] = NAMES,
    seconds: float = HOUR,
) -> dict[str, object]:
    head, cells = part.observe(predicting(code, score), np.zeros(len(code), np.int64), 1)
    return WindowLayout((part,)).summarise(head[0], cells[0], seconds, classes=names)


def drift(code: Codes, *, part: ClassPredictions = PART, names: tuple[str, ...] = NAMES) -> dict[str, object]:
    found = fields(summary(code, part=part, names=names)["drift"])
    assert found["records"] == len(code)
    return fields(found["prediction"])


def fields(found: object) -> dict[str, object]:
    assert isinstance(found, dict)
    return found


@given(
    hnp.arrays(np.int32, 30, elements=st.integers(0, 12)),
    hnp.arrays(np.float64, 30, elements=st.sampled_from([0.0, 0.3, 0.9995, 1.0, 1.5, -0.1, np.nan, np.inf])),
    hnp.arrays(np.int64, 30, elements=st.integers(0, 2)),
)
def test_every_record_is_counted_in_its_window_class_and_bin(
    code: Codes, score: NDArray[np.float64], slot: NDArray[np.int64]
) -> None:
    head, cells = PART.observe(predicting(code, score), slot, 3)
    assert (head.shape, cells.shape) == ((3, 0), (3, PART.cells))
    assert (head.dtype.name, cells.dtype.name) == ("int64", "int32")
    for window in range(3):
        expected = Counter(min(one, 10) for one in code[slot == window].tolist())
        expected.update(11 + min(int(one * 1000), 999) for one in score[slot == window].tolist() if 0 <= one <= 1)
        assert cells[window].tolist() == [expected[cell] for cell in range(PART.cells)]


def test_slots_that_are_not_there_are_refused() -> None:
    for slot in (-1, 2):
        with pytest.raises(IndexError):
            PART.observe(predicting(np.array([0], np.int32)), np.array([slot]), 2)


def test_shares_are_by_name_and_what_has_no_code_or_no_name_yet_stands_for_itself() -> None:
    found = summary(np.array([0, 0, 2, 10, 3], np.int32), seconds=60)
    assert found["class_shares"] == {"cat": 0.4, "dog": 0.2, OTHER: 0.2, "__class_3__": 0.2}
    assert found["metrics"] == {"top_class_share": 0.4}
    assert set(found) == {"class_shares", "metrics"}  # drift is for long spans only


def test_confidence_and_the_commonest_score_are_those_of_the_records() -> None:
    rng = np.random.default_rng(3)
    score = np.concatenate([rng.beta(5, 2, 500), np.full(100, 0.7123), np.full(20, np.nan)])
    metrics = fields(summary(drawn(1, 620), score)["metrics"])
    assert metrics["mean_confidence"] == pytest.approx(score[:600].mean(), abs=0.5 / FINE.score_bins)
    assert metrics["top_score_share"] == (score[:600] * 1000 // 1 == 712).sum() / 620


@pytest.mark.parametrize("n", [50, 3000])
def test_the_test_is_scipys(n: int) -> None:
    code = drawn(2, n, (0.45, 0.2, 0.35))
    found = drift(code)
    counts = np.bincount(code, minlength=3)
    table = np.array([counts, [5000, 2000, 3000]])
    assert found["chi2_pvalue"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    p, q = table / table.sum(axis=1, keepdims=True)
    middle = (p + q) / 2
    divergence = (stats.entropy(p, middle, 2) + stats.entropy(q, middle, 2)) / 2
    assert found["js"] == pytest.approx(np.sqrt(divergence), rel=1e-9)
    p, q = (table + 0.5) / (table.sum(axis=1, keepdims=True) + 1.5)
    assert found["psi"] == pytest.approx(((p - q) * np.log(p / q)).sum(), rel=1e-9)
    threshold = (1 / n + 1 / 10_000) * stats.chi2.ppf(0.99, 2)
    assert found["psi_threshold"] == pytest.approx(max(0.1, threshold), rel=1e-9)


def test_calm_classes_are_no_drift_and_others_are() -> None:
    calm, other = drift(drawn(3, 3000)), drift(drawn(4, 3000, (0.2, 0.2, 0.6)))
    assert (calm["drifted"], calm["drifted_by"], calm["new_classes"]) == (False, [], 0.0)
    assert (other["drifted"], other["drifted_by"]) == (True, ["psi", "chi2"])
    assert other["reference_shares"] == {"cat": 0.5, "dog": 0.3, "cow": 0.2}
    assert fields(other["shares"]) == {"cat": pytest.approx(0.2, abs=0.03), "cow": pytest.approx(0.2, abs=0.03),
                                       "dog": pytest.approx(0.6, abs=0.03)}  # fmt: skip


def test_a_class_that_the_baseline_never_had_is_new() -> None:
    found = drift(drawn(5, 1000, (0.45, 0.15, 0.2, 0.2)), names=(*NAMES, "owl"))
    assert found["new_classes"] == pytest.approx(0.2, abs=0.03)
    assert found["drifted"] is True


def test_the_order_in_which_codes_were_admitted_means_nothing() -> None:
    code = drawn(6, 500)
    turned = np.array([2, 0, 1], np.int32)[code]
    assert drift(code) == drift(turned, names=("cow", "dog", "cat"))


def test_classes_without_a_code_are_compared_as_one_with_those_of_the_baseline() -> None:
    small = ClassPredictions(USUAL | {"owl": 2500, "elk": 2500}, classes_max=3, over_seconds=HOUR, min_records=30)
    shares = (5000 / 15000, 2000 / 15000, 3000 / 15000, 5000 / 15000)
    found = drift(drawn(7, 3000, shares), part=small)
    assert (found["drifted"], found["new_classes"]) == (False, 0.0)
    assert fields(found["reference_shares"])[OTHER] == pytest.approx(1 / 3)
    rest = ClassPredictions(USUAL | {OTHER: 5000}, classes_max=10, over_seconds=HOUR, min_records=30)
    found = drift(drawn(7, 3000, shares), part=rest, names=(*NAMES, "owl"))
    assert (found["drifted"], found["new_classes"]) == (False, 0.0)


@pytest.mark.parametrize("n", [0, 1, 29])
def test_too_few_records_say_why(n: int) -> None:
    found = drift(drawn(8, n))
    assert found["reason"] == f"{n} records in the window, at least 30 are needed"
    assert [found[name] for name in ("chi2_pvalue", "psi", "psi_threshold", "js", "drifted")] == [None] * 5


def test_degenerate_windows_and_references_fail_nothing() -> None:
    for usual in (USUAL, {"cat": 0}, {"cat": 1000}, {OTHER: 50}):
        part = ClassPredictions(usual, 10, HOUR, 30)
        for code in (drawn(9, 0), drawn(9, 1), drawn(9, 300, (1.0,)), np.full(300, 10, np.int32), drawn(9, 300)):
            for names in ((), NAMES):
                json.dumps(summary(code, part=part, names=names), allow_nan=False)


def test_what_is_counted_does_not_depend_on_the_reference() -> None:
    assert ClassPredictions({"a": 1}, 10, 60.0, 1).name == PART.name
    assert ClassPredictions(USUAL, 11, HOUR, 30).name != PART.name
    assert hash(ClassPredictions(dict(USUAL), 10, HOUR, 30)) == hash(PART)
