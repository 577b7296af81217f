"""Bytes -> columns, a chunk at a time; the bad records aside, each with its code.

What a record says is defined in `models.judge` and `models.profile`, one record at a time. A
`Decoder` remembers the shapes that it has seen and runs a specialised decoder over the chunk at
C speed; a record that it refuses is tried with the others it knows, then judged by the
definition, and its shape, if it keeps coming, gets a decoder too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import cast

import msgspec
import numpy as np
from msgspec import Raw, Struct
from numpy.typing import NDArray

from models.batch import MIN_MS, Kind
from models.class_scores import narrow
from models.columns import Columns, from_rows, from_structs, in_order
from models.decoded import BadRecord, Decoded
from models.errors import DecodeError
from models.extras import extra_names, sampled
from models.judge import DEPTH_MAX, Found, Record, open_record, openings
from models.mapping import ModelFields
from models.observed import Observed
from models.outcome import has_failed
from models.profile import Models, Profile, Row
from models.screening import offsets_of, screened
from models.specialise import Shape, Specialised, shape_of, specialise

_DECODERS_MAX = 3
_SIGHTINGS = 8
"""So often a new shape is judged one by one before it gets a decoder (the very first: once)."""
_COMPILED_MAX = 64
"""So many decoders are made in all: records of ever-changing shape are judged one by one."""

_SIGHTINGS_KEPT = 1000

_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(slots=True)
class _Run:
    """What one decoder has decoded of a chunk, and at which places."""

    decoder: Specialised
    structs: list[Struct] = field(default_factory=list)
    spans: list[range] = field(default_factory=list)

    def positions(self) -> NDArray[np.int64]:
        if len(self.spans) == 1:
            return np.arange(self.spans[0].start, self.spans[0].stop)
        return np.fromiter(chain.from_iterable(self.spans), np.int64, len(self.structs))


@dataclass(slots=True)
class _Chunk:
    """One chunk on its way through: `values` are what the fast decoders get to see (`joined`: one behind the other),
    `sampled` the positions of records that are looked at twice.
    """

    records: Sequence[Record]
    values: list[bytes]
    joined: bytes
    now_ms: int
    offsets: NDArray[np.int64]
    sampled: NDArray[np.int64]
    runs: dict[int, _Run] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    profiles: dict[int, Profile] = field(default_factory=dict)
    bad: dict[int, BadRecord] = field(default_factory=dict)

    def run_of(self, decoder: Specialised) -> _Run:
        return self.runs.setdefault(id(decoder), _Run(decoder))


class Decoder:
    """Decodes the records of one topic of one kind, for all models configured on it."""

    def __init__(
        self,
        topic: str,
        kind: Kind,
        models: Sequence[ModelFields],
        record_bytes_max: int = 256 * 1024,
        future_ms: int = 300_000,
        *,
        specialising: bool = True,
    ) -> None:
        """`specialising=False` judges every record one by one: the slow definition itself.

        Raises ConfigError for models of several tasks.
        """
        self.topic = topic
        self.kind: Kind = kind
        self._models = Models(kind, models)
        self._record_bytes_max = record_bytes_max
        self._future_ms = future_ms
        alike = self._models.one_model_field if kind == "predictions" else len(self._models.profiles) == 1
        self._looks_twice = any(one.observer and one.observer.containers for one in self._models.profiles)
        self._left_to_compile = _COMPILED_MAX if specialising and alike else 0
        self._decoders: list[Specialised] = []
        self._sightings: Counter[Shape] = Counter()

    def decode(self, records: Sequence[Record], now_ms: int) -> Decoded:
        """The columns of a chunk, in its order. Never raises for what a record holds."""
        offsets = offsets_of(records)
        twice = sampled(offsets) if self._looks_twice else offsets[:0]
        chunk = _Chunk(records, *screened(records, self._record_bytes_max), now_ms, offsets, twice)
        self._run(chunk)
        parts = self._settle(chunk)
        if chunk.rows or not parts:
            rows = list(chunk.rows.values())
            profiles = [chunk.profiles[at] for at in chunk.rows] if self.kind == "predictions" else []
            parts.append(from_rows(self.kind, self._models.task, list(chunk.rows), rows, profiles))
        self._decoders.sort(key=lambda one: -len(chunk.run_of(one).structs))
        return _decoded(chunk, in_order(parts))

    def _run(self, chunk: _Chunk) -> None:
        """Every value through a fast decoder or, where all refuse it, through the definition."""
        left = iter(chunk.values)
        at, size = 0, len(chunk.values)
        decoder = self._decoders[0] if self._decoders else None
        while at < size:
            refused = True
            if decoder is None:
                next(left)
            else:
                run = chunk.run_of(decoder)
                before = len(run.structs)
                try:
                    run.structs.extend(map(decoder.decode, left))
                    refused = False
                except _REFUSALS:
                    pass
                span = range(at, at + len(run.structs) - before)
                run.spans.append(span)
                at = span.stop
            if refused:
                decoder = self._stray(chunk, at, decoder)
                at += 1

    def _stray(self, chunk: _Chunk, at: int, decoder: Specialised | None) -> Specialised | None:
        """Take in the value that `decoder` refused; the decoder to go on with."""
        for other in self._decoders:
            if other is decoder:
                continue
            try:
                struct = other.decode(chunk.values[at])
            except _REFUSALS:
                continue
            run = chunk.run_of(other)
            run.structs.append(struct)
            run.spans.append(range(at, at + 1))
            return other
        shape = self._judge(chunk, at)
        return (shape and self._learn(shape)) or decoder

    def _judge(self, chunk: _Chunk, at: int) -> Shape | None:
        """The definition's verdict on one record, noted in the chunk; the shape of a good one (none of a failure)."""
        record = chunk.records[at]
        shape: Shape | None
        try:
            fields = open_record(record.value, self._record_bytes_max)
            if self.kind == "labels":
                row, shape = self._label(fields, record.timestamp, chunk.now_ms)
            else:
                profile, model = self._models.choose(fields)
                found = profile.find_all(fields)
                row = profile.prediction(found, model, chunk.now_ms, self._future_ms)
                chunk.profiles[at] = profile
                shape = None if has_failed(row.outcome) else shape_of(profile, found, fields)
        except DecodeError as error:
            chunk.bad[at] = BadRecord(record, error.code, error.message)
            return None
        chunk.rows[at] = row
        return shape

    def _label(self, fields: dict[str, Raw], kafka_ms: int, now_ms: int) -> tuple[Row, Shape]:
        """By the first profile that can read it; else the first one's complaint."""
        complaint: DecodeError | None = None
        for profile in self._models.profiles:
            try:
                found = profile.find_all(fields)
                label = profile.label(cast("list[Found]", found), kafka_ms, now_ms, self._future_ms)
                return label, shape_of(profile, found, fields)
            except DecodeError as error:
                complaint = complaint or error
        raise complaint or DecodeError("model_unknown", "no model reads this topic")

    def _learn(self, shape: Shape) -> Specialised | None:
        """Count a shape that no decoder takes; a decoder for it once it keeps coming."""
        if not self._left_to_compile:
            return None
        self._sightings[shape] += 1
        wanted = self._sightings[shape] == (_SIGHTINGS if self._decoders else 1)
        if not wanted:
            return None
        self._left_to_compile -= 1
        made = specialise(shape)
        if made is not None:
            self._decoders[_DECODERS_MAX - 1 :] = [made]
        if len(self._sightings) > _SIGHTINGS_KEPT:
            self._sightings.clear()
        return made

    def _settle(self, chunk: _Chunk) -> list[Columns]:
        """Columns of what was decoded fast; values that do not stand are judged one by one."""
        runs = [run for run in chunk.runs.values() if run.structs]
        flat = _surely_flat(chunk, runs)
        parts = []
        for run in runs:
            at = run.positions()
            if len(chunk.sampled):
                twice = np.intersect1d(at, chunk.sampled).tolist()
                chunk.profiles |= dict.fromkeys(twice, run.decoder.shape.profile)
            kafka_ms = partial(_timestamps, chunk.records, at)
            columns, stands = from_structs(
                run.decoder, run.structs, at, kafka_ms, self._models, chunk.now_ms, self._future_ms
            )
            if not flat:
                stands &= np.array([openings(chunk.values[i]) <= DEPTH_MAX for i in at.tolist()])
            if not stands.all():
                for i in at[~stands].tolist():
                    self._judge(chunk, i)
                columns = columns.take(stands)
            parts.append(columns)
        return parts


