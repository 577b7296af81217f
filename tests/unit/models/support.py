"""Records and a clock for the decoder's tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.codec import Decoder
from models.decoded import Decoded
from models.mapping import ModelFields

NOW_MS = 1_795_255_200_000
EVENT = "2026-11-21T09:59:00Z"
EVENT_MS = 1_795_255_140_000


@dataclass
class Consumed:
    offset: int
    value: bytes | None
    timestamp: int = NOW_MS - 5_000
    key: bytes | None = None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def consumed(values: Sequence[bytes | dict[str, object] | None]) -> list[Consumed]:
    encoded = [json.dumps(value).encode() if isinstance(value, dict) else value for value in values]
    return [Consumed(100 + at, value) for at, value in enumerate(encoded)]


def fraud_prediction(**changed: object) -> dict[str, object]:
    record: dict[str, object] = {
        "transaction_id": "t-1",
        "timestamp": EVENT,
        "amount": 12.5,
        "country": "DE",
        "merchant": "shop",
        "predicted_fraud_score": 0.25,
        "predicted_fraud": False,
        "model_version": "rf_v2",
    }
    return {key: value for key, value in (record | changed).items() if value is not ...}


def fraud_label(**changed: object) -> dict[str, object]:
    record: dict[str, object] = {"transaction_id": "t-1", "actual_fraud": 1, "label_time": EVENT}
    return {key: value for key, value in (record | changed).items() if value is not ...}


def predictions(*models: ModelFields, record_bytes_max: int = 262_144, specialising: bool = True) -> Decoder:
    entries = models or (ModelFields("fraud", "predictions"),)
    return Decoder("fraud_predictions", "predictions", entries, record_bytes_max, specialising=specialising)


def labels(*models: ModelFields, specialising: bool = True) -> Decoder:
    return Decoder("fraud_labels", "labels", models or (ModelFields("fraud", "labels"),), specialising=specialising)


def codes(decoded: Decoded) -> list[str]:
    return [bad.code for bad in decoded.bad]


def said(decoded: Decoded, at: int) -> object:
    """The outcome of one record: a class by its name, a number as it is."""
    outcome = decoded.outcome[at].item()
    return decoded.classes[outcome] if decoded.outcome.dtype == np.int32 and outcome >= 0 else outcome


def rows(decoded: Decoded) -> list[tuple[object, ...]]:
    """Every good record as one comparable tuple, NaN as None."""
    labelled = not decoded.score.size
    return [
        (
            decoded.ids[at],
            int(decoded.offsets[at]),
            int(decoded.time_ms[at]),
            None if labelled or decoded.score[at] != decoded.score[at] else float(decoded.score[at]),
            said(decoded, at),
            () if labelled else decoded.combos[decoded.combo_index[at]],
        )
        for at in range(len(decoded.ids))
    ]
