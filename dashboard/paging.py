"""A list in pages: sorted by a key that stays what it is, so that a page goes on where the one before ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dashboard.queries import encode_cursor

T = TypeVar("T")
Key = tuple[Any, ...]
"""Texts and numbers; those of one list compare."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items, and the cursor of the next page; None at the end."""

    items: list[T]
    next: str | None = None


def page(keyed: Iterable[tuple[Key, T]], after: Key | None, limit: int) -> Page[T]:
    """The items whose key comes after `after`; `keyed` in ascending order of its keys.

    >>> page([((1,), "a"), ((2,), "b"), ((3,), "c")], (1,), 5)
    Page(items=['b', 'c'], next=None)
    """
    items: list[T] = []
    last: Key = ()
    for key, item in keyed:
        if after is not None and key <= after:
            continue
        if len(items) == limit:
            return Page(items, encode_cursor(last))
        items.append(item)
        last = key
    return Page(items)
