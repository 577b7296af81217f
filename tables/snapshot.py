"""One accumulator as bytes, in memory and between workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.window_layout import WindowLayout
from models.combo import OTHER

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(dict[str, int]).decode
_LEAD, _OF_PART = 4, 3
NAMES_MAX: Final[Mapping[str, int]] = MappingProxyType({"errors": 100, "columns_extra": 50})
"""So many names of a field are counted one by one in an accumulator; the rest together."""


class Snapshot(NamedTuple):
    """One accumulator as it stands: version (changes so far), head i8[H], cells i4[C] (i8 in a sum of windows).

    named: counts of what has no place of its own in the cells, by "field/name" of the metric record.
    """

    version: int
    head: NDArray[np.int64]
    cells: NDArray[np.signedinteger[Any]]
    named: Mapping[str, int] = {}

    def pack(self, layout: WindowLayout) -> bytes:
        """Bytes: what the parts are, head, the non-empty cells, the names."""
        filled = np.flatnonzero(self.cells).astype("<u4")
        counts = self.cells[filled].astype("<i4")
        names = _encode(self.named) if self.named else b""
        lead = np.array((self.version, len(layout.parts), len(filled), len(names), *layout.signature), "<i8")
        head = self.head.astype("<i8", copy=False)
        return b"".join((lead.tobytes(), head.tobytes(), filled.tobytes(), counts.tobytes(), names))

    @staticmethod
    def unpack(value: bytes, layout: WindowLayout) -> Snapshot:
        """The inverse of `pack`. Parts that the layout does not have are left out, missing ones are empty:
        another baseline, say, was configured when these bytes were written.
        """
        version, parts, filled_count, names_bytes = np.frombuffer(value, "<i8", _LEAD).tolist()
        signature = np.frombuffer(value, "<i8", _OF_PART * parts, 8 * _LEAD).tolist()
        at = 8 * (_LEAD + _OF_PART * parts)
        head = np.frombuffer(value, "<i8", sum(signature[1::_OF_PART]), at).astype(np.int64)
        at += head.nbytes
        filled = np.frombuffer(value, "<u4", filled_count, at)
        counts = np.frombuffer(value, "<i4", filled_count, at + filled.nbytes)
        cells = np.zeros(sum(signature[2::_OF_PART]), np.int32)
        cells[filled] = counts
        named = _decode(value[len(value) - names_bytes :]) if names_bytes else {}
        if signature != layout.signature:
            head, cells = _moved(head, cells, signature, layout)
        return Snapshot(version, head, cells, named)


def _moved(
    head: NDArray[np.int64], cells: NDArray[np.int32], signature: list[int], layout: WindowLayout
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    there: dict[tuple[int, ...], tuple[slice, slice]] = {}
    head_at = cells_at = 0
    for i in range(0, len(signature), _OF_PART):
        part = tuple(signature[i : i + _OF_PART])
        there[part] = slice(head_at, head_at + part[1]), slice(cells_at, cells_at + part[2])
        head_at, cells_at = head_at + part[1], cells_at + part[2]
    new_head, new_cells = np.zeros(layout.head_columns, np.int64), np.zeros(layout.cells, np.int32)
    wanted = layout.signature
    for i in range(len(layout.parts)):
        found = there.get(tuple(wanted[_OF_PART * i : _OF_PART * (i + 1)]))
        if found is not None:
            new_head[slice(*layout.head_starts[i : i + 2])] = head[found[0]]
            new_cells[slice(*layout.cell_starts[i : i + 2])] = cells[found[1]]
    return new_head, new_cells


def add_up(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sum of accumulators of one layout; ValueError if there is none."""
    first, *others = snapshots
    if not others:
        return first
    version, head, cells, named = first
    for one in others:
        version, head, cells = version + one.version, head + one.head, cells + one.cells
        named = add_names(named, one.named)
    return Snapshot(version, head, cells, named)


def add_names(known: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    """Both counts together; names of a field beyond its limit are counted as one."""
    if not more:
        return known
    total = dict(known)
    for name, n in more.items():
        kept = name if name in total or _has_room(total, name) else _other(name)
        total[kept] = total.get(kept, 0) + n
    return total


def capped(named: Mapping[str, int]) -> Mapping[str, int]:
    """Of many windows' names the commonest (of equals the first by the alphabet), as many as one window may have."""
    kept: Mapping[str, int] = {}
    for name in sorted(named, key=lambda one: (-named[one], one)):
        kept = add_names(kept, {name: named[name]})
    return kept


def _has_room(total: Mapping[str, int], name: str) -> bool:
    field = name.partition("/")[0]
    return sum(one.startswith(f"{field}/") for one in total) < NAMES_MAX[field]


def _other(name: str) -> str:
    return f"{name.partition('/')[0]}/{OTHER}"
