"""The oracle: recounts from the raw records what every final metric record must say.

Dictionaries for the join, scikit-learn for the metrics; none of the service's code. It refuses input that has no one
right answer: two different predictions of one (id, model, version) in different partitions.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from tests.support.recount_records import BadRecordError, Label, Prediction, Raw, Rules, read_label, read_prediction

Key = tuple[int, str, str, str]
"""(window_start_ms, model, version, segment)."""


@dataclass(slots=True)
class Expected:
    """What one final window must say. Metrics that are undefined are None."""

    total: int
    labelled: int
    correct: int
    label_coverage: float
    throughput_per_second: float
    confusion: dict[str, int]
    metrics: dict[str, float | None]
    calibration: list[dict[str, float]]
    latency_seconds: list[float] = field(repr=False)


@dataclass(slots=True)
class Recount:
    """All final windows, and the places (kind, partition, offset) of the records that are bad."""

    windows: dict[Key, Expected]
    bad: set[tuple[str, int, int]]
    predictions: int
    """Predictions that count, i.e. the first ones of each (id, model, version)."""
    joined: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    prediction: Prediction
    actual: bool | None
    latency_ms: int


def recount(records: Iterable[Raw], rules: Rules) -> Recount:
    """Recount `records`, given in any order; raises ValueError if they have no one right answer."""
    predictions: dict[tuple[str, str, str], list[tuple[tuple[str, int, int], Prediction]]] = defaultdict(list)
    labels: dict[str, list[Label]] = defaultdict(list)
    bad = set()
    for raw in records:
        try:
            if raw.kind == "predictions":
                found = read_prediction(raw, rules)
                predictions[found.id, found.model, found.version].append((raw.place, found))
            else:
                label = read_label(raw, rules)
                labels[label.id].append(label)
        except BadRecordError:
            bad.add(raw.place)
    outcomes = [_join(first, labels.get(first.id, []), rules) for first in map(_first, predictions.values())]
    slices: dict[Key, list[_Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for key in _keys(outcome.prediction, rules):
            slices[key].append(outcome)
    windows = {key: _expected(members, rules.window_ms) for key, members in slices.items()}
    return Recount(windows, bad, len(outcomes), sum(outcome.actual is not None for outcome in outcomes))


def _first(copies: list[tuple[tuple[str, int, int], Prediction]]) -> Prediction:
    copies.sort(key=lambda copy: copy[0])
    partitions = {place[1] for place, _ in copies}
    if len(partitions) > 1 and len({prediction for _, prediction in copies}) > 1:
        raise ValueError(f"ambiguous: different predictions of {copies[0][1].id} in several partitions")
    return copies[0][1]


def _join(prediction: Prediction, labels: list[Label], rules: Rules) -> _Outcome:
    earliest, latest = prediction.event_ms - rules.label_skew_ms, prediction.event_ms + rules.horizon_ms
    inside = [label for label in labels if earliest <= label.label_ms <= latest]
    if not inside:
        return _Outcome(prediction, None, 0)
    newest = max(label.label_ms for label in inside)
    said = {label.positive for label in inside if label.label_ms == newest}
    # At equal times a withdrawal wins, else the positive one, so that no order of arrival matters.
    actual = None if None in said else True in said
    # A label that the skew admits before its event took no time, not less than none.
    return _Outcome(prediction, actual, max(newest - prediction.event_ms, 0))


def _keys(prediction: Prediction, rules: Rules) -> list[Key]:
    start = prediction.event_ms // rules.window_ms * rules.window_ms
    named = zip(rules.segments, prediction.segments, strict=True)
    slices = ["", *(f"{name}={value}" for name, value in named)]  # "country=" too: the parts add up to the whole
    return [(start, prediction.model, prediction.version, name) for name in slices]


def _expected(members: list[_Outcome], window_ms: int) -> Expected:
    labelled = [member for member in members if member.actual is not None]
    actual = np.array([bool(member.actual) for member in labelled], bool)
    predicted = np.array([member.prediction.positive for member in labelled], bool)
    confusion = _confusion(actual, predicted)
    correct = confusion["tp"] + confusion["tn"]
    scores = [member.prediction.score for member in members if member.prediction.score is not None]
    scored = [member for member in labelled if member.prediction.score is not None]
    truth = np.array([bool(member.actual) for member in scored], bool)
    score = np.array([member.prediction.score for member in scored], float)
    calibration = _calibration(truth, score)
    return Expected(
        total=len(members),
        labelled=len(labelled),
        correct=correct,
        label_coverage=len(labelled) / len(members),
        throughput_per_second=len(members) / (window_ms / 1000),
        confusion=confusion,
        metrics={
            **_class_metrics(actual, predicted, confusion),
            **_score_metrics(truth, score),
            "ece": _ece(calibration, len(scored)),
            "positive_rate": sum(member.prediction.positive for member in members) / len(members),
            "mean_score": sum(scores) / len(scores) if scores else None,
        },
        calibration=calibration,
        latency_seconds=sorted(member.latency_ms / 1000 for member in labelled),
    )


def _confusion(actual: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> dict[str, int]:
    return {
        "tp": int((actual & predicted).sum()),
        "fp": int((~actual & predicted).sum()),
        "fn": int((actual & ~predicted).sum()),
        "tn": int((~actual & ~predicted).sum()),
    }


def _class_metrics(
    actual: NDArray[np.bool_], predicted: NDArray[np.bool_], cells: Mapping[str, int]
) -> dict[str, float | None]:
    """Defined wherever their denominator is not 0: F1 = 2tp / (2tp + fp + fn) is 0, not undefined, without hits."""
    return {
        "accuracy": float(sk.accuracy_score(actual, predicted)) if len(actual) else None,
        "precision": float(sk.precision_score(actual, predicted)) if cells["tp"] + cells["fp"] else None,
        "recall": float(sk.recall_score(actual, predicted)) if cells["tp"] + cells["fn"] else None,
        "f1": float(sk.f1_score(actual, predicted)) if cells["tp"] + cells["fp"] + cells["fn"] else None,
        "specificity": float(sk.recall_score(~actual, ~predicted)) if cells["tn"] + cells["fp"] else None,
    }


def _score_metrics(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, float | None]:
    both = bool(truth.any() and not truth.all())
    return {
        "auc": float(sk.roc_auc_score(truth, score)) if both else None,
        "average_precision": float(sk.average_precision_score(truth, score)) if both else None,
        "log_loss": float(sk.log_loss(truth, score, labels=[False, True])) if len(truth) else None,
        "brier": float(((score - truth) ** 2).mean()) if len(truth) else None,
    }


EDGES = [index / 10 for index in range(1, 10)]


def _calibration(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> list[dict[str, float]]:
    """Ten bins [lower, upper), 1.0 in the last one; empty bins are left out."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for value, positive in zip(score.tolist(), truth.tolist(), strict=True):
        bins[bisect.bisect_right(EDGES, value)].append((value, positive))
    return [
        {
            "lower": index / 10,
            "upper": (index + 1) / 10,
            "count": len(members),
            "mean_score": sum(value for value, _ in members) / len(members),
            "positive_rate": sum(positive for _, positive in members) / len(members),
        }
        for index, members in sorted(bins.items())
    ]


def _ece(calibration: list[dict[str, float]], count: int) -> float | None:
    gaps = (row["count"] / count * abs(row["positive_rate"] - row["mean_score"]) for row in calibration)
    return sum(gaps) if count else None
