"""What a worker counts of the predictions and labels that it joins: counters and histograms by model and version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.combo import Combo
from tables.block import COUNTED, OUTCOME, JoinBlock, Stretch
from tables.observing import Served
from telemetry.registry import Telemetry
from telemetry.series import CONFIDENCE_BUCKETS, LATENCY_SECONDS_BUCKETS

_CONFIDENCES = np.array(CONFIDENCE_BUCKETS[:-1])
_LATENCIES = np.array(LATENCY_SECONDS_BUCKETS)


def count_block(telemetry: Telemetry, names: Sequence[Combo], block: JoinBlock) -> None:
    """Count what a block adds; ids with more of a story are left out. names: the combo of each code."""
    for stretch in block.stretches():
        _count_stretch(telemetry, names, stretch)


def _count_stretch(telemetry: Telemetry, names: Sequence[Combo], stretch: Stretch) -> None:
    form, rows, ops = stretch.form, stretch.rows, stretch.ops
    counted = rows[(ops & COUNTED) != 0]
    for code, n in _by_code(counted["combo"]):
        telemetry.predictions.add(*names[code][:2], n=n)
        confidence = form.confidence(counted[counted["combo"] == code])
        confidence = confidence[~np.isnan(confidence)]
        if form.task != "regression":
            buckets = np.bincount(np.searchsorted(_CONFIDENCES, confidence), minlength=len(CONFIDENCE_BUCKETS))
            telemetry.confidence.observe_counts(
                *names[code][:2], counts=[*buckets.tolist(), 0], total=float(confidence.sum())
            )
    for code, n in _by_code(rows["combo"][(ops & OUTCOME) != 0]):
        telemetry.labels.add(*names[code][:2], n=n)


def count_served(telemetry: Telemetry, served: Iterable[Served]) -> None:
    """Count latencies and errors of the predictions that were new, or not made."""
    for one in served:
        telemetry.errors.add_types(one.model, one.version, errors=one.errors)
        if len(one.latency_seconds):
            buckets = np.bincount(np.searchsorted(_LATENCIES, one.latency_seconds), minlength=len(_LATENCIES) + 1)
            total = float(one.latency_seconds.sum())
            telemetry.latency.observe_counts(one.model, one.version, counts=buckets.tolist(), total=total)


def _by_code(codes: NDArray[np.uint32]) -> list[tuple[int, int]]:
    distinct, counts = np.unique(codes, return_counts=True)
    return list(zip(distinct.tolist(), counts.tolist(), strict=True))
