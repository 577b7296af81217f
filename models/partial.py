"""What an ingest worker tells the owner of a slice: cumulative snapshots and watermarks."""

from __future__ import annotations

import msgspec

from models.errors import WorldError

FORMAT = 1


class Partial(msgspec.Struct, array_like=True, gc=False):
    """One accumulator, summed over the state partitions in ``cover`` (partition, version).

    It is a snapshot, not a difference: it replaces what the same partitions said before.
    """

    model: str
    model_version: str
    segment: str
    window_start_ms: int
    cover: list[tuple[int, int]]
    value: bytes


class Mark(msgspec.Struct, array_like=True, gc=False):
    """How far one state partition is with one configured model.

    closed_ms: its watermark. final_ms: every window that ends until then has been sent for the
    last time. idle: caught up and silent.
    """

    model: str
    partition: int
    closed_ms: int
    final_ms: int
    idle: bool


class PartialMessage(msgspec.Struct, array_like=True, gc=False):
    """One message on the partials topic."""

    format: int
    marks: list[Mark]
    partials: list[Partial]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PartialMessage).decode


def encode_partials(marks: list[Mark], partials: list[Partial]) -> bytes:
    """Bytes of one message."""
    return _encode(PartialMessage(FORMAT, marks, partials))


def decode_partials(value: bytes) -> PartialMessage:
    """The inverse; raises WorldError for an unknown format."""
    message = _decode(value)
    if message.format != FORMAT:
        raise WorldError(f"partials format {message.format}; this version reads {FORMAT}")
    return message
