"""Tests of whether a window's values are of the reference's distribution, from counts over the same bins.

Histograms are counts, [bins]; *reference* is the baseline's, *counts* the window's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc, kolmogorov

from metrics.distances import Histogram
from metrics.intervals import wilson

EXPECTED_MIN = 5
"""Below so many expected records the chi-square approximation is not to be trusted (Cochran 1954)."""

NULL_FACTOR = 2
NULL_RISE_MIN = 0.01
"""One record in a hundred: a smaller rise may be significant, but nobody wants to be told."""


def ks(reference: Histogram, counts: Histogram) -> tuple[float, float]:
    """Kolmogorov-Smirnov statistic, max |F - G| at the edges of the bins, and how far below the true one it may be.

    Within a bin F and G may differ by as much as the one at its end and the other at its beginning do. Neither
    histogram is empty.

    >>> [round(number, 3) for number in ks(np.array([5, 5, 0]), np.array([2, 5, 3]))]
    [0.3, 0.5]
    """
    p, q = (np.concatenate([[0.0], np.cumsum(histogram) / histogram.sum()]) for histogram in (reference, counts))
    at_edges = float(np.abs(p - q).max())
    most = float(np.maximum(p[1:] - q[:-1], q[1:] - p[:-1]).max())
    return at_edges, max(0.0, most - at_edges)


def ks_pvalue(statistic: float, n: int, m: int) -> float:
    """Probability of so great a statistic or a greater one, by Kolmogorov's distribution with n m / (n + m) values.

    Asymptotic, and conservative: a statistic at edges is at most the true one.

    >>> round(ks_pvalue(0.2, 100, 100), 3)
    0.037
    """
    return float(kolmogorov(np.sqrt(n * m / (n + m)) * statistic))


def chi2_pvalue(reference: Histogram, counts: Histogram) -> float | None:
    """Pearson's chi-square test of homogeneity, without correction; None if fewer than two bins are left.

    The rarest bins are merged until each has `EXPECTED_MIN` expected records in either row of the table.

    >>> round(chi2_pvalue(np.array([50, 50]), np.array([30, 70])), 4)
    0.0039
    """
    n, m = int(counts.sum()), int(reference.sum())
    if min(n, m) == 0:
        return None
    table = _merged(np.stack([reference, counts]), EXPECTED_MIN * (n + m) / min(n, m))
    columns = table.shape[1]
    if columns < 2:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / (n + m)
    return float(chdtrc(columns - 1, ((table - expected) ** 2 / expected).sum()))


def benjamini_hochberg(p_values: Sequence[float], q: float) -> list[bool]:
    """Which hypotheses to reject so that at most a share q of the rejected ones is true (Benjamini & Hochberg 1995).

    >>> benjamini_hochberg([0.001, 0.9, 0.02, 0.04], q=0.05)
    [True, False, True, False]
    """
    ascending = sorted(p_values)
    allowed = [p for k, p in enumerate(ascending, 1) if p <= k * q / len(ascending)]
    return [bool(allowed) and p <= allowed[-1] for p in p_values]


def nulls_doubled(null: int, records: int, reference_null: int, reference_records: int) -> bool:
    """Whether the null rate is at least twice the reference's beyond doubt: the lower end of its interval is.

    The interval is Wilson's, and the reference's rate the upper end of its own. The rise must be `NULL_RISE_MIN` too.

    >>> nulls_doubled(6, 50, 100, 10_000), nulls_doubled(3, 50, 100, 10_000)
    (True, False)
    """
    rate, reference_rate = wilson(null, records), wilson(reference_null, reference_records)
    if rate is None or reference_rate is None:
        return False
    rise = null / records - reference_null / reference_records
    return rate[0] >= NULL_FACTOR * reference_rate[1] and rise >= NULL_RISE_MIN


def _merged(table: Histogram, least: float) -> Histogram:
    """The table [2, bins] with its rarest columns as one, so that no column's total is below least."""
    totals = table.sum(axis=0)
    order = np.argsort(totals, kind="stable")
    table, up_to = table[:, order], np.cumsum(totals[order])
    rare = int((totals < least).sum())
    if rare:
        rare = max(rare, int(np.searchsorted(up_to, least)) + 1)
    return np.concatenate([table[:, :rare].sum(axis=1, keepdims=True), table[:, rare:]], axis=1) if rare else table
