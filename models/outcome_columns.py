"""The outcomes of many records at once, by the rules of `models.reading`.

Values come from a specialised decoder, so their types are right already. What is found not to fit
is judged one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import numpy as np
from msgspec import Struct, UnsetType
from numpy.typing import NDArray

from models.errors import DecodeError
from models.judge import Leaf
from models.outcome import DTYPES, VALUE_MAX, WITHDRAWN, WITHDRAWN_VALUE, Outcomes, Task
from models.reading import BinaryReading, Outcome, Reading, RegressionReading, best_class, class_name
from models.specialise import Getter

Mask = NDArray[np.bool_]
Value = Leaf | UnsetType


@dataclass(slots=True)
class OutcomeColumn:
    """Outcomes of n records as in a Batch; fits: which of them stand, None where all do."""

    outcome: Outcomes
    fits: Mask | None = None
    classes: list[str] = field(default_factory=list)


def listed(task: Task, outcomes: Sequence[Outcome]) -> OutcomeColumn:
    """The column of outcomes that were read one by one."""
    if task == "multiclass":
        number: defaultdict[str, int] = defaultdict(count().__next__)
        codes = [number[one] if isinstance(one, str) else one for one in outcomes]
        return OutcomeColumn(np.array(codes, DTYPES[task]), classes=list(number))
    return OutcomeColumn(np.array(outcomes, DTYPES[task]))


def actuals(reading: Reading, values: Sequence[Value]) -> OutcomeColumn:
    """The truth of labels."""
    if isinstance(reading, BinaryReading):
        return _binary(reading, values)
    if isinstance(reading, RegressionReading):
        return _numbers(values)
    return _named(values)


def predictions(
    reading: Reading, getters: Sequence[Getter | None], structs: Sequence[Struct]
) -> tuple[NDArray[np.float64], OutcomeColumn]:
    """Scores f8[n] (NaN: none) and outcomes. getters: one for each value that the reading asks for, in its order."""
    if isinstance(reading, RegressionReading):
        (getter,) = (one for one in getters if one is not None)
        column = _numbers(list(map(getter, structs)))
        return cast("NDArray[np.float64]", column.outcome), column
    get_score, get_prediction, *get_scores = getters
    size = len(structs)
    score = np.fromiter(map(get_score, structs), np.float64, size) if get_score else np.full(size, np.nan)
    if isinstance(reading, BinaryReading):
        if get_prediction:
            column = _binary(reading, list(map(get_prediction, structs)))
        else:
            column = OutcomeColumn((score >= reading.threshold).astype(np.int8))
    elif get_prediction:
        column = _named(list(map(get_prediction, structs)))
    else:
        assert get_scores[0] is not None
        scores = cast("Sequence[Mapping[str, float]]", list(map(get_scores[0], structs)))
        column = _named([best_class(one) for one in scores])
        column.fits = column.outcome >= 0
    if get_score:
        in_range = (score >= 0) & (score <= 1)
        column.fits = in_range if column.fits is None else column.fits & in_range
    return score, column


def _binary(reading: BinaryReading, values: Sequence[Value]) -> OutcomeColumn:
    """1 for the positive class, 0 for others, -1 for null."""
    positive, distinct = reading.positive_class, set(values)
    outcome = np.frombuffer(bytes([value == positive for value in values]), np.int8)
    if None in distinct:
        outcome = np.where([value is None for value in values], np.int8(WITHDRAWN), outcome)
    fits = None
    if reading.positive_kind is bool and not distinct <= {0, 1, None}:
        fits = np.fromiter((value in {0, 1, None} for value in values), np.bool_, len(values))
    return OutcomeColumn(outcome, fits)


def _numbers(values: Sequence[Value]) -> OutcomeColumn:
    """The values, infinity for null."""
    if None in values:
        values = [WITHDRAWN_VALUE if value is None else value for value in values]
    outcome = np.fromiter(cast("Sequence[float]", values), np.float64, len(values)) + 0.0
    return OutcomeColumn(outcome, (np.abs(outcome) <= VALUE_MAX) | (outcome == WITHDRAWN_VALUE))


def _named(values: Sequence[Value]) -> OutcomeColumn:
    """Indexes into the names of classes, -1 for null. A column holds no booleans beside numbers (True is 1)."""
    number: defaultdict[Value, int] = defaultdict(count().__next__)
    raw = np.fromiter(map(number.__getitem__, values), np.int64, len(values))
    unique: defaultdict[str, int] = defaultdict(count().__next__)
    known = [_name(value) for value in number]
    table = np.array([WITHDRAWN if name is None else unique[name] for name in known], np.int32)
    unfit = [name is None and value is not None for name, value in zip(known, number, strict=True)]
    return OutcomeColumn(table[raw], ~np.array(unfit, np.bool_)[raw], list(unique))


def _name(value: Value) -> str | None:
    try:
        return None if value is None else class_name(cast("Leaf", value), "class")
    except DecodeError:
        return None
