"""What a model of several classes predicts, as a part of a window: which classes, and how surely; no labels needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from metrics.coding import OTHER, UNSEEN
from metrics.confusion import ratio
from metrics.drift import Window, drift_alone
from metrics.inputs import duration_text
from metrics.isotonic import middles
from metrics.layout import FINE
from metrics.observer import Observation
from metrics.reference import FIRST, Categorical
from metrics.scatter import bin_of
from metrics.window_layout import Cells, Head

Ints = NDArray[np.int64]

_NUMBERS: Final = ("chi2_pvalue", "psi", "psi_threshold", "js", "drifted", "drifted_by")


@dataclass(frozen=True)
class ClassPredictions:
    """How often each class is predicted, and the scores of the predicted classes where records have one.

    reference: class -> records of the baseline. Cells: predictions by class code (the last one is `OTHER`), then a
    histogram of scores. Drift is looked for in spans of over_seconds or more, with min_records.
    """

    reference: Mapping[str, int]
    classes_max: int
    over_seconds: float
    min_records: int

    def __hash__(self) -> int:
        return hash(self.name)  # the reference has none

    @property
    def name(self) -> str:
        """Counts are of classes, whatever the baseline says of them."""
        return f"classes/{self.classes_max}"

    @property
    def head_columns(self) -> int:
        """How many columns of head it has."""
        return 0

    @property
    def classes(self) -> int:
        """All codes, that of `OTHER` too."""
        return self.classes_max + 1

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return self.classes + FINE.score_bins

    def observe(self, observation: Observation, slot: Ints, slots: int) -> tuple[Head, NDArray[np.int32]]:
        """Count n records into so many windows: head i8[slots, 0], cells i4[slots, cells].

        A score that is NaN, or outside [0, 1], is none; a code beyond classes_max is `OTHER`. slot i8[n]: the window
        of each record. Raises IndexError for a slot that is not there.
        """
        if slot.size and not 0 <= slot.min() <= slot.max() < slots:
            raise IndexError(f"a slot outside 0 to {slots - 1}")
        score, code = observation.score, np.minimum(observation.predicted.astype(np.int64), self.classes_max)
        scored = (score >= 0.0) & (score <= 1.0)
        of_score = self.classes + bin_of(score[scored], FINE.score_bins, FINE.score_bins)
        cell = np.concatenate([slot * self.cells + code, slot[scored] * self.cells + of_score])
        counted = np.bincount(cell, minlength=slots * self.cells).astype(np.int32)
        return np.zeros((slots, 0), np.int64), counted.reshape(slots, self.cells)

    def summarise(self, head: Head, cells: Cells, seconds: float) -> Mapping[str, object]:
        """As `summarise_named`, where no class has a name yet."""
        return self.summarise_named(head, cells, seconds, ())

    def summarise_named(self, head: Head, cells: Cells, seconds: float, names: Sequence[str]) -> Mapping[str, object]:
        """``class_shares``, some of ``metrics``, and of a span that is long enough ``drift``.

        names: of the codes from 0 on, as many as are known.
        """
        del head  # it has no columns
        counts, scores = np.split(cells.astype(np.int64), [self.classes])
        predicted = _named(counts, names)
        records = int(counts.sum())
        found: dict[str, object] = {
            "class_shares": _shares(predicted),
            "metrics": {"top_class_share": ratio(int(counts.max()), records), **confidence(scores, records)},
        }
        if seconds >= self.over_seconds:
            found["drift"] = {
                "over": duration_text(self.over_seconds),
                "records": records,
                "prediction": self._drift(predicted, self._known(names)),
            }
        return found

    def _known(self, names: Sequence[str]) -> dict[str, int]:
        """The reference by the classes of the window: where all codes are taken, its other classes are `OTHER`."""
        found: dict[str, int] = {}
        for name, count in self.reference.items():
            called = name if name in names or len(names) < self.classes_max else OTHER
            found[called] = found.get(called, 0) + count
        return found

    def _drift(self, predicted: Mapping[str, int], known: Mapping[str, int]) -> dict[str, object]:
        feature = Categorical(categories=[*known], counts=[*[0] * FIRST, 0, *known.values()])
        code = {name: UNSEEN + 1 + i for i, name in enumerate(known)}
        counts = np.zeros(feature.codes, np.int64)
        for name, count in predicted.items():
            counts[code.get(name, code.get(OTHER, UNSEEN))] += count
        found = drift_alone(feature, Window(counts), self.min_records)
        shares = {"shares": _shares(predicted), "reference_shares": _shares(known)}
        return {**found.fields(_NUMBERS), "new_classes": found.new_categories, **shares}


def confidence(scores: Ints, records: int) -> dict[str, float | None]:
    """What the scores of the predicted classes say, a histogram of [0, 1], i8[bins]; nothing where there are none.

    top_score_share: share of the records that have the commonest score. mean_confidence: each score taken for its
    bin's middle.

    >>> confidence(np.array([0, 1, 0, 3]), 5)
    {'top_score_share': 0.6, 'mean_confidence': 0.75}
    """
    if not scores.any():
        return {}
    mean = ratio(float(scores @ middles(len(scores))), int(scores.sum()))
    return {"top_score_share": ratio(int(scores.max()), records), "mean_confidence": mean}


def _named(counts: Ints, names: Sequence[str]) -> dict[str, int]:
    """Class -> predictions, without zeros; counts i8[classes_max + 1]."""
    last = len(counts) - 1
    called = {code: OTHER if code == last else f"__class_{code}__" for code in np.flatnonzero(counts).tolist()}
    called |= {code: names[code] for code in called if code < min(len(names), last)}
    return {name: int(counts[code]) for code, name in called.items()}


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items() if count}
