"""Gauges with an owner: what a worker says about a slice leaves with the partition that owns the slice."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from telemetry.cap import Cap, LabelValues
from telemetry.series import CATALOGUE

Owner: TypeAlias = Hashable
Key: TypeAlias = Hashable
Sample: TypeAlias = tuple[str, LabelValues, float]
"""Name, label values in the catalogue's order, value."""


class OwnedGauges:
    """Groups of gauges, each under a key that has one owner (a partition of the merge table).

    A group is replaced as a whole, so a metric that has become undefined is gone with the next ``set``.
    """

    def __init__(self, cap: Cap) -> None:
        self._cap = cap
        self._groups: dict[Key, tuple[Sample, ...]] = {}
        self._owners: dict[Key, Owner] = {}
        self._sizes: dict[str, int] = defaultdict(int)

    def set(self, owner: Owner, key: Key, samples: Sequence[Sample]) -> bool:
        """Show these samples under the key and nothing else; whether any is shown.

        Those beyond the cap are dropped and counted.
        """
        self.remove(key)
        shown = tuple(sample for sample in samples if self._admit(sample[0]))
        if shown:
            self._groups[key] = shown
            self._owners[key] = owner
        return bool(shown)

    def remove(self, key: Key) -> None:
        """Show nothing under the key any more."""
        for name, _, _ in self._groups.pop(key, ()):
            self._sizes[name] -= 1
        self._owners.pop(key, None)

    def drop(self, owner: Owner) -> None:
        """Show nothing of this owner any more (its partition was revoked)."""
        for key in [key for key, its in self._owners.items() if its == owner]:
            self.remove(key)

    def _admit(self, name: str) -> bool:
        if self._sizes[name] >= self._cap.series_max:
            self._cap.drop(name)
            return False
        self._sizes[name] += 1
        return True

    def collect(self) -> Iterable[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for samples in self._groups.values():
            for name, labels, value in samples:
                series = CATALOGUE[name]
                family = families.setdefault(name, GaugeMetricFamily(name, series.help, labels=series.labels))
                family.add_metric(labels, value)
        yield from families.values()
