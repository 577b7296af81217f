"""Which partials make up the truth when partitions have moved between workers.

A partial is a sum over some state partitions. As partitions move, new sums cover other sets than
the old ones did; an old sum is replaced only when newer ones cover all of its partitions, so
that nothing is counted twice and nothing goes missing in between.
"""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """A sum over state partitions: the version of each, and the packed accumulator."""

    cover: dict[int, int]
    value: bytes


class Truth(NamedTuple):
    """current: disjoint groups, summed they are the truth. waiting: newer, not yet complete."""

    current: tuple[Group, ...] = ()
    waiting: tuple[Group, ...] = ()

    @property
    def version(self) -> int:
        """Sum of the versions merged: grows with every change, the same on every replay."""
        return sum(v for group in self.current for v in group.cover.values())


def add_group(truth: Truth, new: Group) -> Truth:
    """The truth after a group; the same object when it brings nothing.

    A group that is behind in any partition comes from before a rebalance: whoever owns its
    partitions now says all of it again, so it is passed over.
    """
    current, waiting = truth
    at = None if waiting else _same_partitions(current, new)
    if at is not None:  # by far the most: no other group is touched
        if _ahead(current[at], new) or current[at].cover == new.cover:
            return truth
        return Truth((*current[:at], *current[at + 1 :], new))
    known = current + waiting
    if any(_ahead(group, new) or group.cover == new.cover for group in known):
        return truth
    waiting = (*(g for g in waiting if not g.cover.keys() & new.cover.keys()), new)
    ready = _complete(current, waiting)
    replaced = {p for group in ready for p in group.cover}
    kept = tuple(g for g in current if not replaced & g.cover.keys())
    return Truth(kept + ready, tuple(g for g in waiting if g not in ready))


def _same_partitions(current: tuple[Group, ...], new: Group) -> int | None:
    """Where the group of exactly these partitions stands; groups are disjoint, so one partition tells."""
    first = next(iter(new.cover), None)
    for at, group in enumerate(current):
        if first in group.cover:
            return at if group.cover.keys() == new.cover.keys() else None
    return None


def _ahead(known: Group, new: Group) -> bool:
    """Whether the known group is ahead of the new one in a partition both cover."""
    return any(known.cover.get(p, -1) > version for p, version in new.cover.items())


def _complete(current: tuple[Group, ...], waiting: tuple[Group, ...]) -> tuple[Group, ...]:
    """The waiting groups that together cover every current group they touch."""
    ready = list(waiting)
    while ready:
        covered = {p for group in ready for p in group.cover}
        short = [
            g
            for g in ready
            if any(g.cover.keys() & old.cover.keys() and not old.cover.keys() <= covered for old in current)
        ]
        if not short:
            return tuple(ready)
        ready = [g for g in ready if g not in short]
    return ()
