"""Who has got a message already, where one message goes to several and some of them refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

KEYS_MAX: Final = 1_000


class Delivered:
    """Remembers, for the newest messages that reached only some, whom: a retry goes to the others alone.

    Kept in memory only: after a restart some get a copy, which carries the same key.
    """

    def __init__(self) -> None:
        self._got: dict[str, set[str]] = {}

    def missing(self, key: str, everybody: Iterable[str]) -> list[str]:
        """Those who have not got it."""
        got = self._got.get(key, set())
        return [one for one in everybody if one not in got]

    def add(self, key: str, got: Iterable[str]) -> None:
        """These have got it."""
        self._got.setdefault(key, set()).update(got)
        while len(self._got) > KEYS_MAX:
            del self._got[next(iter(self._got))]

    def forget(self, key: str) -> None:
        """Everybody has got it."""
        self._got.pop(key, None)
