"""The oracle for models of values and of several classes: what each final window must say, by scikit-learn.

It joins as `tests.support.recount` does, with a reading of its own of what a record says.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from sklearn import metrics as sk

from tests.support import recount as oracle
from tests.support import recount_records as reading
from tests.support.recount import Key
from tests.support.recount_records import BadRecordError, Raw, Rules

Task = Literal["regression", "multiclass"]
Said = float | str
OTHER = "__other__"
YEAR_2000_MS = 946_684_800_000


@dataclass(frozen=True, slots=True)
class Prediction:
    """One good prediction."""

    id: str
    model: str
    version: str
    event_ms: int
    said: Said
    segments: tuple[str, ...]
    shares: tuple[tuple[str, float], ...] = ()
    """Scores of classes, normalised; none where there are no usable ones."""


@dataclass(frozen=True, slots=True)
class Window:
    """All that counts in a window: what was predicted, (predicted, actual) of labelled predictions; and of those that
    have scores of classes the scores, and (scores, actual).
    """

    predicted: list[Said]
    pairs: list[tuple[Said, Said]]
    shares: list[Mapping[str, float]] = field(default_factory=list)
    scored: list[tuple[Mapping[str, float], Said]] = field(default_factory=list)


def windows(records: Iterable[Raw], rules: Rules, task: Task, classes: Sequence[str] = ()) -> dict[Key, Window]:
    """Every window that has predictions. classes: those that stand for themselves."""
    said = _value if task == "regression" else partial(_class, classes)
    predictions: dict[tuple[str, str, str], list[tuple[tuple[str, int, int], Any]]] = defaultdict(list)
    labels: dict[str, list[tuple[int, Said | None]]] = defaultdict(list)
    for raw in records:
        try:
            if raw.kind == "predictions":
                found = _prediction(raw, rules, said, classes)
                predictions[found.id, found.model, found.version].append((raw.place, found))
            else:
                name, label_ms, truth = _label(raw, rules, said)
                labels[name].append((label_ms, truth))
        except BadRecordError:
            continue
    kept: dict[Key, Window] = defaultdict(lambda: Window([], []))
    for copies in predictions.values():
        first: Any = oracle._first(copies)
        actual = _actual(first, labels[first.id], rules)
        for key in oracle._keys(first, rules):
            window = kept[key]
            window.predicted.append(first.said)
            window.shares.extend([dict(first.shares)] if first.shares else [])
            if actual is not None:
                window.pairs.append((first.said, actual))
                window.scored.extend([(dict(first.shares), actual)] if first.shares else [])
    return dict(kept)


def _prediction(raw: Raw, rules: Rules, said: Callable[[object], Said | None], classes: Sequence[str]) -> Prediction:
    found = reading._object(raw.value)
    value = said(reading._first(found, "prediction", "predicted_fraud", "predicted"))
    if value is None:
        raise BadRecordError("no prediction")
    return Prediction(
        reading._id(found),
        reading._text(found, "model") or rules.model,
        reading._text(found, "model_version", "version"),
        _time_ms(found, rules, "event_time", "timestamp"),
        value,
        tuple(reading._segment(found, name) for name in rules.segments),
        _shares(found.get("scores"), classes),
    )


def _shares(scores: object, classes: Sequence[str]) -> tuple[tuple[str, float], ...]:
    if not isinstance(scores, dict):
        return ()
    if not all(type(score) in {int, float} and 0 <= score <= 1 for score in scores.values()) or not sum(
        scores.values()
    ):
        return ()
    shares: dict[str, float] = defaultdict(float)
    for name, score in scores.items():
        shares[name if name in classes else OTHER] += score / sum(scores.values())
    return tuple(shares.items())


def _label(raw: Raw, rules: Rules, said: Callable[[object], Said | None]) -> tuple[str, int, Said | None]:
    found = reading._object(raw.value)
    if "actual" not in found:
        raise BadRecordError("no truth")
    return reading._id(found), _time_ms(found, rules, "label_time"), said(found["actual"])


def _time_ms(found: dict[str, object], rules: Rules, *names: str) -> int:
    time_ms = reading._time_ms(reading._first(found, *names), rules)
    if time_ms < YEAR_2000_MS:
        raise BadRecordError("time")
    return time_ms


def _value(value: object) -> Said | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRecordError("no number")
    return float(value)


def _class(classes: Sequence[str], value: object) -> Said | None:
    if value is None:
        return None
    if isinstance(value, bool):
        name = "true" if value else "false"
    elif isinstance(value, str):
        name = value
    elif isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        name = str(int(value))
    else:
        raise BadRecordError("no class")
    return name if name in classes else OTHER


def _actual(prediction: Prediction, labels: list[tuple[int, Said | None]], rules: Rules) -> Said | None:
    """At equal times a withdrawal wins, else the greater value, or the greater name, `OTHER` before all."""
    earliest, latest = prediction.event_ms - rules.label_skew_ms, prediction.event_ms + rules.horizon_ms
    inside = [label for label in labels if earliest <= label[0] <= latest]
    if not inside:
        return None
    newest = max(at_ms for at_ms, _ in inside)
    said = {truth for at_ms, truth in inside if at_ms == newest}
    if None in said:
        return None
    return OTHER if OTHER in said else max(said)  # type: ignore[type-var]  # of one task: all floats, or all strings


def regression_metrics(window: Window) -> dict[str, float | None]:
    """`metrics` of a regression window."""
    names = ("mse", "rmse", "mae", "r2", "mape", "bias", "mean_actual")
    found: dict[str, float | None] = dict.fromkeys(names)
    found["mean_prediction"] = math.fsum(map(float, window.predicted)) / len(window.predicted)
    if not window.pairs:
        return found
    predicted, actual = np.array(window.pairs, float).T
    share = actual != 0
    return found | {
        "mse": float(sk.mean_squared_error(actual, predicted)),
        "rmse": float(sk.root_mean_squared_error(actual, predicted)),
        "mae": float(sk.mean_absolute_error(actual, predicted)),
        "r2": float(sk.r2_score(actual, predicted)) if len(set(actual.tolist())) > 1 else None,
        "mape": (float(sk.mean_absolute_percentage_error(actual[share], predicted[share])) if share.any() else None),
        "bias": math.fsum(predicted - actual) / len(actual),
        "mean_actual": math.fsum(actual) / len(actual),
    }


def class_metrics(window: Window) -> dict[str, float | None]:
    """Some of the `metrics` of a multiclass window: what is undefined of a class is left out of averages."""
    if not window.pairs:
        return dict.fromkeys(("accuracy", "precision_macro", "recall_weighted", "f1_macro"))
    predicted, actual = [[str(pair[side]) for pair in window.pairs] for side in (0, 1)]
    undefined: Any = {"zero_division": np.nan}
    return {
        "accuracy": float(sk.accuracy_score(actual, predicted)),
        "precision_macro": float(sk.precision_score(actual, predicted, average="macro", **undefined)),
        "recall_weighted": float(sk.recall_score(actual, predicted, average="weighted", **undefined)),
        "f1_macro": float(sk.f1_score(actual, predicted, average="macro", **undefined)),
    }


QUANTISED = 6e-4
"""How far, relatively, a score may be off that was kept in the join and normalised again."""


def bounds_of_scores(window: Window, score_bins: int) -> dict[str, tuple[float, float] | None]:
    """Between what the metrics of class scores must be, by the scores as they stand in the records."""
    names = ("log_loss", "mean_confidence", "auc", *(f"top_{k}_accuracy" for k in (2, 3, 5)))
    found: dict[str, tuple[float, float] | None] = dict.fromkeys(names)
    if window.shares:
        found["mean_confidence"] = _around([max(shares.values()) for shares in window.shares], QUANTISED)
    if not window.scored:
        return found
    truths = [shares.get(str(actual), 0.0) for shares, actual in window.scored]
    found["log_loss"] = _around([-math.log(max(truth, 2.0**-52)) for truth in truths], 2 * QUANTISED)
    for k in (2, 3, 5):
        inside = [
            [
                truth > 0 and sum(share >= truth * (1 + margin) for share in shares.values()) + (margin > 0) <= k
                for truth, (shares, _) in zip(truths, window.scored, strict=True)
            ]
            for margin in (-QUANTISED, QUANTISED)
        ]
        found[f"top_{k}_accuracy"] = np.mean(inside[0]).item(), np.mean(inside[1]).item()
    areas = [_auc(window, str(name), 1 / score_bins + QUANTISED) for name in {x for pair in window.pairs for x in pair}]
    defined = [area for area in areas if area is not None]
    if defined:
        found["auc"] = np.mean([low for low, _ in defined]).item(), np.mean([high for _, high in defined]).item()
    return found


def _around(values: list[float], margin: float) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean - margin, mean + margin


def _auc(window: Window, name: str, blur: float) -> tuple[float, float] | None:
    """Pairs of scores that differ by less may fall into one bin."""
    positives = np.array([shares.get(name, 0.0) for shares, actual in window.scored if actual == name])
    negatives = np.array([shares.get(name, 0.0) for shares, actual in window.scored if actual != name])
    if not len(positives) or not len(negatives):
        return None
    ahead = positives[:, np.newaxis] - negatives
    return float((ahead > blur).mean()), float((ahead > -blur).mean())


def confusion(window: Window) -> Mapping[str, Mapping[str, int]]:
    """`confusion` of a multiclass window."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for predicted, actual in window.pairs:
        found[str(actual)][str(predicted)] += 1
    return {actual: dict(row) for actual, row in found.items()}
