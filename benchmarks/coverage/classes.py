"""Binary and multi-class windows; the truth is that of the population which they are drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.coverage.tally import Tally
from metrics import binary
from metrics.binary_part import BinaryPart
from metrics.confusion import Confusion
from metrics.isotonic import middles
from metrics.layout import FINE
from metrics.multiclass import MulticlassPart

BINS = 1000
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCORES = middles(BINS)
MEANING: Floats = np.clip(SCORES**1.7, 0.002, 0.98)
"""P(positive) of each score."""
SHARES = (0.3, 0.2, 0.15, 0.13, 0.1, 0.07, 0.05)
"""Of the classes of a multi-class model."""
CLASSES = len(SHARES)
POPULATION = 1_000_000


@dataclass(frozen=True)
class Population:
    """Scores that a part of the records is suspicious in. shares f8[bins]: of all records in each score bin."""

    name: str
    suspicious: float

    @cached_property
    def shares(self) -> Floats:
        edges = np.linspace(0, 1, BINS + 1)
        usual, suspicious = stats.beta(1.2, 9).cdf(edges), stats.beta(6, 2).cdf(edges)
        shares: Floats = np.diff((1 - self.suspicious) * usual + self.suspicious * suspicious)
        return shares

    @cached_property
    def up_to(self) -> Floats:
        counted = np.cumsum(self.shares)
        shares: Floats = counted / counted[-1]
        return shares

    def draw(self, rng: np.random.Generator, records: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Score bins and truths."""
        bins = np.searchsorted(self.up_to, rng.random(records), side="right")
        return bins, rng.random(records) < MEANING[bins]

    def truths(self) -> dict[str, float | None]:
        scale = 10**12  # whole numbers, for these are what the metrics take
        positives = np.rint(self.shares * MEANING * scale).astype(np.int64)
        negatives = np.rint(self.shares * (1 - MEANING) * scale).astype(np.int64)
        high = np.arange(BINS) >= BINS // 2
        cells = (positives[high], negatives[high], positives[~high], negatives[~high])
        table = Confusion(*(int(cell.sum()) for cell in cells))
        return {name: getattr(table, name) for name in CLASS_METRICS} | {"auc": _auc(negatives, positives)}


CLASS_METRICS = ("accuracy", "precision", "recall", "specificity", "f1")
USUAL, RARE = Population("binary, 22 % positives", 0.25), Population("binary, 8 % positives", 0.05)


def binary_windows(population: Population, records: int, windows: int, rng: np.random.Generator) -> Tally:
    tally, truths, part = Tally(population.name, records), population.truths(), BinaryPart(FINE)
    for _ in range(windows):
        bins, actual = population.draw(rng, records)
        predicted = (bins >= BINS // 2).astype(np.int8)
        prepared = binary.prepare(SCORES[bins], predicted, actual.astype(np.int8))
        tally.add(_summary(part, prepared)["intervals"], truths)
    return tally


def multiclass_windows(records: int, windows: int, rng: np.random.Generator) -> Tally:
    tally, part = Tally(f"{CLASSES} classes", records), MulticlassPart(CLASSES, 1, FINE.latency_bins)
    truths = dict(_intervals_of_classes(_multiclass(part, POPULATION, np.random.default_rng(0)), truth=True))
    for _ in range(windows):
        tally.add(dict(_intervals_of_classes(_multiclass(part, records, rng))), truths)
    return tally


def _multiclass(part: MulticlassPart, records: int, rng: np.random.Generator) -> Mapping[str, Any]:
    actual = rng.choice(CLASSES, records, p=SHARES).astype(np.int32)
    scores = np.full((records, CLASSES + 1), np.nan, np.float32)
    scores[:, :CLASSES] = rng.dirichlet(np.ones(CLASSES), records)
    scores[np.arange(records), actual] += rng.random(records, np.float32) * 0.7
    scores /= np.nansum(scores, axis=1, keepdims=True)
    predicted = np.nanargmax(scores, axis=1).astype(np.int32)
    return _summary(part, part.prepare(predicted, scores, actual))


def _intervals_of_classes(found: Mapping[str, Any], *, truth: bool = False) -> Iterator[tuple[str, Any]]:
    """Intervals, or what they are about; those of single classes for two of them."""
    values = found["metrics"] if truth else found["intervals"]
    yield from ((name, values[name]) for name, interval in found["intervals"].items() if interval is not None)
    for called, label in (("commonest", "0"), ("rarest", str(CLASSES - 1))):
        if one := found["per_class"].get(label):
            values = one if truth else one["intervals"]
            yield from ((f"{name}, {called} class", values[name]) for name in one["intervals"])


def _summary(part: BinaryPart | MulticlassPart, prepared: Any) -> Mapping[str, Any]:  # noqa: ANN401  # each part's own
    head, cells = np.zeros((1, part.head_columns), np.int64), np.zeros((1, part.cells), np.int32)
    slot, sign = np.zeros(len(prepared), np.int64), np.ones(len(prepared), np.int64)
    part.add_predictions(head, cells, slot, prepared, sign)
    part.add_outcomes(head, cells, slot, prepared, sign)
    return part.summarise(head[0], cells[0], 60)


def _auc(negatives: Ints, positives: Ints) -> float:
    """Of counts too great for whole numbers of 64 bits."""
    below = np.cumsum(negatives.astype(np.float64)) - negatives / 2
    return float(positives @ below) / (float(positives.sum()) * float(negatives.sum()))
