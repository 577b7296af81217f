"""Which models, versions and segment values stand for themselves: the first ones, up to a limit.

All workers must agree, or the parts of a roll-up would not add up to the whole. So names are
admitted in the order of one log that everybody reads; what comes after the limit is counted as
``__other__``. A name that is admitted stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from models.batch import OTHER, Combo
from tables.plan import ANY_MODEL, Plan

VERSIONS_MAX = 1_000
TOPIC_ID = "topic id"
"""Not a dimension: a source topic (in ``model``) and an id that Kafka has given it; see runtime/source_identity.py."""


class Name(NamedTuple):
    """One value of one dimension: of ``model``, of a model's ``version``, or of a segment field."""

    model: str
    dimension: str
    value: str


@dataclass(slots=True)
class Admissions:
    """The names admitted so far."""

    plan: Plan
    models_max: int
    segment_values_max: dict[str, int]
    """By configured model, as its ``segment_values_max``."""
    _admitted: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def names(self, combo: Combo) -> list[Name]:
        """The names that a combo uses; its model only where any model may come."""
        model, version, *values = combo
        plan = self.plan.of(model)
        found = [Name(ANY_MODEL, "model", model)] if plan.name == ANY_MODEL else []
        found.append(Name(model, "version", version))
        fields = zip(plan.segments, values, strict=False)
        return found + [Name(model, f"segment {name}", value) for name, value in fields]

    def _limit(self, name: Name) -> int:
        if name.dimension == "model":
            return self.models_max
        if name.dimension == "version":
            return VERSIONS_MAX
        return self.segment_values_max[self.plan.of(name.model).name]

    def admit(self, name: Name) -> bool:
        """Take a name in if there is room; whether it stands for itself now."""
        held = self._admitted.setdefault((name.model, name.dimension), set())
        if name.value not in held and len(held) < self._limit(name):
            held.add(name.value)
        return name.value in held

    def unsettled(self, combos: Iterable[Combo]) -> list[Name]:
        """Names that are not admitted although there is room: the log has to decide."""
        found: dict[Name, None] = {}
        for combo in combos:
            for name in self.names(combo):
                held = self._admitted.get((name.model, name.dimension), ())
                if name.value not in held and len(held) < self._limit(name):
                    found[name] = None
        return list(found)

    def cap(self, combo: Combo) -> Combo:
        """The combo as it is counted."""
        model, version, *values = combo
        plan = self.plan.of(model)
        if plan.name == ANY_MODEL and not self._is_admitted(Name(ANY_MODEL, "model", model)):
            return (OTHER, OTHER, *(OTHER for _ in values))
        if not self._is_admitted(Name(model, "version", version)):
            version = OTHER
        fields = zip(plan.segments, values, strict=False)
        kept = [v if self._is_admitted(Name(model, f"segment {f}", v)) else OTHER for f, v in fields]
        return (model, version, *kept)

    def _is_admitted(self, name: Name) -> bool:
        return name.value in self._admitted.get((name.model, name.dimension), ())
