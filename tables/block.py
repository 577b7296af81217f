"""One entry of the write-ahead log: what a chunk changed, complete enough to fold it again."""

from __future__ import annotations

import msgspec

COUNTED, OUTCOME = 1, 2
"""Operations of a simple row: its prediction is counted, its outcome is added."""


class SourceMark(msgspec.Struct, array_like=True, gc=False):
    """How far one source partition is covered once the block is applied."""

    topic: str
    partition: int
    last: int
    watermark_ms: int
    idle: bool


class JoinBlock(msgspec.Struct, array_like=True, gc=False):
    """Changes of one chunk of predictions or labels.

    rows: SIMPLE[n] of ``keys``, with one operation each in ``ops``; ids with more of a story
    come whole in ``full_keys`` and ``full_rows`` and say in ``effects`` (EFFECT[m]) what their
    windows have to change. ``holds``: (labels topic code, final ms, records) of labels that have
    begun (+) or ceased (-) to wait. ``released``: (model, window end) up to which windows have
    been sent for the last time. ``observed``: (combo, window start ms, packed snapshot of the label-free parts)
    that counted predictions add to their whole model's window.
    """

    sources: list[SourceMark] = []
    combos: list[tuple[str, ...]] = []
    label_topics: list[str] = []
    keys: list[bytes] = []
    rows: bytes = b""
    ops: bytes = b""
    full_keys: list[bytes] = []
    full_rows: list[bytes] = []
    effects: bytes = b""
    fates: list[int] = []
    holds: list[tuple[int, int, int]] = []
    released: list[tuple[str, int]] = []
    observed: list[tuple[int, int, bytes]] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(JoinBlock).decode


def encode_block(block: JoinBlock) -> bytes:
    """Bytes of a block's body."""
    return _encode(block)


def decode_block(body: bytes) -> JoinBlock:
    """The inverse of `encode_block`; raises msgspec.DecodeError."""
    return _decode(body)
