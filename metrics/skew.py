"""Training/serving skew: values of features as they were served against those that another source gives for the
same id.

Values are those of JSON (text, numbers, booleans, lists); an absent, null or NaN one is missing. Two numbers match if
they differ by no more than a share of the greater one; all else has to be the same, also in its type. A side without
types (CSV) takes those of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite, isnan
from typing import Final, NamedTuple

EXAMPLES_MAX: Final = 5
NULL_WORDS: Final = frozenset({"NULL", "null", "NA", "N/A", "n/a", "#N/A", "None", ""})
_BOOLEANS: Final = {"true": True, "false": False}

Values = Mapping[str, object]
"""A record's features by name; without those that are missing."""


class Difference(NamedTuple):
    """How two values differ. absolute: of two finite numbers; None for all else."""

    matches: bool
    absolute: float | None = None


@dataclass(slots=True)
class FeatureSkew:
    """One feature. compared: records where both sides have it; numbers: of these, where both are finite numbers."""

    compared: int = 0
    mismatches: int = 0
    missing_at_serving: int = 0
    missing_in_reference: int = 0
    numbers: int = 0
    absolute_sum: float = 0.0
    absolute_max: float | None = None
    examples: list[bytes] = field(default_factory=list)

    @property
    def mismatch_share(self) -> float | None:
        """Share of what was compared; None if nothing was."""
        return self.mismatches / self.compared if self.compared else None

    @property
    def mean_absolute_difference(self) -> float | None:
        """Over all pairs of finite numbers, those that match included; None if there are none."""
        return self.absolute_sum / self.numbers if self.numbers else None

    def add(self, one: bytes, found: Difference) -> None:
        """Count a pair; of the first mismatches the ids are kept."""
        self.compared += 1
        if found.absolute is not None:
            self.numbers += 1
            self.absolute_sum += found.absolute
            self.absolute_max = max(found.absolute, self.absolute_max or 0.0)
        if not found.matches:
            self.mismatches += 1
            if len(self.examples) < EXAMPLES_MAX:
                self.examples.append(one)


@dataclass(slots=True)
class Skew:
    """Compares records one by one. untyped: whether a side's values are all text, serving and reference."""

    tolerance: float
    untyped: tuple[bool, bool] = (False, False)
    records: int = 0
    features: dict[str, FeatureSkew] = field(default_factory=dict)

    def add(self, one: bytes, serving: Values, reference: Values) -> None:
        """Compare what was served for an id with what the reference has for it."""
        self.records += 1
        for name in serving.keys() | reference.keys():
            served, known = _typed(serving.get(name), reference.get(name), self.untyped)
            feature = self.features.get(name)
            if feature is None:
                feature = self.features[name] = FeatureSkew()
            if served is None and known is None:
                continue
            if served is None:
                feature.missing_at_serving += 1
            elif known is None:
                feature.missing_in_reference += 1
            else:
                feature.add(one, difference(served, known, self.tolerance))


def difference(served: object, known: object, tolerance: float) -> Difference:
    """Compare two values that are there.

    >>> difference(100, 100.00001, 1e-6)
    Difference(matches=True, absolute=1.0000000003174137e-05)
    >>> difference("1", 1, 1e-6), difference(True, 1, 1e-6)
    (Difference(matches=False, absolute=None), Difference(matches=False, absolute=None))
    """
    one, other = _number(served), _number(known)
    if one is None or other is None:
        same_kind = (one is None) == (other is None) and isinstance(served, bool) == isinstance(known, bool)
        return Difference(same_kind and served == known)
    if not (isfinite(one) and isfinite(other)):
        return Difference(one == other)
    absolute = abs(one - other)
    matches = absolute <= tolerance * max(abs(one), abs(other))
    return Difference(matches, absolute if isfinite(absolute) else None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def _typed(served: object, known: object, untyped: tuple[bool, bool]) -> tuple[object, object]:
    """Both values, where one side has no types in those of the other."""
    if untyped == (True, True):
        one, other = _as_number(served), _as_number(known)
        return (served, known) if one is None or other is None else (one, other)
    if untyped[0]:
        return _as_kind_of(served, known), known
    return (served, _as_kind_of(known, served)) if untyped[1] else (served, known)


def _as_kind_of(cell: object, typed: object) -> object:
    """A cell of text as a value of the other one's type; None for the words that stand for null among numbers."""
    if not isinstance(cell, str) or isinstance(typed, str):
        return cell
    if isinstance(typed, bool):
        return _BOOLEANS.get(cell.lower(), cell)
    if isinstance(typed, int | float):
        found = _as_number(cell)
        return (None if cell.strip() in NULL_WORDS else cell) if found is None else found
    return cell


def _as_number(cell: object) -> float | None:
    try:
        found = float(cell) if isinstance(cell, str) else None
    except ValueError:
        return None
    return None if found is None or isnan(found) else found
