"""The embeddings of a reference seen one after the other: their centroid, and how they scatter around it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.packed_embedding import scaled
from metrics.reference import Scatter

Floats = NDArray[np.float64]

SAMPLE: Final = 1_000
"""The scatter is that of a uniform sample of so many vectors: it is known to some 5 %."""


class EmbeddingSurvey:
    """Takes vectors of one dimension; what is not finite, or has no direction, is left out and counted."""

    def __init__(self, random: np.random.Generator) -> None:
        """random: draws the sample."""
        self._random = random
        self._sum: Floats | None = None
        self._sample: list[Floats] = []
        self.records = self.left_out = 0

    def add(self, vector: Floats) -> None:
        """Count f8[dimension]. Raises ValueError for another dimension than the first one's."""
        if self._sum is None:
            self._sum = np.zeros(len(vector))
        if len(vector) != len(self._sum):
            raise ValueError(f"embeddings of {len(self._sum)} and of {len(vector)} numbers")
        unit = scaled(vector)
        if unit is None:
            self.left_out += 1
            return
        self._sum += unit
        self.records += 1
        if len(self._sample) < SAMPLE:
            self._sample.append(unit)
        elif (at := int(self._random.integers(self.records))) < SAMPLE:  # Vitter 1985, algorithm R
            self._sample[at] = unit

    def centroid(self) -> list[float]:
        """The mean of the vectors scaled to length 1; empty if there is none."""
        return [] if self._sum is None or not self.records else (self._sum / self.records).tolist()

    def scatter(self) -> Scatter | None:
        """None of fewer than two vectors, and where they cancel each other out.

        variance: mean square of what lies across the centroid's direction. freedom: variance^2 over the sum of its
        squared eigenvalues, which is the mean of (u . v)^2 over pairs of vectors.
        """
        axis = scaled(np.array(self.centroid()))
        if axis is None or len(self._sample) < 2:
            return None
        sample = np.array(self._sample)
        across = sample - np.outer(sample @ axis, axis)
        variance = float((across**2).sum(axis=1).mean())
        products = (across @ across.T) ** 2
        pairs = len(sample) * (len(sample) - 1)
        eigenvalues_squared = float(products.sum() - np.trace(products)) / pairs
        freedom = variance**2 / eigenvalues_squared if eigenvalues_squared > 0 else 1.0
        return Scatter(records=self.records, variance=variance, freedom=min(max(freedom, 1.0), float(len(axis))))
