"""The bound on label cardinality: one for every family of series."""

from collections.abc import Container, Sized
from typing import Final, Protocol, TypeAlias

LabelValues: TypeAlias = tuple[str, ...]

OTHER: Final = "__other__"


class Held(Sized, Container[LabelValues], Protocol):
    """The series that a family has so far."""


class Cap:
    """At most ``series_max`` series a family; counts, per family, the updates that met the cap."""

    def __init__(self, series_max: int) -> None:
        self.series_max = series_max
        self.dropped: dict[str, int] = {}

    def admit(self, family: str, labels: LabelValues, held: Held) -> LabelValues:
        """The labels to count under: as given, or ``__other__`` in each place when the family is full."""
        if labels in held or len(held) < self.series_max:
            return labels
        self.drop(family)
        return (OTHER,) * len(labels)

    def drop(self, family: str, updates: int = 1) -> None:
        """Count updates that the cap turned away."""
        self.dropped[family] = self.dropped.get(family, 0) + updates
