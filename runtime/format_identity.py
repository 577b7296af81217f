"""Whether the state on the broker may be continued by this version: no older one may, once a newer one has begun.

The newest format stands in the log that admits names, which is read before the first record: so a downgrade is refused
before it takes partitions from workers that could read them.
"""

from __future__ import annotations

import logging

from runtime.identity_log import IdentityLog
from tables import state_format
from tables.dimensions import STATE_FORMAT, Name

log = logging.getLogger(__name__)


def settle_format(ids: IdentityLog, known: int | None, prefix: str) -> None:
    """Before the first record: write our format down where it is newer. Raises UnreadableFormatError.

    known: the newest format in the log; None if nothing was ever read under this prefix.
    """
    if known is not None:
        state_format.check(known, f"the state in the topics {prefix}*")
    if known == state_format.FORMAT:
        return
    if known is not None:
        log.warning(
            "state format %d becomes %d: workers of older versions must not be started again",
            known,
            state_format.FORMAT,
        )
    ids.append([Name("", STATE_FORMAT, str(state_format.FORMAT))])
