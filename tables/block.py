"""One entry of the write-ahead log: what a chunk changed, complete enough to fold it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.outcome import Task
from tables.row_form import RowForm
from tables.row_forms import BINARY, form_of

COUNTED, OUTCOME = 1, 2
"""Operations of a simple row: its prediction is counted, its outcome is added."""


class SourceMark(msgspec.Struct, array_like=True, gc=False):
    """How far one source partition is covered once the block is applied."""

    topic: str
    partition: int
    last: int
    watermark_ms: int
    idle: bool


class Extent(NamedTuple):
    """How many keys and effects of a block are of one task, and how much their rows carry."""

    task: Task
    keys: int
    effects: int
    carried_bytes: int = 0


class JoinBlock(msgspec.Struct, array_like=True, gc=False):
    """Changes of one chunk of predictions or labels.

    rows: simple rows of ``keys``, with one operation each in ``ops``; ids with more of a story
    come whole in ``full_keys`` and ``full_rows`` and say in ``effects`` what their windows have to
    change. ``holds``: (labels topic code, final ms, records) of labels that have begun (+) or ceased (-)
    to wait. ``released``: (model, window end) up to which windows have been sent for the last time.
    ``observed``: (combo, window start ms, packed snapshot of the label-free parts) that counted
    predictions add to their whole model's window. ``tasks``: stretches of rows and effects of one form,
    one behind the other; none if all are binary and carry nothing.
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
    tasks: list[Extent] = []

    def add_rows(self, form: RowForm, keys: list[bytes], rows: bytes, ops: bytes) -> None:
        """Simple rows of one form, with an operation for each."""
        self._stretch(form, len(keys), 0)
        self.keys += keys
        self.rows += rows
        self.ops += ops

    def add_effects(self, form: RowForm, effects: NDArray[np.void]) -> None:
        """Effects of one form."""
        self._stretch(form, 0, len(effects))
        self.effects += effects.tobytes()

    def _stretch(self, form: RowForm, keys: int, effects: int) -> None:
        if not self.tasks and form is BINARY:
            return
        if not self.tasks and (self.keys or self.effects):
            self.tasks.append(Extent(BINARY.task, len(self.keys), len(self.effects) // BINARY.effect.itemsize))
        if self.tasks and form is _form(self.tasks[-1]):
            before = self.tasks.pop()
            keys, effects = keys + before.keys, effects + before.effects
        self.tasks.append(Extent(form.task, keys, effects, form.carried_bytes))

    def stretches(self) -> Iterator[Stretch]:
        """The simple rows and the effects, form by form."""
        effects = len(self.effects) // BINARY.effect.itemsize
        keys_at = rows_at = effects_at = 0
        for extent in self.tasks or [Extent(BINARY.task, len(self.keys), effects)]:
            form, n, m = _form(extent), extent.keys, extent.effects
            rows_end = rows_at + n * form.dtype.itemsize
            effects_end = effects_at + m * form.effect.itemsize
            yield Stretch(
                form,
                self.keys if n == len(self.keys) else self.keys[keys_at : keys_at + n],
                np.frombuffer(memoryview(self.rows)[rows_at:rows_end], form.dtype),
                np.frombuffer(memoryview(self.ops)[keys_at : keys_at + n], np.uint8),
                np.frombuffer(memoryview(self.effects)[effects_at:effects_end], form.effect),
            )
            keys_at, rows_at, effects_at = keys_at + n, rows_end, effects_end


def _form(extent: Extent) -> RowForm:
    return form_of(extent.task, extent.carried_bytes)


class Stretch(NamedTuple):
    """The part of a block that is of one form: form.dtype[n] and u1[n] of n keys, form.effect[m]."""

    form: RowForm
    keys: list[bytes]
    rows: NDArray[np.void]
    ops: NDArray[np.uint8]
    effects: NDArray[np.void]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(JoinBlock).decode


def encode_block(block: JoinBlock) -> bytes:
    """Bytes of a block's body."""
    return _encode(block)


def decode_block(body: bytes) -> JoinBlock:
    """The inverse of `encode_block`; raises msgspec.DecodeError."""
    return _decode(body)
