"""Which format state is written in: blocks in changelogs, checkpoints on disk.

Raise `FORMAT` with every change after which the version before could not read what this one writes, and
`OLDEST_READABLE` when this one stops reading what an old one wrote. A checkpoint that is too old is rebuilt from the
changelog; what is too new is never touched.

1  the first
2  heartbeats among the fates; format 1 is read on
"""

from __future__ import annotations

from models.errors import WorldError

FORMAT = 2
OLDEST_READABLE = 1


class UnreadableFormatError(WorldError):
    """State of a version that this one does not read; the text says whose it is, and what may be done."""


def check(found: int, what: str) -> None:
    """Raises UnreadableFormatError for a format that this version does not read. what: whose format it is."""
    if found > FORMAT:
        raise UnreadableFormatError(
            f"{what} was written by a newer version of Hindcast (state format {found}, this version reads "
            f"{OLDEST_READABLE} to {FORMAT}): run that version again, or use another kafka.topic_prefix and "
            "state.directory to read the sources anew"
        )
    if found < OLDEST_READABLE:
        raise UnreadableFormatError(
            f"{what} was written by a version of Hindcast that is too old (state format {found}, this version reads "
            f"{OLDEST_READABLE} to {FORMAT}): upgrade by way of a version in between, or use another "
            "kafka.topic_prefix to read the sources anew"
        )
