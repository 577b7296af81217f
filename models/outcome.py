"""What models of each task predict and labels say, as one column.

binary       i1: 1 is the positive class, 0 any other
regression   f8: the value, finite and within +-VALUE_MAX
multiclass   i4: of a chunk that was decoded an index into the names that come with it, then the code that all workers
             have for the class (see `tables.dimensions`)

A label whose truth is null is *withdrawn*: -1 where classes are counted, infinity where any number may be meant.
It is equal to itself, unlike NaN, and greater than every value. A prediction that was not made, because its record
tells of an error, is *failed*: -2, or minus infinity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, overload

import numpy as np
from numpy.typing import NDArray

Task = Literal["binary", "multiclass", "regression"]
Outcomes = NDArray[np.signedinteger[Any] | np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.int32]

TASKS: Final[tuple[Task, ...]] = ("binary", "multiclass", "regression")
"""Their places are their numbers on the wire."""
WITHDRAWN: Final = -1
WITHDRAWN_VALUE: Final = math.inf
FAILED: Final = -2
FAILED_VALUE: Final = -math.inf
VALUE_MAX: Final = 1e15
"""Beyond it whole numbers are soon no longer told apart, and no window could add up squares exactly."""

DTYPES: Final[Mapping[Task, np.dtype[Any]]] = MappingProxyType(
    {"binary": np.dtype("<i1"), "regression": np.dtype("<f8"), "multiclass": np.dtype("<i4")}
)
_TASK_OF: Final[Mapping[str, Task]] = {dtype.kind + str(dtype.itemsize): task for task, dtype in DTYPES.items()}


def task_of(outcomes: Outcomes) -> Task:
    """The task whose column this is. Raises ValueError for a column of another type."""
    found = _TASK_OF.get(outcomes.dtype.kind + str(outcomes.dtype.itemsize))
    if found is None:
        raise ValueError(f"no column of outcomes has the type {outcomes.dtype}")
    return found


def withdrawn(task: Task) -> float:
    """How a withdrawal stands in a column of this task."""
    return WITHDRAWN_VALUE if task == "regression" else WITHDRAWN


@overload
def is_withdrawn(outcome: float) -> bool: ...
@overload
def is_withdrawn(outcome: Outcomes) -> Mask: ...
def is_withdrawn(outcome: float | Outcomes) -> bool | Mask:
    """Whether a label is withdrawn: of one outcome, or of each of a column. Whole numbers are classes."""
    if isinstance(outcome, np.ndarray):
        found: Mask = outcome == (WITHDRAWN_VALUE if outcome.dtype.kind == "f" else WITHDRAWN)
        return found
    return outcome == (WITHDRAWN if isinstance(outcome, int) else WITHDRAWN_VALUE)


def failed(task: Task) -> float:
    """How a prediction that was not made stands in a column of this task."""
    return FAILED_VALUE if task == "regression" else FAILED


@overload
def has_failed(outcome: float | str) -> bool: ...
@overload
def has_failed(outcome: Outcomes) -> Mask: ...
def has_failed(outcome: float | str | Outcomes) -> bool | Mask:
    """Whether a prediction was not made: of one outcome (a class may be its name), or of each of a column."""
    if isinstance(outcome, np.ndarray):
        found: Mask = outcome == (FAILED_VALUE if outcome.dtype.kind == "f" else FAILED)
        return found
    return outcome == (FAILED if isinstance(outcome, int) else FAILED_VALUE)


def unite(parts: Sequence[tuple[list[str], Outcomes]]) -> tuple[list[str], Outcomes]:
    """One list of classes for all parts (classes, column), and their columns end to end.

    Raises ValueError for columns of several tasks.
    """
    if len({column.dtype for _, column in parts}) != 1:
        raise ValueError("outcomes of several tasks cannot be put together")
    seen: dict[str, int] = {}
    moved = []
    for classes, column in parts:
        table = np.array([seen.setdefault(name, len(seen)) for name in classes], np.int64)
        moved.append(renumbered(table, column) if classes else column)
    together: Outcomes = np.concatenate(moved)
    return list(seen), together


def renumbered(table: NDArray[np.int64], outcomes: Outcomes) -> Codes:
    """Each class index replaced by what the table has for it; what is no index stays, i4[n]."""
    index = outcomes.astype(np.int64)
    known = np.append(table, 0)[np.where(index < 0, -1, index)]
    return np.where(index < 0, index, known).astype(np.int32)
