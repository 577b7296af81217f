"""Two streams of records by id against each other, in bounded memory: the smaller one is held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from metrics.skew import Skew
from runtime.id_sample import IdSample
from runtime.skew_records import Item

HELD_BYTES_MAX: Final = 256 << 20
ALONE_BYTES_MAX: Final = 64 << 20

Pair = tuple[bytes | None, bytes | None]
"""The packed features of an id: as served, as the reference has them."""
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Side:
    """One of the two streams. alone: ids without a counterpart; duplicates: records of an id that had come before."""

    chunks: Iterator[Sequence[Item]]
    items: int = 0
    alone: int = 0
    duplicates: int = 0


@dataclass(slots=True)
class Match:
    """Brings the two sides together. share: of how many of all ids what was counted is."""

    skew: Skew
    serving: Side
    reference: Side
    held_bytes_max: int = HELD_BYTES_MAX
    share: float = 1.0
    _held: IdSample[Pair] = field(init=False)

    def run(self) -> None:
        """Read both sides in turns until one of them ends, which is the smaller; the other one then goes past it."""
        self._held = IdSample(self.held_bytes_max, lambda pair: len(pair[0] or b"") + len(pair[1] or b""))
        larger = self._hold()
        self.share = self._held.share
        self._compare_held(larger)

    def _hold(self) -> int:
        """Hold both sides; the number of the one that has not ended."""
        sides = (self.serving, self.reference)
        while True:
            number = int(self.serving.items > self.reference.items)
            chunk = next(sides[number].chunks, None)
            if chunk is None:
                return 1 - number
            sides[number].items += len(chunk)
            for item in chunk:
                self._hold_one(number, item)

    def _hold_one(self, number: int, item: Item) -> None:
        if not self._held.wants(item.id):
            return
        pair = self._held.values.get(item.id, (None, None))
        if pair[number] is not None:
            (self.serving, self.reference)[number].duplicates += 1
            return
        packed = _pack(item.features)
        self._held.put(item.id, (pair[0], packed) if number else (packed, pair[1]))

    def _compare_held(self, larger: int) -> None:
        """Compare what both sides have; then let the rest of the larger one go past what waits of the smaller one."""
        alone: IdSample[None] = IdSample(ALONE_BYTES_MAX, lambda _: 0)
        waiting: dict[bytes, bytes] = {}
        done = set[bytes]()
        for one, pair in self._held.values.items():
            if pair[0] is not None and pair[1] is not None:
                self._compare(one, pair)
                done.add(one)
            elif pair[larger] is not None:
                alone.put(one, None)
            else:
                waiting[one] = pair[1 - larger] or b""
        self._held.values.clear()
        side, smaller = (self.serving, self.reference)[larger], (self.serving, self.reference)[1 - larger]
        for chunk in side.chunks:
            side.items += len(chunk)
            for item in chunk:
                if not self._held.wants(item.id):
                    continue
                held = waiting.pop(item.id, None)
                if held is not None:
                    packed = _pack(item.features)
                    self._compare(item.id, (held, packed) if larger else (packed, held))
                    done.add(item.id)
                elif item.id in done or item.id in alone.values:
                    side.duplicates += 1
                elif alone.wants(item.id):
                    alone.put(item.id, None)
        smaller.alone = len(waiting)
        side.alone = round(len(alone.values) / alone.share) if alone.share else 0

    def _compare(self, one: bytes, pair: Pair) -> None:
        self.skew.add(one, _unpack(pair[0] or b"\x80"), _unpack(pair[1] or b"\x80"))
