"""Which models, versions and segment values stand for themselves: the first ones, up to a limit.

All workers must agree, or the parts of a roll-up would not add up to the whole. So names are
admitted in the order of one log that everybody reads; what comes after the limit is counted as
``__other__``. A name that is admitted stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.combo import OTHER, Combo
from tables.plan import ANY_MODEL, Plan

VERSIONS_MAX = 1_000
CLASS = "class"
TOPIC_ID = "topic id"
"""Not a dimension: a source topic (in ``model``) and an id that Kafka has given it; see runtime/source_identity.py."""
STATE_FORMAT = "state format"
"""Not a dimension: the format that a worker writes state in; see runtime/format_identity.py."""
KEY_ID = "key id"
"""Not a dimension: which key ids are hashed with, by its fingerprint, "" for none; see runtime/key_identity.py."""


class Name(NamedTuple):
    """One value of one dimension: of ``model``, of a model's ``version``, of a segment field, or of ``class``.

    model: of a class its labels topic.
    """

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
    _admitted: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """By model and dimension: names and their places in the order of admission."""

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
        if name.dimension == CLASS:
            return self.plan.classes_max(name.model)
        return self.segment_values_max[self.plan.of(name.model).name]

    def admit(self, name: Name) -> bool:
        """Take a name in if there is room; whether it stands for itself now."""
        held = self._admitted.setdefault((name.model, name.dimension), {})
        if name.value not in held and len(held) < self._limit(name):
            held[name.value] = len(held)
        return name.value in held

    def unsettled(self, names: Iterable[Name]) -> list[Name]:
        """Those that are not admitted although there is room: the log has to decide."""
        return [name for name in dict.fromkeys(names) if not self._is_admitted(name) and self._has_room(name)]

    def _has_room(self, name: Name) -> bool:
        return len(self._admitted.get((name.model, name.dimension), ())) < self._limit(name)

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

    def classes(self, labels_topic: str, classes: Iterable[str]) -> list[Name]:
        """The names of a multiclass model's classes; models that share a labels topic share them."""
        return [Name(labels_topic, CLASS, name) for name in classes if not _is_ours(name)]

    def class_names(self, labels_topic: str) -> list[str]:
        """The classes that stand for themselves, by their codes."""
        return list(self._admitted.get((labels_topic, CLASS), ()))

    def class_codes(self, labels_topic: str, classes: Iterable[str]) -> NDArray[np.int64]:
        """The code of each class, i8[n]: its place in the order of admission; ``classes_max`` of all others."""
        held = self._admitted.get((labels_topic, CLASS), {})
        other = self.plan.classes_max(labels_topic)
        return np.array([held.get(name, other) for name in classes], np.int64)

    def admit_classes(self, labels_topic: str, classes: Sequence[str]) -> NDArray[np.int64]:
        """The codes of classes that are all admitted as long as there is room, without any log."""
        for name in self.classes(labels_topic, classes):
            self.admit(name)
        return self.class_codes(labels_topic, classes)

    def _is_admitted(self, name: Name) -> bool:
        return name.value in self._admitted.get((name.model, name.dimension), ())


def _is_ours(name: str) -> bool:
    """Whether a class is called as we call what has no name: it is counted with the others."""
    return name.startswith("__")
