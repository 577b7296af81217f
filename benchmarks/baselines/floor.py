"""The floor: consume and parse, and nothing else. No join, no state, no output.

    python -m benchmarks.baselines.floor BOOTSTRAP PREDICTIONS LABELS EVENTS

aiokafka hands out whole fetches, msgspec decodes each record into a typed struct: the cheapest way into Python
that a service on asyncio has. aiokafka would wrap each record into a dataclass, which is half of the cost; the floor
takes the record as its parser made it. Prints ``progress N`` as it goes and ends after EVENTS events.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords

FETCH_BYTES = 8 << 20
PROGRESS_SECONDS = 0.1


class Prediction(msgspec.Struct, gc=False):
    transaction_id: str
    event_time: str
    model_version: str
    predicted_fraud_score: float
    predicted_fraud: bool


class Label(msgspec.Struct, gc=False):
    transaction_id: str
    label_time: str
    actual_fraud: bool


def parse(decode: Callable[[bytes], object], records: Iterable[ConsumerRecord]) -> int:
    """Decode all records; answer how many they were."""
    return len([decode(record.value) for record in records if record.value is not None])


def bare(_records: PartitionRecords, _partition: TopicPartition, record: ConsumerRecord) -> ConsumerRecord:
    """What the parser made, without the dataclass around it; of the fields, `value` and `offset` are the same."""
    return record


async def run(bootstrap: str, predictions: str, labels: str, events: int) -> None:
    decoders: dict[str, Callable[[bytes], object]] = {
        predictions: msgspec.json.Decoder(Prediction).decode,
        labels: msgspec.json.Decoder(Label).decode,
    }
    consumer = AIOKafkaConsumer(
        predictions,
        labels,
        bootstrap_servers=bootstrap,
        group_id=None,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    done, printed = 0, 0.0
    try:
        while done < events:
            fetched = await consumer.getmany(timeout_ms=1000)
            done += sum(parse(decoders[partition.topic], records) for partition, records in fetched.items())
            if time.monotonic() - printed > PROGRESS_SECONDS or done >= events:
                print("progress", done, flush=True)
                printed = time.monotonic()
    finally:
        await consumer.stop()


def main() -> None:
    bootstrap, predictions, labels, events = sys.argv[1:]
    PartitionRecords._consumer_record = bare  # noqa: SLF001 - there is no public way
    asyncio.run(run(bootstrap, predictions, labels, int(events)))


if __name__ == "__main__":
    main()