def _timestamps(records: Sequence[Record], at: NDArray[np.int64]) -> list[int]:
    return [records[i].timestamp for i in at.tolist()]


def _surely_flat(chunk: _Chunk, runs: Sequence[_Run]) -> bool:
    """Whether no decoded record can be nested too deep, told by the count of all brackets.

    One record with more than DEPTH_MAX opening brackets would lift the total that far above
    what the decoded records have at least.
    """
    total = openings(chunk.joined) - sum(openings(chunk.values[at]) for at in (*chunk.rows, *chunk.bad))
    least = sum(len(run.structs) * run.decoder.brackets_least for run in runs)
    return total - least <= DEPTH_MAX - max((run.decoder.brackets_least for run in runs), default=0)


def _decoded(chunk: _Chunk, columns: Columns) -> Decoded:
    classes, outcome, scores = narrow(columns.classes, columns.outcome, columns.class_scores)
    return Decoded(
        columns.ids, chunk.offsets[columns.positions], columns.time_ms, columns.score, outcome,
        columns.combos, columns.combo_index, [chunk.bad[at] for at in sorted(chunk.bad)],
        int(columns.time_ms.max(initial=MIN_MS)), _looked_at_twice(chunk, columns), columns.carried, classes, scores,
    )  # fmt: skip


def _looked_at_twice(chunk: _Chunk, columns: Columns) -> Observed | None:
    """What was observed, with the names of unknown features in the records that are sampled."""
    if not len(chunk.sampled):
        return columns.observed
    extras: dict[int, list[str]] = {}
    for i in np.flatnonzero(np.isin(columns.positions, chunk.sampled)).tolist():
        at = int(columns.positions[i])
        observer = chunk.profiles[at].observer
        if observer is not None and (names := extra_names(chunk.values[at], observer)):
            extras[i] = names
    return replace(columns.observed or Observed(len(columns.ids)), extras=extras) if extras else columns.observed
