"""Keeps Delta tables of Hindcast's output topics: one row a key, as its newest record says.

    python to_delta.py --bootstrap localhost:9092 --path s3://lake/hindcast

A program to copy and to change. What was read is committed after it is in the tables, and a row is replaced by a higher
revision only: killed and started again, it writes what it wrote before.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa
from confluent_kafka import Consumer, KafkaException, Message
from deltalake import DeltaTable, write_deltalake

TABLES = {"metrics": "window_start", "alerts": "starts_at", "decisions": "decided_at"}
"""Each table, and the time of its records that is their date."""
NESTED = {"metrics": "metric_"}
"""Objects whose numbers become columns of these names."""
GROUPED_BY = ["date", "model"]
_TYPES = {bool: pa.bool_(), float: pa.float64(), str: pa.string()}

Row = dict[str, Any]


def row(table: str, key: str, value: bytes, offset: int) -> Row:
    """A record as a row: its scalars, its metrics, and all of it as JSON in ``record``.

    Numbers are floats, so that a column has one type whoever comes first. Where a record has no revision the offset is
    one: the records of a key are in one partition. Rolling spans have one record, which has no date.
    """
    record: Row = orjson.loads(value)
    found: Row = {"key": key, "revision": record.get("revision", offset), "record": value.decode()}
    found["date"] = "latest" if key.endswith("|latest") else str(record.get(TABLES[table], ""))[:10]
    for name, content in record.items():
        inner = content.items() if name in NESTED and isinstance(content, dict) else ()
        for column, scalar in ((name, content), *((NESTED[name] + metric, number) for metric, number in inner)):
            if column not in found and isinstance(scalar, str | int | float):
                found[column] = float(scalar) if type(scalar) is int else scalar
    return found


def merge(path: str, rows: Mapping[str, Row], options: dict[str, str]) -> None:
    """Make the rows, by their keys, those of the table at `path`, unless it knows a higher revision."""
    table = DeltaTable(path, storage_options=options) if DeltaTable.is_deltatable(path, options) else None
    known = {} if table is None else {one.name: one.type for one in pa.schema(table.schema()).remove_metadata()}
    types = {"revision": pa.int64()} | {
        name: _TYPES[type(content)] for one in rows.values() for name, content in one.items() if name != "revision"
    }
    schema = pa.schema(sorted((types | known).items()))
    data = pa.Table.from_pylist(list(rows.values()), schema=schema)
    if table is None:
        write_deltalake(path, data, partition_by=GROUPED_BY, storage_options=options)
        return
    dated = "t.date = s.date AND " if path.endswith("metrics") else ""  # a fingerprint fires again on another day
    matched = f"{dated}t.model = s.model AND t.key = s.key"
    merger = table.merge(data, matched, source_alias="s", target_alias="t", merge_schema=True)
    merger.when_matched_update_all("s.revision > t.revision").when_not_matched_insert_all().execute()


class Lake:
    """What was read and is not in the tables yet."""

    def __init__(self, path: str, options: dict[str, str]) -> None:
        self._path, self._options = path.rstrip("/"), options
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in TABLES}

    def add(self, table: str, message: Message) -> None:
        """Take a record in; of several of one key the highest revision stays."""
        key, value = (message.key() or b"").decode(), message.value()
        if value is None:
            return
        new, rows = row(table, key, value, message.offset() or 0), self._rows[table]
        if key not in rows or rows[key]["revision"] < new["revision"]:
            rows[key] = new

    def flush(self) -> int:
        """Into the tables; how many rows they were."""
        written = 0
        for table, rows in self._rows.items():
            if rows:
                merge(f"{self._path}/{table}", rows, self._options)
                written += len(rows)
                rows.clear()
        return written


def fill(lake: Lake, consumer: Consumer, tables: Mapping[str, str], seconds: float) -> int:
    """Read for so many seconds, or until nothing has come for one; how many records came. tables: by topic."""
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until and (message := consumer.poll(1.0)) is not None:
        if message.error():
            raise KafkaException(message.error())
        lake.add(tables[message.topic() or ""], message)
        count += 1
    return count


def is_done(consumer: Consumer) -> bool:
    """Whether all there is has been read and committed."""
    ends = ((done.offset, consumer.get_watermark_offsets(done)) for done in consumer.committed(consumer.assignment()))
    told = [high in (low, offset) for offset, (low, high) in ends]
    return bool(told) and all(told)


def main() -> int:
    """Read and write until Ctrl-C, or with --once until there is nothing new."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--path", required=True, help="where the tables are: a directory, s3://…, abfss://…, gs://…")
    parser.add_argument("--prefix", default="hindcast-", help="kafka.topic_prefix of the workers")
    parser.add_argument("--group", default="hindcast-lake")
    parser.add_argument("--flush-seconds", type=float, default=60.0)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--kafka", action="append", default=[], metavar="KEY=VALUE", help="security.protocol=SSL, …")
    parser.add_argument("--storage", action="append", default=[], metavar="KEY=VALUE", help="AWS_REGION=…, …")
    asked = parser.parse_args()
    settings = dict(one.split("=", 1) for one in asked.kafka)
    own = {"bootstrap.servers": asked.bootstrap, "group.id": asked.group}
    consumer = Consumer({**settings, **own, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    tables = {f"{asked.prefix}{table}": table for table in TABLES}
    consumer.subscribe(list(tables))
    lake = Lake(asked.path, dict(one.split("=", 1) for one in asked.storage))
    try:
        while True:
            records = fill(lake, consumer, tables, asked.flush_seconds)
            rows = lake.flush()
            if records:
                consumer.commit(asynchronous=False)
            print(f"{records} records, {rows} rows written", file=sys.stderr)
            if asked.once and is_done(consumer):
                return 0
    except KeyboardInterrupt:  # what is not written is not committed, and read again
        return 0
    finally:
        consumer.close()


if __name__ == "__main__":
    sys.exit(main())
