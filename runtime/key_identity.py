"""Whether ids are hashed with the key that the state was built with.

Under another key an id has another hash: what waits for its counterpart would never meet it, and two workers with two
keys would lose labels for ever. So the key's fingerprint stands in the log that admits names, which all workers read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Literal, NoReturn

from models.errors import WorldError
from models.id_hash import IdHash
from runtime.identity_log import IdentityLog
from tables.dimensions import KEY_ID, Name

log = logging.getLogger(__name__)
_CHANGED: Final = "privacy: ids are hashed with another key than before, or are hashed now and were not, or the reverse"


def fingerprint(hash_ids: IdHash | None) -> str:
    """Of the key; "" where ids are not hashed."""
    return "" if hash_ids is None else hash_ids.fingerprint


def settle_key(ids: IdentityLog, known: str | None, mine: str, on_changed: Literal["stop", "accept"]) -> None:
    """Before the first record: write the fingerprint down where it is new. Raises WorldError for another key.

    known: the newest fingerprint in the log, None if nothing was ever read.
    """
    if mine == (known or ""):
        return
    if known is not None and on_changed == "stop":
        raise WorldError(
            f"{_CHANGED}: predictions and labels that wait for each other would not meet (set it back; or set "
            "privacy.on_key_changed: accept to lose those; or use another kafka.topic_prefix)"
        )
    if known is not None:
        log.warning("%s: predictions and labels that wait for each other will not meet", _CHANGED)
    ids.append([Name("", KEY_ID, mine)])


def key_check(hash_ids: IdHash | None, fatal: Callable[[str], NoReturn]) -> Callable[[str], None]:
    """Ends a running worker once the log says that ids are hashed with another key than its own."""
    mine = fingerprint(hash_ids)

    def check(newest: str) -> None:
        if newest != mine:
            fatal("privacy: another worker hashes ids with another key, or not at all: all must have the same")

    return check
