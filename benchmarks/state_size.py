"""What an event takes, in bytes: as it comes, re-keyed, in the changelog, and as a row on disk. Needs no broker.

`python -m benchmarks.state_size` joins the bench's traffic in one state partition, chunk by chunk, with a label for
each prediction, segments by country and a checkpoint as often as by default, and looks at what it has written.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.harness import events
from models.batch import Batch, Kind, Source
from models.codec import Decoder
from models.mapping import ModelFields
from models.packed_batch import pack
from tables.block import encode_block
from tables.join_state import JoinState
from tables.plan import MIN_MS, ModelPlan, Plan
from tables.rocksdb import RocksCheckpoint

START_MS = 1_795_255_200_000
CHUNKS_A_CHECKPOINT = 60
"""About 3 s of them."""
MEMORY_BYTES = 42 << 20
"""The join's third of 1 GiB for 8 partitions."""
TOPICS: dict[Kind, str] = {"predictions": "p", "labels": "l"}


@dataclass(slots=True)
class Consumed:
    """A record as the decoder takes it."""

    offset: int
    value: bytes
    timestamp: int
    key: bytes | None


def chunks(messages: Iterator[events.Message], records: int) -> Iterator[list[Consumed]]:
    """The messages with their offsets, so many at a time."""
    offset = 0
    while found := [Consumed(offset + i, m.value, m.time_ms, m.key) for i, m in enumerate(islice(messages, records))]:
        yield found
        offset += len(found)


def batch_of(kind: Kind, decoder: Decoder, records: Sequence[Consumed], now_ms: int) -> Batch:
    """A chunk's columns. The watermark stays where it was: no window ends, and every row is kept."""
    done = decoder.decode(records, now_ms)
    return Batch(
        kind, Source(TOPICS[kind], 0), records[0].offset - 1, records[-1].offset, MIN_MS, False, done.ids,
        done.offsets, done.time_ms, done.score, done.outcome, done.combos, done.combo_index,
    )  # fmt: skip


def measure(predictions: int, chunk_records: int, seconds: int) -> dict[str, float]:
    """Bytes an event by what they are for, and bytes a row on disk."""
    traffic = events.draw(predictions, START_MS, seconds * 1000, seed=7)
    plan = Plan({"fraud": ModelPlan("fraud", "p", "l")}, dict.fromkeys(TOPICS.values(), 1))
    decoders = {
        kind: Decoder(
            TOPICS[kind], kind, [ModelFields("fraud", kind, segments=("country",) if kind == "predictions" else ())]
        )
        for kind in TOPICS
    }
    written = Counter[str]()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "join-0"
        checkpoint = RocksCheckpoint(path, MEMORY_BYTES)
        state = JoinState(plan, 0, checkpoint)
        sources = {"predictions": events.predictions(traffic), "labels": events.labels(traffic)}
        for kind in TOPICS:
            for number, records in enumerate(chunks(sources[kind], chunk_records)):
                batch = batch_of(kind, decoders[kind], records, START_MS + seconds * 1000)
                block = state.decide(kind, [batch])
                assert block is not None
                written[f"{kind} in"] += sum(len(r.value) + len(r.key or b"") for r in records)
                written["by-id"] += len(pack(batch))
                written["join-changelog"] += len(encode_block(block))
                state.apply(block)
                if number % CHUNKS_A_CHECKPOINT == 0:
                    _write(state, checkpoint)
        _write(state, checkpoint)
        checkpoint.close()
        disk = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return {
        "events": 2 * predictions,
        "records_a_chunk": chunk_records,
        "prediction_bytes": written["predictions in"] / predictions,
        "label_bytes": written["labels in"] / predictions,
        "by_id_bytes_an_event": written["by-id"] / (2 * predictions),
        "changelog_bytes_an_event": written["join-changelog"] / (2 * predictions),
        "disk_bytes_a_row": disk / predictions,
    }


def _write(state: JoinState, checkpoint: RocksCheckpoint) -> None:
    checkpoint.write(state.cut((1, 0, 0)))
    state.cut_written()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=int, default=500_000)
    parser.add_argument("--chunk-records", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=3_600, help="event time that they are spread over")
    given = parser.parse_args(arguments)
    json.dump(measure(given.predictions, given.chunk_records, given.seconds), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
