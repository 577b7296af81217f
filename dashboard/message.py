"""A record of one of our topics, as the store takes it in, and what the store tells of it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from models.letter import Headers

DAY_MS: Final = 86_400_000

Kind = Literal["metric", "alert", "decision", "dead_letter", "pipeline", "silence"]
"""What a topic of ours holds."""


class Message(NamedTuple):
    """A Kafka record; written_ms is its timestamp there."""

    kind: Kind
    partition: int
    offset: int
    written_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class News(NamedTuple):
    """What has changed in the store: a line of JSON about one model (`""`: no model is named).

    segment: of a metric record, `""` for the whole model.
    """

    kind: Kind
    model: str
    data: bytes
    segment: str = ""
