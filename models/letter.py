"""A dead letter as its headers describe it: the inverse of `models.dead_letter.headers`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]

OURS: Final = frozenset(
    {
        "hindcast.error.code",
        "hindcast.error.message",
        "hindcast.source.topic",
        "hindcast.source.partition",
        "hindcast.source.offset",
        "hindcast.source.timestamp",
        "hindcast.model",
        "hindcast.redacted",
    }
)


@dataclass(frozen=True, slots=True)
class Letter:
    """What stands in the headers, and where the letter itself lies. Times in ms, -1 where unknown."""

    partition: int
    offset: int
    at_ms: int
    code: str
    message: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_ms: int
    model: str
    size_bytes: int
    headers: tuple[tuple[str, bytes | None], ...] = ()
    """The user's own headers, without ours."""
    redacted: bool = False
    """Whether only our headers were kept."""


def read_letter(partition: int, offset: int, at_ms: int, headers: Headers, size_bytes: int) -> Letter:
    """Read a record of the dead-letter topic; what is missing becomes empty or -1, nothing raises."""
    # Ours were appended: of a name that the user has too, the last one is ours.
    places = {name: index for index, (name, _) in enumerate(headers) if name in OURS}
    ours = {name: (headers[index][1] or b"").decode("utf-8", "replace") for name, index in places.items()}
    return Letter(
        partition=partition,
        offset=offset,
        at_ms=at_ms,
        code=ours.get("hindcast.error.code", ""),
        message=ours.get("hindcast.error.message", ""),
        source_topic=ours.get("hindcast.source.topic", ""),
        source_partition=_number(ours.get("hindcast.source.partition")),
        source_offset=_number(ours.get("hindcast.source.offset")),
        source_ms=_number(ours.get("hindcast.source.timestamp")),
        model=ours.get("hindcast.model", ""),
        size_bytes=size_bytes,
        headers=tuple(pair for index, pair in enumerate(headers) if places.get(pair[0]) != index),
        redacted="hindcast.redacted" in ours,
    )


def _number(text: str | None) -> int:
    try:
        return int(text or "")
    except ValueError:
        return -1
