"""Regression windows; the truth is that of the distribution which errors are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage.tally import Tally
from metrics.regression import FINE

Floats = NDArray[np.float64]
LOWEST, HIGHEST = 5.0, 15.0
"""Truths are spread evenly between these."""
BIAS = 0.2


@dataclass(frozen=True)
class Errors:
    """Errors of variance 1 around `BIAS`; heavy: Laplace's distribution, with far more large ones."""

    name: str
    heavy: bool

    def draw(self, rng: np.random.Generator, records: int) -> Floats:
        return BIAS + (rng.laplace(0, sqrt(0.5), records) if self.heavy else rng.normal(0, 1, records))

    def truths(self) -> dict[str, float | None]:
        if self.heavy:
            scale = sqrt(0.5)
            absolute = BIAS + scale * np.exp(-BIAS / scale)
        else:
            tail = np.exp(-(BIAS**2) / 2) * sqrt(2 / pi)
            absolute = tail + BIAS * erf(BIAS / sqrt(2))
        mse = 1 + BIAS**2
        mape = absolute * log(HIGHEST / LOWEST) / (HIGHEST - LOWEST)  # the mean of 1 / truth
        return {"mse": mse, "rmse": sqrt(mse), "mae": float(absolute), "mape": float(mape), "bias": BIAS}


NORMAL, HEAVY = Errors("regression, normal errors", heavy=False), Errors("regression, Laplace errors", heavy=True)


def regression_windows(errors: Errors, records: int, windows: int, rng: np.random.Generator) -> Tally:
    tally, truths = Tally(errors.name, records), errors.truths()
    slot = np.zeros(records, np.int64)
    for _ in range(windows):
        actual = rng.uniform(LOWEST, HIGHEST, records)
        prepared = FINE.prepare(actual + errors.draw(rng, records), actual)
        head, cells = np.zeros((1, FINE.head_columns), np.int64), np.zeros((1, FINE.cells), np.int32)
        FINE.add_predictions(head, cells, slot, prepared)
        FINE.add_outcomes(head, cells, slot, prepared)
        found = FINE.summarise(head[0], cells[0], 60)["intervals"]
        assert isinstance(found, dict)
        tally.add(found, truths)
    return tally
