"""How the outcomes of each task are counted: the one place where the join and the metrics meet.

regression and multiclass are not plugged in yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NoReturn

from metrics import binary
from models.outcome import Task


@dataclass(frozen=True, slots=True)
class Counting:
    """The accumulator of one task; shapes as in `metrics.binary`.

    prepare(score f8[n], predicted, actual or None, latency_ms i8[n] or None): predicted and actual as in the task's
    column of outcomes (i1, f8, or i4 codes of `classes_of`), no withdrawn ones. The result has a length and `take`.
    add_predictions, add_outcomes(head, cells, layout, slot i8[n], prepared, sign i8[n]).
    """

    prepare: Callable[..., Any]
    add_predictions: Callable[..., None]
    add_outcomes: Callable[..., None]


def _missing(*_: object) -> NoReturn:
    raise NotImplementedError("only the outcomes of binary models are counted in this version")


BINARY: Final = Counting(binary.prepare, binary.add_predictions, binary.add_outcomes)
COUNTING: Final[Mapping[Task, Counting]] = MappingProxyType(
    {
        "binary": BINARY,
        "regression": Counting(_missing, _missing, _missing),
        "multiclass": Counting(_missing, _missing, _missing),
    }
)
