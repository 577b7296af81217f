"""How far two histograms over the same bins lie apart: PSI, Jensen-Shannon, Wasserstein.

Histograms are counts, [bins]; *reference* is the baseline's, *counts* the window's. Neither is empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, rel_entr

Histogram = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]


def psi(reference: Histogram, counts: Histogram) -> float:
    """Population stability index, sum (q - p) ln(q / p), natural logarithm.

    Every share is (c + 1/2) / (n + B/2), on both sides alike, so no bin divides by 0. A bin that is
    empty on both sides says nothing and is no bin.

    >>> round(psi(np.array([50, 50]), np.array([30, 70])), 4)
    0.1659
    """
    reference, counts = _held(reference, counts)
    p, q = ((histogram + 0.5) / (histogram.sum() + 0.5 * len(histogram)) for histogram in (reference, counts))
    return float(((q - p) * np.log(q / p)).sum())


def psi_noise(reference: Histogram, counts: Histogram, alpha: float) -> float:
    """What `psi` exceeds with probability alpha when nothing changed: (1/n + 1/m) chi2_{B-1, 1-alpha}.

    Yurdakul 2018, for bins with some five expected records each. 0 with one bin.

    >>> bins = np.full(10, 100)
    >>> round(psi_noise(bins, bins // 20, alpha=0.01), 3)  # n = 50: far above the customary 0.1 and 0.2
    0.455
    """
    reference, counts = _held(reference, counts)
    if len(counts) == 1:
        return 0.0
    return float((1 / counts.sum() + 1 / reference.sum()) * chdtri(len(counts) - 1, alpha))


def jensen_shannon(reference: Histogram, counts: Histogram) -> float:
    """Jensen-Shannon distance in [0, 1]: the root of the divergence in bits (Lin 1991; Endres & Schindelin 2003).

    >>> jensen_shannon(np.array([8, 0]), np.array([0, 3]))
    1.0
    """
    p, q = reference / reference.sum(), counts / counts.sum()
    middle = (p + q) / 2
    nats = (rel_entr(p, middle) + rel_entr(q, middle)).sum() / 2
    return float(np.sqrt(max(0.0, nats / np.log(2))))


def wasserstein(
    edges: Floats, reference: Histogram, counts: Histogram, shift: float, square: float
) -> tuple[float, float]:
    """Wasserstein distance of order 1, the integral of |F - G|, and how far it may be off.

    edges f8[bins - 1]: standardised by the reference's mean and standard deviation, as are *shift*, the mean of the
    window's values, and *square*, the mean of their squares. The outer two bins have no end, and the reference
    nothing in them.

    Within a bin F - G is taken to run straight from edge to edge: an error of at most half its width times what is
    in it. Beyond the edges only the means know: the integral of F - G is their difference, so what the bins leave
    of it lies there. With values beyond both ends they cancel, so the distance comes out too small; the mean square
    then bounds what is missing (Cauchy and Schwarz).

    >>> wasserstein(np.array([-1.0, 1.0]), np.array([0, 9, 0]), np.array([0, 0, 9]), shift=5.0, square=25.0)
    (5.0, 2.0)
    """
    p, q = reference / reference.sum(), counts / counts.sum()
    difference = (np.cumsum(p) - np.cumsum(q))[:-1]
    width = np.diff(edges)
    left, right = difference[:-1], difference[1:]
    inner = float((width * _mean_magnitude(left, right)).sum())
    error = float((width * (p + q)[1:-1]).sum() / 2)
    if q[0] + q[-1] == 0:
        return inner, error
    outer = abs(shift - float((width * (left + right)).sum()) / 2)
    most = outer if min(q[0], q[-1]) == 0 else float(np.sqrt((q[0] + q[-1]) * square))
    return inner + outer, 2 * error + max(0.0, most - outer)


def _mean_magnitude(left: Floats, right: Floats) -> Floats:
    """Mean of |y| along straight lines from left to right; where one crosses 0, that of two triangles."""
    ends = np.abs(left) + np.abs(right)
    crossing = left * right < 0
    triangles = (left**2 + right**2) / np.where(crossing, 2 * ends, 1)
    return np.where(crossing, triangles, ends / 2)


def _held(reference: Histogram, counts: Histogram) -> tuple[Histogram, Histogram]:
    held = (reference + counts) > 0
    return reference[held], counts[held]
