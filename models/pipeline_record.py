"""The pipeline record: how far one state partition is and what became of its records, for people to see."""

from __future__ import annotations

from typing import Final

import msgspec

from models.metric_record import iso_ms, ms_of_iso

SCHEMA: Final = "hindcast.pipeline/1"


class PipelineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Of one state partition, by the worker that has it; the last one counts.

    fates: kind of record -> fate -> how many since the state began. watermarks_ms: model as configured -> event time.
    rows: predictions and labels that are remembered; open_windows: windows that are not final yet, of whole models.
    """

    partition: int
    worker: str
    fates: dict[str, dict[str, int]]
    watermarks_ms: dict[str, int]
    rows: int
    open_windows: int
    emitted_at_ms: int

    def key(self) -> bytes:
        """The partition's number."""
        return str(self.partition).encode()


_encode = msgspec.json.Encoder().encode


def encode_pipeline(record: PipelineRecord) -> bytes:
    """The record as JSON; times as in all records."""
    told: dict[str, object] = {"schema": SCHEMA, **msgspec.structs.asdict(record)}
    del told["watermarks_ms"], told["emitted_at_ms"]
    told["watermarks"] = {model: iso_ms(at_ms) for model, at_ms in record.watermarks_ms.items()}
    told["emitted_at"] = iso_ms(record.emitted_at_ms)
    return _encode(told)


def decode_pipeline(value: bytes) -> PipelineRecord:
    """The inverse; raises ValueError for what is not a pipeline record."""
    told = msgspec.json.decode(value)
    if not isinstance(told, dict) or told.pop("schema", None) != SCHEMA:
        raise ValueError(f"not a {SCHEMA} record")
    watermarks = msgspec.convert(told.pop("watermarks"), dict[str, str])
    told["watermarks_ms"] = {model: ms_of_iso(at) for model, at in watermarks.items()}
    told["emitted_at_ms"] = ms_of_iso(told.pop("emitted_at"))
    return msgspec.convert(told, PipelineRecord)
