"""Counters and histograms that are fed in bulk: one call a chunk, never one a record.

prometheus_client's own histogram takes one observation at a time; ours takes counts per bucket.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from telemetry.cap import OTHER, Cap, LabelValues
from telemetry.series import Series

ERROR_TYPES_MAX: Final = 50


class Counter:
    """A family of counters; beyond the cap, values go on under ``__other__``."""

    def __init__(self, series: Series, cap: Cap) -> None:
        self._series, self._cap = series, cap
        self._values: dict[LabelValues, float] = {}

    def add(self, *labels: str, n: float) -> None:
        """Count ``n`` more. Labels in the catalogue's order."""
        at = self._cap.admit(self._series.name, labels, self._values)
        self._values[at] = self._values.get(at, 0.0) + n

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._series.name, self._series.help, labels=self._series.labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        yield family


class ErrorCounter(Counter):
    """Errors by type. Whoever writes the record names the types, so each model and version has a cap of its own:
    types that never repeat must not use up the family.
    """

    def __init__(self, series: Series, cap: Cap) -> None:
        super().__init__(series, cap)
        self._types: dict[LabelValues, set[str]] = {}

    def add_types(self, *labels: str, errors: Mapping[str, int]) -> None:
        """Count so many more of each type; those beyond `ERROR_TYPES_MAX` under ``__other__``."""
        known = self._types.setdefault(labels, set())
        for name, n in errors.items():
            if name in known or len(known) < ERROR_TYPES_MAX:
                known.add(name)
                self.add(*labels, name, n=n)
            else:
                self._cap.drop(self._series.name)
                self.add(*labels, OTHER, n=n)


class Histogram:
    """A family of histograms over fixed buckets (upper bounds, as in the catalogue, and +Inf)."""

    def __init__(self, series: Series, cap: Cap) -> None:
        self._series, self._cap = series, cap
        self._counts: dict[LabelValues, list[float]] = {}
        self._sums: dict[LabelValues, float] = {}

    def observe_counts(self, *labels: str, counts: Sequence[float], total: float) -> None:
        """Add observations binned already.

        ``counts``: how many fell into each bucket alone (not cumulated), one for each upper bound of the
        catalogue and optionally one more for those above the last. ``total``: the sum of the observations.
        """
        size = len(self._series.buckets) + 1
        if len(counts) not in {size - 1, size}:
            raise ValueError(f"{self._series.name}: {len(counts)} counts for {size - 1} buckets")
        at = self._cap.admit(self._series.name, labels, self._counts)
        held = self._counts.setdefault(at, [0.0] * size)
        for index, count in enumerate(counts):
            held[index] += float(count)
        self._sums[at] = self._sums.get(at, 0.0) + float(total)

    def observe(self, *labels: str, value: float) -> None:
        """Add one observation (for what happens once a chunk, as its duration)."""
        counts = [0.0] * (len(self._series.buckets) + 1)
        counts[sum(bound < value for bound in self._series.buckets)] = 1.0
        self.observe_counts(*labels, counts=counts, total=value)

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._series.name, self._series.help, labels=self._series.labels)
        bounds = [*(str(float(bound)) for bound in self._series.buckets), "+Inf"]
        for labels, counts in self._counts.items():
            family.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), self._sums[labels])
        yield family
