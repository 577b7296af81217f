"""A decoder of records that begin with the id of their schema: opened to JSON text, then decoded as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from models.batch import Kind
from models.codec import Decoder
from models.decoded import BadRecord, Decoded
from models.errors import DecodeError
from models.judge import Record
from models.mapping import ModelFields
from models.schemas.opener import Opener, text_bytes_max


class Opened(NamedTuple):
    """A record with its JSON text as the value; source: the record as it was consumed."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    source: Record


class FramedDecoder:
    """A `Decoder` of records that begin with the id of their schema."""

    def __init__(self, topic: str, kind: Kind, models: Sequence[ModelFields], opener: Opener) -> None:
        """Raises ConfigError as `Decoder`."""
        self.topic = topic
        self.kind: Kind = kind
        self.opener = opener
        self._decoder = Decoder(topic, kind, models, text_bytes_max(opener.record_bytes_max))

    def decode(self, records: Sequence[Record], now_ms: int) -> Decoded:
        """As `Decoder.decode`; every schema that is not `missing` is known, and records of no schema are bad."""
        opened, bad = [], []
        text = self.opener.text
        for record in records:
            try:
                opened.append(Opened(record.offset, record.timestamp, record.key, text(record.value), record))
            except DecodeError as error:
                bad.append(BadRecord(record, error.code, error.message))
        decoded = self._decoder.decode(opened, now_ms)
        return replace(decoded, bad=_merged(bad, decoded.bad)) if bad or decoded.bad else decoded


def _merged(unopened: list[BadRecord], judged: list[BadRecord]) -> list[BadRecord]:
    """All of them as they were consumed, in order."""
    sources = [replace(one, record=one.record.source) for one in judged if isinstance(one.record, Opened)]
    return sorted([*unopened, *sources], key=lambda one: one.record.offset)
