"""Heartbeats of serving processes (`hindcast.heartbeat/1`): bytes -> columns, the bad ones aside.

A process sends one every few seconds, so each is read by itself: there is nothing here to be fast for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Raw

from models.batch import MIN_MS, Kind
from models.combo import Combo
from models.decoded import BadRecord, Decoded
from models.errors import DecodeError
from models.judge import TEXT_CHARS_MAX, Leaf, Record, cut, find, find_any, open_record
from models.mapping import Paths
from models.observed import Observed, Observer, Value
from models.profile import EVERY_MODEL, id_bytes, text, time_in_range

SCHEMA: Final = "hindcast.heartbeat/1"


class _Beat(NamedTuple):
    instance: bytes
    time_ms: int
    combo: Combo
    values: list[Value]


class HeartbeatDecoder:
    """Decodes the records of the heartbeat topic, whatever the tasks of their models."""

    kind: Kind = "heartbeats"

    def __init__(
        self, models: Collection[str], observer: Observer, record_bytes_max: int = 256 * 1024, future_ms: int = 300_000
    ) -> None:
        """models: names of those that are configured, or "*"."""
        self._models, self._observer = models, observer
        self._record_bytes_max, self._future_ms = record_bytes_max, future_ms

    def decode(self, records: Sequence[Record], now_ms: int) -> Decoded:
        """The columns of a chunk, in its order. Never raises for what a record holds."""
        beats: list[_Beat] = []
        offsets: list[int] = []
        bad: list[BadRecord] = []
        for record in records:
            try:
                beats.append(self._beat(open_record(record.value, self._record_bytes_max), now_ms))
                offsets.append(record.offset)
            except DecodeError as error:
                bad.append(BadRecord(record, error.code, error.message))
        combos = list(dict.fromkeys(beat.combo for beat in beats))
        time_ms = np.array([beat.time_ms for beat in beats], np.int64)
        return Decoded(
            ids=[beat.instance for beat in beats],
            offsets=np.array(offsets, np.int64),
            time_ms=time_ms,
            score=np.empty(0, np.float64),
            outcome=np.zeros(len(beats), np.int8),
            combos=combos,
            combo_index=np.array([combos.index(beat.combo) for beat in beats], np.int32),
            bad=bad,
            greatest_ms=int(time_ms.max(initial=MIN_MS)),
            observed=self._observed(beats),
        )

    def _beat(self, fields: dict[str, Raw], now_ms: int) -> _Beat:
        schema = _leaf(fields, "schema")
        if schema not in (None, SCHEMA):
            raise DecodeError("type", f"schema: not {SCHEMA}")
        instance, time = id_bytes(_leaf(fields, "instance")), _leaf(fields, "event_time")
        if time is None:
            raise DecodeError("missing:event_time", "no event time")
        combo = self._model(_leaf(fields, "model")), text(_leaf(fields, "model_version"))
        values = [find_any(fields, paths)[1] for _, paths in self._observer.fields]
        return _Beat(instance, time_in_range(time, now_ms, self._future_ms), combo, values)

    def _model(self, name: Leaf) -> str:
        if name is None:
            raise DecodeError("missing:model", "no model field")
        if not isinstance(name, str):
            raise DecodeError("type", "model: a name is a string")
        if name == EVERY_MODEL or not (name in self._models or self._may_be_any(name)):
            raise DecodeError("model_unknown", "no configured model has this name")
        return cut(name)

    def _may_be_any(self, name: str) -> bool:
        return EVERY_MODEL in self._models and 0 < len(name) <= TEXT_CHARS_MAX

    def _observed(self, beats: Sequence[_Beat]) -> Observed:
        if not beats:
            return Observed(0)
        columns = list(zip(*(beat.values for beat in beats), strict=True))
        packed = self._observer.pack(columns, [-1] * len(columns))
        return Observed(len(beats), {self._observer.name: packed.values})


def _leaf(fields: dict[str, Raw], name: str) -> Leaf:
    paths: Paths = ((name,),)
    return find(fields, paths, name)[1]
