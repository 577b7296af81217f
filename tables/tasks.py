"""How the outcomes of each task are counted: the one place where the join and the metrics meet."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from metrics import binary, layout, multiclass_chunk, regression
from metrics.binary_part import BinaryPart
from metrics.business import Rates
from metrics.business_part import BusinessPart
from metrics.delays import Delays
from metrics.multiclass import MulticlassPart
from metrics.window_layout import Part, WindowLayout
from models import class_scores
from models.outcome import Task
from tables.windows import Prepared

_NO_SCORES = 1
"""One bin is enough for none."""
_SCORE_BINS, _SCORE_BINS_OF_SEGMENT = 100, 20
"""Of each class: there are as many histograms as classes, so they are coarser than that of a binary model."""


def prepare(
    task: Task,
    score: NDArray[np.float64],
    predicted: NDArray[Any],
    carried: NDArray[np.void],
    actual: NDArray[Any] | None = None,
    latency_ms: NDArray[np.int64] | None = None,
) -> Prepared:
    """A chunk of n records for the parts of their task; predicted and actual as in its column of outcomes.

    carried: what each prediction carries (see `models.carried`).
    """
    if task == "binary":
        prepared = binary.prepare(score, predicted, actual, latency_ms)
        return replace(prepared, carried=carried) if carried.itemsize else prepared
    if task == "regression":
        return regression.FINE.prepare(predicted, actual, latency_ms)
    if task == "multiclass":
        return multiclass_chunk.prepare(predicted, class_scores.unpack(carried), actual, latency_ms)
    assert_never(task)


def parts(
    task: Task, classes_max: int, business: Rates | None = None, *, has_class_scores: bool = False, whole: bool
) -> tuple[Part, ...]:
    """What counts the outcomes of a window: of the whole model finely, of a segment coarsely.

    business: what outcomes of a binary model are worth, if that is asked for. has_class_scores: whether predictions of
    a multiclass one carry scores.
    """
    if task == "binary":
        worth = () if business is None else (BusinessPart(business),)
        return (BinaryPart(layout.FINE), Delays(), *worth) if whole else (BinaryPart(layout.COARSE), *worth)
    if task == "regression":
        return (regression.FINE if whole else regression.COARSE,)
    if task == "multiclass":
        latency_bins = (layout.FINE if whole else layout.COARSE).latency_bins
        score_bins = (_SCORE_BINS if whole else _SCORE_BINS_OF_SEGMENT) if has_class_scores else _NO_SCORES
        return (MulticlassPart(classes_max, score_bins, latency_bins),)
    assert_never(task)


@lru_cache(maxsize=1_000)
def layout_of(
    task: Task, classes_max: int = 0, business: Rates | None = None, *, has_class_scores: bool = False, whole: bool
) -> WindowLayout:
    """Of outcomes alone; one object for all models that are alike."""
    return WindowLayout(parts(task, classes_max, business, has_class_scores=has_class_scores, whole=whole))
