"""The example that fills Delta tables: one row a key, the newest, however often it is killed and started."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable

from dashboard.message import Message
from tests.browser.world import World
from tests.support.topics import ScratchTopics
from tests.support.worker_process import REPO

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]
TABLES = {"metric": "metrics", "alert": "alerts", "decision": "decisions"}
Newest = dict[str, dict[bytes, dict[str, Any]]]


async def test_the_newest_record_of_every_key_is_a_row_once(broker: str, topics: ScratchTopics, tmp_path: Path) -> None:
    for name in TABLES.values():
        await topics.create(name, partitions=2)
    said = [message for message in World(minutes=8).messages() if message.kind in TABLES]
    newest = send(broker, topics.prefix, said)
    fill(broker, topics.prefix, tmp_path, "first")
    assert rows(tmp_path, newest) == {table: len(keys) for table, keys in newest.items()}

    revised = [message for message in said if message.kind == "metric"][::3]
    newest["metrics"] |= send(broker, topics.prefix, (again(one, by=2) for one in revised))["metrics"]
    send(broker, topics.prefix, (again(one, by=-1) for one in revised))  # a zombie's: no row is of them
    for group in ("first", "killed-before-it-committed"):
        fill(broker, topics.prefix, tmp_path, group)
        assert rows(tmp_path, newest) == {table: len(keys) for table, keys in newest.items()}


def send(broker: str, prefix: str, messages: Iterable[Message]) -> Newest:
    """Publish; what the last record of each key says, by table."""
    producer = Producer({"bootstrap.servers": broker})
    newest: Newest = {table: {} for table in TABLES.values()}
    for one in messages:
        table = TABLES[one.kind]
        producer.produce(prefix + table, one.value, one.key)
        newest[table][one.key or b""] = orjson.loads(one.value or b"")
    assert producer.flush(30) == 0
    return newest


def again(message: Message, by: int) -> Message:
    record = orjson.loads(message.value or b"")
    record |= {"revision": record["revision"] + by, "total": record["total"] + by}
    return message._replace(value=orjson.dumps(record))


def fill(broker: str, prefix: str, directory: Path, group: str) -> None:
    command = [sys.executable, str(REPO / "examples/lake/to_delta.py"), "--once", "--prefix", prefix]
    command += ["--bootstrap", broker, "--path", str(directory), "--group", f"{prefix}{group}", "--flush-seconds", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr


def rows(directory: Path, newest: Newest) -> dict[str, int]:
    """How many there are of each table, after all were compared."""
    counts = {}
    for table, records in newest.items():
        held = DeltaTable(str(directory / table)).to_pyarrow_table().to_pylist()
        for row in held:
            record = records[row["key"].encode()]
            assert orjson.loads(row["record"]) == record
            assert (row["model"], row["schema"]) == (record["model"], record["schema"])
            measured = record.get("metrics") or {}
            assert {name: row.get(f"metric_{name}") for name in measured} == measured
            assert row["date"] == ("latest" if row["key"].endswith("|latest") else row[TIME[table]][:10])
        counts[table] = len(held)
    return counts


TIME = {"metrics": "window_start", "alerts": "starts_at", "decisions": "decided_at"}
