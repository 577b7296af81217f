"""How long labels take: exact mean, quantiles from a histogram of logarithmic bins.

A quantile is off by `Layout.latency_relative_error` at most, between 1 ms and 397 days;
what is shorter counts as 1 ms there, what is longer as the last bin. The greatest latency
comes from the histogram too: a maximum of its own could not be retracted.
"""

from collections.abc import Sequence
from math import ceil
from typing import TypedDict

import numpy as np

from metrics.layout import Layout
from metrics.roc_auc import Histogram


class LatencySummary(TypedDict):
    """Seconds from a prediction's event time to its label's time."""

    mean: float
    p50: float
    p95: float
    p99: float
    max: float


def latency_summary(histogram: Histogram, latency_sum_ms: int, layout: Layout) -> LatencySummary | None:
    """Mean and quantiles in seconds; None when no latency was counted.

    >>> from metrics.layout import FINE
    >>> histogram = np.zeros(FINE.latency_bins, np.int64)
    >>> histogram[160] = 2  # 160 / 16 = 10 octaves: 1024 ms and a little
    >>> {name: round(seconds, 2) for name, seconds in latency_summary(histogram, 2060, FINE).items()}
    {'mean': 1.03, 'p50': 1.05, 'p95': 1.05, 'p99': 1.05, 'max': 1.05}
    """
    count = int(histogram.sum())
    if count == 0:
        return None
    p50, p95, p99, greatest = quantiles(histogram, (0.5, 0.95, 0.99, 1.0), layout)
    mean = latency_sum_ms / count / 1000
    return LatencySummary(mean=mean, p50=p50, p95=p95, p99=p99, max=greatest)


def quantiles(histogram: Histogram, shares: Sequence[float], layout: Layout) -> list[float]:
    """Seconds below or at which so large a share of the latencies lies.

    The quantile is the record of rank ceil(share n) (the inverse of the distribution
    function), answered for by the geometric middle of its bin. At least one record.
    """
    up_to = np.cumsum(histogram)
    ranks = [max(1, ceil(share * int(up_to[-1]))) for share in shares]
    bins = np.searchsorted(up_to, ranks, side="left")
    middles_ms = np.exp2((bins + 0.5) / layout.latency_bins_per_octave)
    return [float(middle_ms) / 1000 for middle_ms in middles_ms]
