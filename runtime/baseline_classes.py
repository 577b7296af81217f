"""The values of a prediction or label column as the positive class and the others."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.reference_outcomes import UNKNOWN
from runtime.baseline_columns import FileColumn

Positive = bool | int | str
_AS_NUMBER: Final = {"false": "0", "true": "1"}
_AS_BOOLEAN: Final = {"0": "false", "1": "true"}


def class_name(positive: Positive, name: str) -> str:
    """One name for 1 and true, by how the positive class is written. Raises ValueError for what is no such class."""
    if isinstance(positive, str):
        return name
    found = (_AS_BOOLEAN if isinstance(positive, bool) else _AS_NUMBER).get(name, name)
    if found not in {"true", "false"} and (isinstance(positive, bool) or not found.lstrip("-").isdecimal()):
        raise ValueError(f"{name!r} is not of the kind of the positive class {positive!r}")
    return found


def names_of(positive: Positive) -> tuple[str, str]:
    """The names of the other class and of the positive one, where only a score tells them apart."""
    if isinstance(positive, bool):
        return ("false", "true") if positive else ("true", "false")
    return ("0" if positive == 1 else "__other__"), str(positive)


def binary_classes(column: FileColumn, positive: Positive) -> tuple[NDArray[np.int8], NDArray[np.object_]]:
    """Each row's class: i1[n] 1, 0 or `UNKNOWN`, and its name (None where there is none).

    Raises ValueError for a value that is not of the positive class's kind.
    """
    found = column.classes()
    names = [class_name(positive, name) for name in found.names]
    positive_name = names_of(positive)[1]
    values = np.array([*(name == positive_name for name in names), UNKNOWN], dtype=np.int8)
    return values[found.places], np.array([*names, None], dtype=object)[found.places]
