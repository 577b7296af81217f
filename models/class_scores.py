"""Scores of the single classes of a multiclass model: as they are decoded, and as they are carried to the label.

They are normalised to a sum of 1 where they are decoded. A score is carried as a whole number of steps of its
logarithm, so that a small one is off as little as a great one: by `RELATIVE_ERROR` at most. What is below 2**-52 is
none, which a log loss takes for 2**-52 anyway.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.carried import scores_dtype
from models.judge import cut
from models.outcome import Outcomes, renumbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_OCTAVES: Final = 52
_STEPS: Final = 2**16 - 2
_STEPS_PER_OCTAVE: Final = _STEPS / _OCTAVES
RELATIVE_ERROR: Final = float(2 ** (0.5 / _STEPS_PER_OCTAVE)) - 1
"""2.8e-4: how far a score may be off that is carried."""


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Of some records: m scores, each with its record's position and its class's index into the names beside it."""

    record: Ints
    code: Ints
    share: Floats

    @staticmethod
    def of(found: Sequence[object], classes: list[str]) -> ClassScores:
        """Of n records what was found in each. Names that are new are appended to ``classes``.

        A record with a score outside [0, 1], or with nothing but zeros, has none.
        """
        objects = [one if isinstance(one, dict) else {} for one in found]
        known = {name: code for code, name in enumerate(classes)}
        number: defaultdict[str, int] = defaultdict(count(len(classes)).__next__, known)
        distinct = {name: number[cut(name)] for name in dict.fromkeys(chain.from_iterable(objects))}
        classes.extend(list(number)[len(classes) :])
        lengths = np.fromiter(map(len, objects), np.int64, len(objects))
        size, record = int(lengths.sum()), np.repeat(np.arange(len(objects)), lengths)
        code = np.fromiter(map(distinct.__getitem__, chain.from_iterable(objects)), np.int64, size)
        score = np.fromiter(chain.from_iterable(map(dict.values, objects)), np.float64, size)
        is_bad = np.bincount(record, ~((score >= 0) & (score <= 1)), len(objects)) > 0
        sums = np.bincount(record, score, len(objects))
        keep = (score > 0) & ~is_bad[record]
        return ClassScores(record[keep], code[keep], (score / np.where(sums > 0, sums, 1)[record])[keep])

    @staticmethod
    def concat(parts: Sequence[tuple[int, ClassScores | None, Sequence[str]]], names: Sequence[str]) -> ClassScores:
        """Of all parts (records, scores, names) end to end, by their place in ``names``, which has all of them."""
        place = {name: at for at, name in enumerate(names)}
        starts = np.cumsum([0, *(records for records, _, _ in parts)]).tolist()
        held = []
        for start, (_, scores, own) in zip(starts, parts, strict=False):
            if scores is not None:
                table = np.array([place[name] for name in own], np.int64)
                held.append((scores.record + start, table[scores.code], scores.share))
        record, code, share = (np.concatenate(column) for column in zip(*held, strict=True))
        return ClassScores(record, code, share)

    def take(self, positions: Ints, records: int) -> ClassScores:
        """Of the records at these positions, of so many, in their order."""
        moved = np.full(records, -1, np.int64)
        moved[positions] = np.arange(len(positions))
        record = moved[self.record]
        order = np.argsort(record, kind="stable")
        order = order[np.count_nonzero(record < 0) :]
        return ClassScores(record[order], self.code[order], self.share[order])

    def renumbered(self, table: Ints) -> ClassScores:
        """With the codes that the table has for these."""
        return replace(self, code=table[self.code])

    def pack(self, records: int, classes_max: int) -> NDArray[np.void]:
        """V[records] of `scores_dtype`. Codes are those that all workers have; classes beyond the last one are one."""
        shares = np.zeros((records, classes_max + 1))
        np.add.at(shares, (self.record, np.minimum(self.code, classes_max)), self.share)
        packed = np.zeros(records, scores_dtype(classes_max))
        packed["classes"] = classes_max
        steps = _steps(shares)
        packed["of_class"], packed["other"] = steps[:, :-1], steps[:, -1]
        return packed.view(f"V{packed.itemsize}")


def narrow(
    classes: list[str], outcomes: Outcomes, scores: ClassScores | None
) -> tuple[list[str], Outcomes, ClassScores | None]:
    """Only the classes in use, in the order of their first record, those that have nothing but scores behind the
    others; a column of numbers stays as it is.
    """
    if not classes:
        return classes, outcomes, scores
    said = outcomes[outcomes >= 0].astype(np.int64)
    used, first = np.unique(said if scores is None else np.concatenate((said, scores.code)), return_index=True)
    in_order = used[np.argsort(first)]
    table = np.zeros(len(classes), np.int64)
    table[in_order] = np.arange(len(in_order))
    return [classes[i] for i in in_order.tolist()], renumbered(table, outcomes), scores and scores.renumbered(table)


def unpack(carried: NDArray[np.void]) -> Floats | None:
    """Scores f8[n, classes_max + 1], NaN for none; None where rows have no room for any."""
    classes_max = (carried.itemsize - scores_dtype(0).itemsize) // 2
    if classes_max <= 0:
        return None
    held = carried.view(scores_dtype(classes_max))
    steps = np.column_stack((held["of_class"], held["other"]))
    is_known = (steps > 0) & (held["classes"] == classes_max)[:, np.newaxis]
    return np.where(is_known, np.exp2((steps - 1.0 - _STEPS) / _STEPS_PER_OCTAVE), np.nan)


def _steps(shares: Floats) -> NDArray[np.uint16]:
    """1 is 2**-52, 65535 is 1."""
    is_some = shares >= 2.0**-_OCTAVES
    octaves = np.log2(np.where(is_some, shares, 1.0))
    return np.where(is_some, np.rint(1 + _STEPS + octaves * _STEPS_PER_OCTAVE), 0).clip(0, 2**16 - 1).astype(np.uint16)
