"""Adaptive windowing: the error rate over as many of the latest records as agree with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from typing import Final, NamedTuple, Self

_PER_LEVEL: Final = 5
"""So many buckets of 1, 2, 4, ... windows each: what is kept grows with the logarithm of the windows."""


class Bucket(NamedTuple):
    """2**level windows in a row."""

    level: int
    records: int
    errors: int


@dataclass(frozen=True, slots=True)
class Adwin:
    """ADWIN2 (Bifet & Gavalda 2007) on windows of labelled records instead of single ones.

    Wherever the records kept can be cut so that the rates before and after differ by more than a Bernstein bound
    allows at confidence delta / ln n, the oldest are dropped. An immutable state: `update` in the order of event
    time. ``alarm`` is true in the update that dropped records because the rate had *risen*.
    """

    delta: float = 0.002
    buckets: tuple[Bucket, ...] = ()  # the oldest first
    alarm: bool = False

    @property
    def records(self) -> int:
        """How many records back it reaches."""
        return sum(each.records for each in self.buckets)

    @property
    def rate(self) -> float | None:
        """Error rate of those records."""
        return sum(each.errors for each in self.buckets) / self.records if self.buckets else None

    def update(self, errors: int, records: int) -> Self:
        """The state after a window of so many errors among so many labelled records."""
        if records <= 0:
            return replace(self, alarm=False)
        buckets = _compressed([*self.buckets, Bucket(0, records, errors)])
        risen = False
        while (change := _change(buckets, self.delta)) is not None:
            risen = risen or change > 0
            del buckets[0]
        return replace(self, buckets=tuple(buckets), alarm=risen)


def _compressed(buckets: list[Bucket]) -> list[Bucket]:
    """With the two oldest buckets of every level that has too many merged, in place.

    Levels never rise from old to new, so those two are neighbours, and so is what they become.
    """
    level = 0
    while sum(each.level == level for each in buckets) > _PER_LEVEL:
        at = next(i for i, each in enumerate(buckets) if each.level == level)
        older, newer = buckets[at : at + 2]
        buckets[at : at + 2] = [Bucket(level + 1, older.records + newer.records, older.errors + newer.errors)]
        level += 1
    return buckets


def _change(buckets: Sequence[Bucket], delta: float) -> float | None:
    """Rate after the first cut that shows a change, less the rate before it; None if no cut does."""
    n, k = sum(each.records for each in buckets), sum(each.errors for each in buckets)
    n_old = k_old = 0
    for each in buckets[:-1]:
        n_old, k_old = n_old + each.records, k_old + each.errors
        change = (k - k_old) / (n - n_old) - k_old / n_old
        if abs(change) > _bound(n_old, n - n_old, k / n, delta):
            return change
    return None


def _bound(n_old: int, n_new: int, rate: float, delta: float) -> float:
    """The paper's epsilon cut, with the variance of a Bernoulli rate."""
    inverse_mean = 1 / n_old + 1 / n_new
    confidence = log(2 * log(n_old + n_new) / delta)
    return sqrt(2 * inverse_mean * rate * (1 - rate) * confidence) + 2 / 3 * inverse_mean * confidence
