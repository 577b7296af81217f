"""Alerts that hide others: one cause, one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerting.routing_config import Inhibition
from models.silence import matches

Labels = dict[str, str]
_Key = tuple[int, tuple[str, ...]]
"""An inhibition's number and the values of the labels in which both sides must agree."""


@dataclass(frozen=True, slots=True)
class Standing:
    """hides: what an alert hides while it fires; hidden_by: what it is hidden by."""

    hides: tuple[_Key, ...]
    hidden_by: tuple[_Key, ...]


class Inhibitor:
    """Knows the alerts that fire and may hide others. version: grows whenever an answer may have changed."""

    def __init__(self, inhibitions: Sequence[Inhibition]) -> None:
        self.version = 0
        self._inhibitions = tuple(inhibitions)
        self._sources: dict[_Key, dict[str, Standing]] = {}
        self._hiding: dict[_Key, bool] = {}

    def standing(self, labels: Labels) -> Standing:
        """Where an alert with these labels stands."""
        hides, hidden_by = [], []
        for number, inhibition in enumerate(self._inhibitions):
            key = number, tuple(labels.get(name, "") for name in inhibition.equal)
            if matches(inhibition.source, labels):
                hides.append(key)
            elif matches(inhibition.target, labels):
                hidden_by.append(key)
        return Standing(tuple(hides), tuple(hidden_by))

    def fires(self, fingerprint: str, standing: Standing) -> None:
        """The alert fires."""
        for key in standing.hides:
            sources = self._sources.setdefault(key, {})
            if fingerprint not in sources:
                sources[fingerprint] = standing
                self._changed()

    def is_over(self, fingerprint: str, standing: Standing) -> None:
        """The alert does not fire any more."""
        for key in standing.hides:
            sources = self._sources.get(key, {})
            if sources.pop(fingerprint, None) is not None:
                self._changed()
                if not sources:
                    del self._sources[key]

    def hides(self, standing: Standing) -> bool:
        """Whether an alert that stands there is hidden now."""
        return any(self._is_hiding(key) for key in standing.hidden_by)

    def _is_hiding(self, key: _Key) -> bool:
        known = self._hiding.get(key)
        if known is None:
            # Alerts that hide each other in a circle: whoever is asked about first is not hidden, so one is told.
            self._hiding[key] = False
            known = any(not self.hides(source) for source in self._sources.get(key, {}).values())
            self._hiding[key] = known
        return known

    def _changed(self) -> None:
        self.version += 1
        self._hiding.clear()
