"""A column of numbers seen a chunk at a time: its moments, its range, and a sample for the quantiles."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.reference import FIRST, Numeric

Floats = NDArray[np.float64]

QUANTILES: Final = 50
"""So many bins of equal weight: the edges are the 49 quantiles between them."""


class NumberSurvey:
    """Exact but for the quantiles, which are of a uniform sample once there are more numbers than `kept_max`."""

    def __init__(self, kept_max: int, random: np.random.Generator) -> None:
        self.count = 0
        self._mean = self._squares = 0.0
        self._min, self._max = np.inf, -np.inf
        self._sample = _Sample(kept_max, random)

    def add(self, values: Floats) -> None:
        """Count f8[n]; NaN and infinities are left out.

        Moments are merged by Chan, Golub and LeVeque (1979): no difference of large sums, so none of their loss.
        """
        finite = values[np.isfinite(values)]
        if not finite.size:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # numbers near 1e308: `numeric` refuses them
            mean = float(finite.mean())
            apart, count = mean - self._mean, self.count + finite.size
            self._squares += float(((finite - mean) ** 2).sum()) + apart**2 * self.count * finite.size / count
            self._mean += apart * finite.size / count
        self.count = count
        self._min, self._max = min(self._min, float(finite.min())), max(self._max, float(finite.max()))
        self._sample.add(finite)

    @property
    def sampled(self) -> bool:
        """Whether the quantiles are those of a sample."""
        return self._sample.full

    def numeric(self) -> Numeric:
        """The feature, its counts still 0. Raises ValueError if its numbers cannot be summed up."""
        if not self.count:
            raise ValueError("no finite number stands there")
        constant = self._min == self._max
        mean = self._min if constant else self._mean  # a mean of equal fractions may be a rounding error off
        std = 0.0 if constant else float(np.sqrt(self._squares / self.count))
        if not np.isfinite([mean, std]).all():
            raise ValueError("its numbers are too large")
        sample = self._sample.values()
        q1, q2, q3 = np.quantile(sample, [0.25, 0.5, 0.75]).tolist()
        # Quantiles that are values of the reference keep an edge between two categories written as numbers clean.
        inner = np.quantile(sample, np.arange(1, QUANTILES) / QUANTILES, method="inverted_cdf")
        bounds = _bounds(self._min, self._max, q1, q3, mean, std)
        edges: list[float] = np.unique(np.concatenate([inner, bounds[np.isfinite(bounds)]])).tolist()
        return Numeric(
            edges=edges, counts=[0] * (FIRST + len(edges) + 1), mean=mean, std=std, min=self._min, max=self._max,
            quartiles=(q1, q2, q3),
        )  # fmt: skip


def _bounds(low: float, high: float, q1: float, q3: float, mean: float, std: float) -> Floats:
    """What is published as a share of the records: range, IQR fences (Tukey), z-score 3. Lower ones belong inside."""
    fence, deviation = 1.5 * (q3 - q1), 3 * std
    with np.errstate(over="ignore"):
        lower = np.nextafter([low, q1 - fence, mean - deviation], -np.inf)
    return np.concatenate([lower, [high, q3 + fence, mean + deviation]])


class _Sample:
    """All numbers while there are at most `size`, then a uniform sample of so many: those of the least random key."""

    def __init__(self, size: int, random: np.random.Generator) -> None:
        self._size = size
        self._random = random
        self._held: list[Floats] = []
        self._keys: list[Floats] = []
        self._count = 0
        self._below = 1.0
        self.full = False

    def add(self, values: Floats) -> None:
        if self.full:
            self._add_some(values, self._random.random(len(values)))
        else:
            self._held.append(values)
            self._count += len(values)
            if self._count > self._size:
                self.full = True
                self._keys = [self._random.random(self._count)]
                self._shrink()

    def values(self) -> Floats:
        if self.full:
            self._shrink()
        return np.concatenate(self._held)

    def _add_some(self, values: Floats, keys: Floats) -> None:
        taken = keys < self._below
        self._held.append(values[taken])
        self._keys.append(keys[taken])
        self._count += int(taken.sum())
        if self._count > self._size + self._size // 4:
            self._shrink()

    def _shrink(self) -> None:
        values, keys = np.concatenate(self._held), np.concatenate(self._keys)
        least = np.argpartition(keys, self._size - 1)[: self._size]
        self._held, self._keys, self._count = [values[least]], [keys[least]], len(least)
        self._below = float(self._keys[0].max())
