"""What a prediction carries besides its outcome until its label comes: fixed bytes a record, kept in the join's row.

Zeros mean that nothing was carried. So bytes of another length, from before the configuration was changed, can be read
on: what is missing behind is zeros, and what begins with something else than what is expected counts as nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.observed import Value
from models.outcome import Task

if TYPE_CHECKING:
    from models.mapping import Paths

Carried = Value | Mapping[str, float]
"""What a carrier reads of a record."""

VALUE: Final = np.dtype([("known", "u1"), ("units", "<i8")])
"""A business value: whether the record has one, and how many units of 1 / `UNITS` it is."""
NO_VALUE, A_VALUE = 1, 2
"""``known`` of a value; 0 is a row of a time when no values were asked for."""
UNITS: Final = 10_000
"""A value is counted in ten-thousandths, so that cents add up exactly."""
VALUE_MAX: Final = 1e12
"""A greater one is none: a double would not hold its cents."""

CLASSES_MAX: Final = 200
"""So many classes at most have scores of their own."""


def scores_dtype(classes_max: int) -> np.dtype[Any]:
    """Scores of classes: how many classes there are, a score of the others, one of each (see `models.class_scores`).

    >>> scores_dtype(10).itemsize
    23
    """
    return np.dtype([("classes", "u1"), ("other", "<u2"), ("of_class", "<u2", (classes_max,))])


WIDTHS: Final[Mapping[Task, frozenset[int]]] = MappingProxyType(
    {
        "binary": frozenset({0, VALUE.itemsize}),
        "regression": frozenset({0}),
        "multiclass": frozenset({0, *(scores_dtype(classes).itemsize for classes in range(2, CLASSES_MAX + 1))}),
    }
)
"""Bytes that records of a task may carry, by configuration. No two tasks have rows of the same length."""


@dataclass(frozen=True, slots=True)
class ValueCarrier:
    """Carries the business value. What is no finite number within `VALUE_MAX` is none, and makes no record bad."""

    paths: Paths
    meaning: ClassVar[str] = "value"
    role: ClassVar[Literal["watched"]] = "watched"

    @property
    def itemsize(self) -> int:
        """Bytes a record."""
        return VALUE.itemsize

    def pack(self, values: Sequence[Carried]) -> NDArray[np.void]:
        """V[n], each of `VALUE`."""
        numbers = np.array([value if type(value) is float else np.nan for value in values], np.float64)
        is_value = np.abs(numbers) <= VALUE_MAX
        packed = np.zeros(len(values), VALUE)
        packed["known"] = np.where(is_value, A_VALUE, NO_VALUE)
        packed["units"] = np.rint(np.where(is_value, numbers, 0.0) * UNITS)
        return packed.view(f"V{VALUE.itemsize}")


@dataclass(frozen=True, slots=True)
class ScoresCarrier:
    """Carries the scores of single classes. What is no object of numbers is none, and makes no record bad.

    They are packed when the codes of the classes are known: see `models.codec.Decoded.coded`.
    """

    paths: Paths
    classes_max: int
    meaning: ClassVar[str] = "scores of classes"
    role: ClassVar[Literal["shares"]] = "shares"

    @property
    def itemsize(self) -> int:
        """Bytes a record."""
        return scores_dtype(self.classes_max).itemsize


Carrier = ValueCarrier | ScoresCarrier
"""Says what the records of one model carry: one value, and where it may stand, highest precedence first."""


def fitted(carried: NDArray[np.void] | None, records: int, itemsize: int) -> NDArray[np.void]:
    """V[records] of so many bytes each: zeros where nothing is carried, cut or filled with zeros behind."""
    if carried is not None and carried.itemsize == itemsize:
        return carried
    found = np.zeros((records, itemsize), np.uint8)
    if carried is None or not itemsize or not records:
        return np.zeros(records, f"V{itemsize}")
    known = carried.view(np.uint8).reshape(records, -1)[:, :itemsize]
    found[:, : known.shape[1]] = known
    return found.view(f"V{itemsize}").reshape(records)


def unite(parts: Sequence[tuple[int, NDArray[np.void] | None]]) -> NDArray[np.void] | None:
    """What all parts (records, what they carry) carry, end to end, as wide as the widest; None if nothing."""
    width = max((carried.itemsize for _, carried in parts if carried is not None), default=0)
    if not width:
        return None
    return np.concatenate([fitted(carried, records, width) for records, carried in parts])


def packed_rows(carriers: Sequence[Carrier | None], values: Sequence[Carried]) -> NDArray[np.void] | None:
    """The business values of n records that were judged one by one, each by its carrier; None if none carries one."""
    at = [i for i, carrier in enumerate(carriers) if isinstance(carrier, ValueCarrier)]
    if not at:
        return None
    found = np.zeros(len(carriers), f"V{VALUE.itemsize}")
    found[at] = ValueCarrier(()).pack([values[i] for i in at])
    return found
