"""Scores of single classes, from records to what the metrics get to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from metrics.multiclass import MulticlassPart
from models.carried import ScoresCarrier, scores_dtype
from models.class_scores import RELATIVE_ERROR, ClassScores, unpack
from models.codec import Decoder
from models.decoded import Decoded
from models.mapping import ModelFields
from tables.tasks import prepare
from tests.unit.models.support import EVENT, NOW_MS, consumed

CLASSES = ["cat", "dog", "cow"]
CARRIER = ScoresCarrier((("scores",), ("probabilities",)), 3)
SHARES = st.dictionaries(st.sampled_from([*CLASSES, "yak", "gnu"]), st.floats(0, 1), max_size=5)


def decoded(*records: dict[str, object], specialising: bool = True) -> Decoded:
    fields = ModelFields("m", "predictions", task="multiclass", carrier=CARRIER)
    decoder = Decoder("t", "predictions", [fields], specialising=specialising)
    whole = [{"id": f"{at}", "event_time": EVENT, "prediction": "cat"} | record for at, record in enumerate(records)]
    values = consumed([{k: v for k, v in one.items() if v is not ...} for one in whole])
    decoder.decode(values, NOW_MS)
    found = decoder.decode(values, NOW_MS)  # with the decoders that the first time has made
    assert not found.bad
    codes = [CLASSES.index(name) if name in CLASSES else 3 for name in found.classes]
    return found.coded(np.array(codes, np.int64), 3)


def shares(*records: dict[str, object], specialising: bool = True) -> list[list[float]]:
    """Of cat, dog, cow and all others."""
    found = decoded(*records, specialising=specialising).carried
    assert found is not None
    unpacked = unpack(found)
    assert unpacked is not None
    rounded: list[list[float]] = np.nan_to_num(unpacked).round(3).tolist()
    return rounded


@pytest.mark.parametrize("specialising", [False, True])
def test_scores_are_read_whatever_else_the_record_says(specialising: bool) -> None:
    found = shares(
        {"scores": {"cat": 0.5, "dog": 0.25, "yak": 0.25}},
        {"scores": {"dog": 1, "yak": 0.5, "gnu": 0.5}, "prediction": ...},
        {"probabilities": {"cow": 0.3}},
        {"scores": None},
        {},
        {"scores": {"cat": 0.5, "dog": 1.5}},
        {"scores": {"cat": 0, "dog": 0}},
        {"scores": {"cat": "high"}},
        {"scores": [1]},
        specialising=specialising,
    )
    none = [0.0, 0, 0, 0]
    assert found == [[0.5, 0.25, 0, 0.25], [0, 0.5, 0, 0.5], [0, 0, 1, 0], *[none] * 6]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(SHARES, st.none(), st.just("x")), min_size=1, max_size=20))
def test_fast_scores_agree_with_the_definition(found: list[object]) -> None:
    records: list[dict[str, object]] = [{"scores": one} for one in found]
    fast, slow = decoded(*records).carried, decoded(*records, specialising=False).carried
    assert fast is not None
    assert slow is not None
    assert fast.tobytes() == slow.tobytes()


def test_a_class_that_stands_only_in_scores_has_a_name_behind_the_others() -> None:
    fields = ModelFields("m", "predictions", task="multiclass", carrier=CARRIER)
    record: dict[str, object] = {
        "id": "a",
        "event_time": EVENT,
        "scores": {"gnu": 0.1, "cat": 0.9},
        "prediction": "cat",
    }
    found = Decoder("t", "predictions", [fields]).decode(consumed([record, record | {"prediction": "dog"}]), NOW_MS)
    assert found.classes == ["cat", "dog", "gnu"]


@given(st.lists(st.floats(2.0**-52, 1), min_size=2, max_size=4))
def test_a_score_is_off_by_its_relative_error_at_most(scores: list[float]) -> None:
    classes: list[str] = []
    named = {CLASSES[at] if at < 3 else "yak": score for at, score in enumerate(scores)}
    packed = ClassScores.of([named], classes).pack(1, 3)
    found = unpack(packed)
    assert found is not None
    for share, score in zip(found[0], scores, strict=False):
        true = score / sum(scores)
        if true >= 2.0**-52:
            assert share == pytest.approx(true, rel=RELATIVE_ERROR * 1.000001)
    assert RELATIVE_ERROR < 2.8e-4


def test_rows_without_room_have_no_scores_and_those_of_other_classes_none() -> None:
    assert unpack(np.zeros(2, "V0")) is None
    of_five = np.zeros(1, f"V{scores_dtype(5).itemsize}")
    cut = ClassScores.of([{"cat": 1.0}], ["cat"]).pack(1, 3)
    widened = np.frombuffer(cut.tobytes().ljust(of_five.itemsize, b"\0"), of_five.dtype)
    found = unpack(widened)
    assert found is not None
    assert np.isnan(found).all()


def test_metrics_of_carried_scores_are_those_of_scikit_learn_within_the_stated_error() -> None:
    rng, n = np.random.default_rng(7), 3_000
    truth = rng.integers(0, 3, n)
    raw = rng.dirichlet((0.3, 0.3, 0.3), n) * 0.7 + np.eye(3)[truth] * 0.3
    raw = np.where(raw > 1e-12, raw, 0.0)
    said = raw / raw.sum(axis=1, keepdims=True)
    classes = list(CLASSES)
    carried = ClassScores.of([dict(zip(CLASSES, row, strict=True)) for row in raw.tolist()], classes).pack(n, 3)
    predicted = said.argmax(axis=1).astype(np.int32)
    part = MulticlassPart(3, 100, 560)
    head, cells = np.zeros((1, part.head_columns), np.int64), np.zeros((1, part.cells), np.int32)
    prepared = prepare("multiclass", np.ones(n), predicted, carried, truth.astype(np.int32), np.zeros(n, np.int64))
    slot, ones = np.zeros(n, np.int64), np.ones(n, np.int64)
    part.add_predictions(head, cells, slot, prepared, ones)  # type: ignore[arg-type]  # of its task
    part.add_outcomes(head, cells, slot, prepared, ones)  # type: ignore[arg-type]  # same
    found = dict(part.summarise_named(head[0], cells[0], 60, CLASSES))
    metrics, error = found["metrics"], found["binning_error"]
    assert isinstance(metrics, dict)
    assert isinstance(error, dict)
    assert metrics["log_loss"] == pytest.approx(sk.log_loss(truth, said), abs=2 * RELATIVE_ERROR)
    assert metrics["top_2_accuracy"] == pytest.approx(sk.top_k_accuracy_score(truth, said, k=2), abs=1e-3)
    assert metrics["mean_confidence"] == pytest.approx(said.max(axis=1).mean(), abs=2 * RELATIVE_ERROR)
    auc = sk.roc_auc_score(truth, said, multi_class="ovr", average="macro")
    assert metrics["auc"] == pytest.approx(auc, abs=error["auc"] + 1e-3)
    assert error["auc"] < 0.02
    part.add_outcomes(head, cells, slot, prepared, -ones)  # type: ignore[arg-type]  # same
    assert not cells.any()
