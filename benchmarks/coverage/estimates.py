"""Estimates without labels; the truth is what the window's own labels say, which the intervals are about.

Each window has a reference of its own, so that what a reference knows badly counts, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage.classes import BINS, CLASS_METRICS, Population
from benchmarks.coverage.tally import Tally
from metrics import cbpe, dle
from metrics.confusion import Confusion
from metrics.isotonic import calibrated
from metrics.roc_auc import roc_auc

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
PREDICTION_BINS = 50


def cbpe_windows(population: Population, labelled: int, records: int, windows: int, rng: np.random.Generator) -> Tally:
    tally = Tally(f"CBPE, {labelled:,} labels in the baseline", records)
    high = np.arange(BINS) >= BINS // 2
    for _ in range(windows):
        (known, labels), (bins, actual) = (population.draw(rng, size) for size in (labelled, records))
        reference = _by_class(known, labels)
        p = calibrated(*reference, np.random.default_rng(0))
        counts = np.bincount(bins, minlength=BINS)
        found = cbpe.estimate(counts * ~high, counts * high, p, labelled, cbpe.auc_optimism(*reference, p))
        tally.add(found["intervals"], _realised(bins, actual))
    return tally


def dle_windows(reference: int, records: int, windows: int, rng: np.random.Generator) -> Tally:
    tally = Tally(f"DLE, {reference:,} labels in the baseline", records)
    for _ in range(windows):
        sums = dle.loss_sums(*_losses(rng, reference), PREDICTION_BINS)
        bins, error = _losses(rng, records)
        mse = float(np.mean(error**2))
        truths = {"mae": float(np.mean(np.abs(error))), "mse": mse, "rmse": mse**0.5}
        tally.add(dle.estimate(np.bincount(bins, minlength=PREDICTION_BINS), sums)["intervals"], truths)
    return tally


def _losses(rng: np.random.Generator, records: int) -> tuple[Ints, NDArray[np.float64]]:
    """Bins of predictions, and errors that grow with the prediction."""
    bins = rng.integers(0, PREDICTION_BINS, records)
    return bins, rng.normal(0, 0.5 + bins / PREDICTION_BINS)


def _by_class(bins: Ints, actual: Flags) -> tuple[Ints, Ints]:
    return np.bincount(bins[~actual], minlength=BINS), np.bincount(bins[actual], minlength=BINS)


def _realised(bins: Ints, actual: Flags) -> dict[str, float | None]:
    pairs = np.bincount(2 * (bins >= BINS // 2) + actual, minlength=4).tolist()
    table = Confusion(tn=pairs[0], fn=pairs[1], fp=pairs[2], tp=pairs[3])
    return {name: getattr(table, name) for name in CLASS_METRICS} | {"auc": roc_auc(*_by_class(bins, actual))}
