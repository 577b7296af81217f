"""CPU time of decoding, of hashing ids, and of a batch's way over the wire, in microseconds a record.

Run with `python -m benchmarks.bench_decode`; needs no broker.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.decode_formats import decoder, written
from models.batch import Batch, Kind, Source
from models.codec import Decoder
from models.id_hash import IdHash
from models.mapping import ModelFields
from models.metric_record import iso_ms
from models.packed_batch import pack, unpack
from models.schemas.framed import FramedDecoder

RECORDS = 8000
ROUNDS = 15
NOW_MS = 1_795_255_200_000


@dataclass(slots=True)
class Consumed:
    offset: int
    value: bytes
    timestamp: int = NOW_MS
    key: bytes | None = None


def prediction(chance: random.Random) -> bytes:
    record = {
        "transaction_id": str(uuid.UUID(int=chance.getrandbits(128))),
        "timestamp": iso_ms(NOW_MS - chance.randrange(600) * 1000),
        "amount": round(chance.random() * 1000, 2),
        "country": chance.choice(["DE", "FR", "US"]),
        "merchant": f"m{chance.randrange(50)}",
        "predicted_fraud_score": round(chance.random(), 6),
        "predicted_fraud": chance.random() < 0.1,
        "model_version": chance.choice(["rf_v1", "rf_v2"]),
    }
    return json.dumps(record, separators=(",", ":")).encode()


def label(chance: random.Random) -> bytes:
    record = {
        "transaction_id": str(uuid.UUID(int=chance.getrandbits(128))),
        "actual_fraud": chance.random() < 0.1,
        "label_time": iso_ms(NOW_MS - chance.randrange(600_000)),
    }
    return json.dumps(record, separators=(",", ":")).encode()


def damaged(chance: random.Random, value: bytes) -> bytes:
    return chance.choice(
        [b"", value[:-1], value.replace(b"predicted_fraud_score", b"s"), value.replace(b"2026", b"2036")]
    )


def report(name: str, action: Callable[[], object]) -> None:
    best = min(measured(action) for _ in range(ROUNDS))
    print(f"{name:32} {best / RECORDS * 1e6:7.3f} µs a record")


def measured(action: Callable[[], object]) -> float:
    started = time.thread_time()
    action()
    return time.thread_time() - started


def decoding(name: str, kind: Kind, values: list[bytes], *segments: str, specialising: bool = True) -> None:
    records = [Consumed(offset, value) for offset, value in enumerate(values)]
    decoder = Decoder("t", kind, [ModelFields("fraud", kind, segments=segments)], specialising=specialising)
    report(name, lambda: decoder.decode(records, NOW_MS))


def formats(values: list[bytes]) -> None:
    """What asking which schemas are missing costs is in it, as a worker asks for every chunk."""
    for its_format, framed in written(values).items():
        records = [Consumed(offset, value) for offset, value in enumerate(framed)]
        one = decoder(its_format, NOW_MS)

        def decode(one: FramedDecoder = one, records: list[Consumed] = records) -> None:
            assert not one.opener.missing([record.value for record in records], NOW_MS)
            assert not one.decode(records, NOW_MS).bad

        report(f"predictions, {its_format}, {len(framed[0])} B", decode)


def wire(values: list[bytes]) -> None:
    decoder = Decoder("t", "predictions", [ModelFields("fraud", "predictions", segments=("country",))])
    done = decoder.decode([Consumed(offset, value) for offset, value in enumerate(values)], NOW_MS)
    batch = Batch(
        "predictions", Source("t", 0), -1, RECORDS, NOW_MS, False, done.ids, done.offsets, done.time_ms,
        done.score, done.outcome, done.combos, done.combo_index,
    )  # fmt: skip
    hash_ids = IdHash(bytes(32))
    report("privacy.hash_ids: hash the ids", lambda: hash_ids(done.ids))
    parts = batch.split(8)
    packed = [pack(part) for part in parts]
    report("batch: split in 8", lambda: batch.split(8))
    report("batch: pack 8", lambda: [pack(part) for part in parts])
    report("batch: unpack 8", lambda: [unpack(part) for part in packed])
    report("batch: concat 8", lambda: Batch.concat(parts))


def main() -> None:
    chance = random.Random(1)
    good = [prediction(chance) for _ in range(RECORDS)]
    mixed = [damaged(chance, value) if chance.random() < 0.1 else value for value in good]
    print(f"chunks of {RECORDS} records, a prediction has {len(good[0])} bytes")
    decoding("predictions", "predictions", good)
    decoding("predictions, 1 segment", "predictions", good, "country")
    decoding("predictions, 2 segments", "predictions", good, "country", "merchant")
    decoding("predictions, a tenth bad", "predictions", mixed)
    decoding("predictions, one by one", "predictions", good, specialising=False)
    decoding("labels", "labels", [label(chance) for _ in range(RECORDS)])
    formats(good)
    wire(good)


if __name__ == "__main__":
    main()
