"""Threads do not outlive a fork. What owns one begins anew in the child, where gunicorn, for one, serves requests."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """Something that a fork leaves without its thread."""

    def after_fork(self) -> None:
        """Called in the child, before anything else runs there: take new locks, start nothing that must wait."""


_known: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def tell_after_fork(owner: ForkAware) -> None:
    """From now on `owner` is told in every forked child."""
    _known.add(owner)


def _tell() -> None:
    for owner in list(_known):
        owner.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_tell)
