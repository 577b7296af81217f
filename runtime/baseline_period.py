"""Predictions of a stretch of production with the labels that count for them, as rows of a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Raw

from models.decoded import Decoded
from models.judge import Leaf, find, locate, open_record
from models.outcome import has_failed, is_withdrawn
from runtime.baseline_fields import maps
from runtime.baseline_files import Chunk, key_columns
from runtime.id_sample import IdSample
from runtime.settings import ModelSettings
from runtime.topic_chunks import TopicRecord
from runtime.watch_plan import feature_paths

ROWS_BYTES_MAX: Final = 256 << 20
CHUNK_ROWS: Final = 8192
_MEANINGS: Final = ("score", "prediction", "embedding")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True, eq=False)
class Logged:
    """One prediction. row: the JSON of what a baseline needs of it; rank: of the label that counts (empty: none)."""

    version: str
    event_ms: int
    row: bytes
    rank: tuple[int, bool, float | str] | tuple[()] = ()
    actual: Leaf = None


class Period:
    """Predictions first, then labels, by id; within a bound of memory.

    Of an id and version the first prediction counts. Of the labels that come for it within the horizon the latest
    one does; at the same time a withdrawal, else the greater value, or class: as in the service.
    """

    def __init__(
        self, name: str, model: ModelSettings, features: Sequence[str] | None, bytes_max: int = ROWS_BYTES_MAX
    ) -> None:
        """features: names of those to keep; None: all of the object of features."""
        self.read = self.bad = self.others = self.failed = self.bad_labels = 0
        self.has_features = False
        self._name, self._model, self._features = name, model, features
        self._predictions, self._labels = maps(model)
        self._sample: IdSample[tuple[Logged, ...]] = IdSample(bytes_max, lambda many: sum(len(x.row) for x in many))

    @property
    def share(self) -> float:
        """Of how many of the ids the rows are, as there was memory for."""
        return self._sample.share

    @property
    def rows(self) -> list[Logged]:
        """The predictions."""
        return [one for many in self._sample.values.values() for one in many]

    def add_predictions(self, records: Sequence[TopicRecord], found: Decoded) -> None:
        """Take a chunk of records and what was decoded of it."""
        self.read += len(records)
        self.bad += len(found.bad)
        first, sample = records[0].offset if records else 0, self._sample
        columns = (found.ids, found.offsets, found.time_ms, found.outcome, found.combo_index)
        for one, offset, event_ms, outcome, combo in zip(
            columns[0], *(column.tolist() for column in columns[1:]), strict=True
        ):
            model, version, *_ = found.combos[combo]
            if model != self._name:
                self.others += 1
            elif has_failed(outcome):
                self.failed += 1
            elif sample.wants(one):
                known = sample.values.get(one, ())
                if all(other.version != version for other in known):
                    row = self._row(records[offset - first].value)
                    sample.put(one, (*known, Logged(version, event_ms, row)))

    def add_labels(self, records: Sequence[TopicRecord], found: Decoded) -> None:
        """Take a chunk of records and what was decoded of it; a label that came before does no harm."""
        self.bad_labels += len(found.bad)
        first = records[0].offset if records else 0
        for one, offset, label_ms, outcome in zip(
            found.ids, found.offsets.tolist(), found.time_ms.tolist(), found.outcome.tolist(), strict=True
        ):
            withdrawn = is_withdrawn(outcome)
            value = found.classes[outcome] if found.classes and not withdrawn else outcome
            rank = (label_ms, withdrawn, value)
            for prediction in self._sample.values.get(one, ()):
                waited_ms = label_ms - prediction.event_ms
                if -self._model.label_skew_ms <= waited_ms <= self._model.horizon_ms and rank > prediction.rank:
                    prediction.rank, prediction.actual = rank, self._truth(records[offset - first].value)

    def chunks(self) -> Iterator[Chunk]:
        """All rows, each with its truth where it is known."""
        rows = self.rows
        for at in range(0, len(rows), CHUNK_ROWS):
            some = rows[at : at + CHUNK_ROWS]
            opened = [_decode(one.row) | ({} if one.actual is None else {"actual": one.actual}) for one in some]
            yield Chunk(len(some), dict(key_columns(opened)), (at + len(some)) / len(rows))

    def _row(self, value: bytes | None) -> bytes:
        fields = open_record(value, len(value or b""))
        row: dict[str, object] = {}
        for meaning in _MEANINGS:
            _, raw = locate(fields, self._predictions[meaning])
            if raw is not None:
                row[meaning] = raw
        features = self._features_of(fields)
        if features is not None:
            row["features"] = features
            self.has_features = True
        return _encode(row)

    def _features_of(self, fields: dict[str, Raw]) -> Raw | dict[str, Raw] | None:
        containers = self._predictions["features"]
        if self._features is None:
            _, raw = locate(fields, containers)
            return raw if raw is not None and bytes(raw).lstrip().startswith(b"{") else None
        located = {name: locate(fields, feature_paths(name, containers))[1] for name in self._features}
        return {name: raw for name, raw in located.items() if raw is not None}

    def _truth(self, value: bytes | None) -> Leaf:
        return find(open_record(value, len(value or b"")), self._labels["actual"], "actual")[1]
