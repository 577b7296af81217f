"""Feature values as they arrive, turned into the codes that a window counts.

A chunk of one feature is coded at once. What the usual types are (floats; strings and nulls) runs in C;
only a value of an unusual type is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import compress, count, repeat
from math import inf, isfinite
from types import NoneType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.reference import FIRST, MISMATCH, MISSING, NON_FINITE, NULL, Categorical, Numeric

Codes = NDArray[np.uint8]

UNSEEN: Final = FIRST
"""The code of a category that the reference never had."""
OTHER: Final = "__other__"
"""The category that stands for the reference's rare ones."""
Z_MAX: Final = 1000.0
"""z-scores end here, so that one absurd value neither overflows a sum nor decides it alone."""

_MISMATCHED: Final = object()
_NON_FINITE: Final = object()
_CODE_WITHOUT_BIN: Final = {float: NON_FINITE, int: NON_FINITE, NoneType: NULL, msgspec.UnsetType: MISSING}
_UNKNOWN: Final = -1


def numeric_codes(feature: Numeric, values: Sequence[object]) -> tuple[Codes, NDArray[np.float32]]:
    """Codes u1[n] and z-scores f4[n] (within +-`Z_MAX`, 0 without a finite value) of one feature's values.

    values: as msgspec decodes JSON scalars; ``msgspec.UNSET`` is missing. Whatever is no number is a mismatch: a
    boolean, a string (also "12"), any other object.

    >>> age = Numeric(edges=[17.5, 65.0], counts=[0] * 7, mean=40.0, std=10.0, min=18, max=65, quartiles=(30, 40, 50))
    >>> codes, z = numeric_codes(age, [17, 65.0, 66, None, "18", True])
    >>> codes.tolist(), z.tolist()
    ([4, 5, 6, 1, 2, 2], [-2.299999952316284, 2.5, 2.5999999046325684, 0.0, 0.0, 0.0])
    """
    numbers, without_bin = _numbers(values)
    finite = np.isfinite(numbers)
    bins = np.searchsorted(feature.edges, numbers, side="left")
    codes = np.where(finite, FIRST + bins, without_bin).astype(np.uint8)
    return codes, np.where(finite, standard_scores(feature, numbers), 0.0).astype(np.float32)


def standard_scores(feature: Numeric, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """z-scores f8[n], within +-`Z_MAX`; 0 where the reference is constant."""
    if not feature.std > 0:
        return np.zeros(len(numbers))
    with np.errstate(over="ignore"):  # too far away for a float is far away
        return np.clip((numbers - feature.mean) / feature.std, -Z_MAX, Z_MAX)


def categorical_codes(feature: Categorical, values: Sequence[object]) -> Codes:
    """Codes u1[n] of one feature's values, which are as for `numeric_codes`.

    A boolean is ``true`` or ``false``, a whole number its digits (1.0 too), another one its shortest text.

    >>> size = Categorical(categories=["L", "1", "__other__"], counts=[0] * 8, rare=["XS"])
    >>> categorical_codes(size, ["L", 1, 1.0, "XS", "XXL", None, msgspec.UNSET, []]).tolist()
    [5, 6, 6, 7, 4, 1, 0, 2]
    """
    code_of = _code_of(_Same(feature))
    try:
        codes = np.fromiter(map(code_of.get, values, repeat(_UNKNOWN)), np.int16, len(values))
    except TypeError:  # a value that has no hash
        codes = np.full(len(values), _UNKNOWN, np.int16)
    for at in np.flatnonzero(codes == _UNKNOWN).tolist():
        value = values[at]
        codes[at] = code_of.get(value if isinstance(value, str) else _category(value), UNSEEN)
    return codes.astype(np.uint8)


def _numbers(values: Sequence[object]) -> tuple[NDArray[np.float64], Codes | int]:
    """Each value as a number, NaN for what is none; and the code it has if it is not finite."""
    if set(map(type, values)) <= {float, int}:
        return _floats(values), NON_FINITE
    without_bin = np.fromiter(map(_CODE_WITHOUT_BIN.get, map(type, values), repeat(MISMATCH)), np.uint8, len(values))
    is_number = without_bin == NON_FINITE
    numbers = np.full(len(values), np.nan)
    numbers[is_number] = _floats(list(compress(values, is_number.tolist())))
    return numbers, without_bin


def _floats(values: Sequence[object]) -> NDArray[np.float64]:
    try:
        return np.fromiter(values, np.float64, len(values))
    except OverflowError:  # a whole number of more than 308 digits
        return np.fromiter(map(_float, values), np.float64, len(values))


def _float(value: object) -> float:
    assert isinstance(value, float | int)
    try:
        return float(value)
    except OverflowError:
        return inf


def _category(value: object) -> object:
    """What stands for a value that is no text among the keys of `_code_of`."""
    match value:
        case None | msgspec.UNSET:
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if isfinite(value):
            return str(int(value)) if value.is_integer() else repr(value)
        case float():
            return _NON_FINITE
        case _:
            return _MISMATCHED


class _Same:
    """A key that means this very feature: its lists have no hash, and hashing long ones would cost more."""

    __slots__ = ("feature",)

    def __init__(self, feature: Categorical) -> None:
        self.feature = feature

    def __hash__(self) -> int:
        return id(self.feature)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.feature is other.feature


@lru_cache(maxsize=1024)
def _code_of(key: _Same) -> dict[object, int]:
    """The code of every value that has one of its own. Kept, because a feature may have thousands of rare names."""
    codes: dict[object, int] = dict(zip(key.feature.categories, count(UNSEEN + 1)))
    rare: dict[object, int] = dict.fromkeys(key.feature.rare, codes.get(OTHER, UNSEEN))
    special = {msgspec.UNSET: MISSING, None: NULL, _MISMATCHED: MISMATCH, _NON_FINITE: NON_FINITE}
    return {**rare, **codes, **special}
