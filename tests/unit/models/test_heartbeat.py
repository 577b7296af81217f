"""Heartbeats of the client become columns; what is none becomes a dead letter."""

import numpy as np
import pytest

from models.batch import Batch, Source
from models.heartbeat import HeartbeatDecoder
from models.mapping import RESOURCES
from models.packed_batch import pack, unpack
from tables.heartbeats import OBSERVER
from tests.unit.models.support import EVENT, EVENT_MS, NOW_MS, consumed


def beat(**changed: object) -> dict[str, object]:
    record: dict[str, object] = {
        "schema": "hindcast.heartbeat/1",
        "model": "fraud",
        "model_version": "v1",
        "instance": "host-1:4711",
        "event_time": EVENT,
        "resources": {"cpu_ratio": 0.25, "queue_depth": 3},
    }
    return {key: value for key, value in (record | changed).items() if value is not ...}


def decoder(*models: str) -> HeartbeatDecoder:
    return HeartbeatDecoder(models or ("fraud", "churn"), OBSERVER)


def test_a_heartbeat_is_read_with_model_version_time_and_resources() -> None:
    found = decoder().decode(consumed([beat(), b"{", beat(model="churn", model_version=...)]), NOW_MS)
    assert found.ids == [b"host-1:4711"] * 2
    assert found.offsets.tolist() == [100, 102]
    assert found.time_ms.tolist() == [EVENT_MS] * 2
    assert [found.combos[i] for i in found.combo_index.tolist()] == [("fraud", "v1"), ("churn", "")]
    assert [bad.record.offset for bad in found.bad] == [101]
    assert found.observed is not None
    steps = OBSERVER.unpack(found.observed.packed[OBSERVER.name], np.array([0]))["resources"][0].tolist()
    assert dict(zip(RESOURCES, steps, strict=True)) == dict.fromkeys(RESOURCES, 0) | {
        "cpu_ratio": (1 << 18) + 1,
        "queue_depth": 3 * 1024 + 1,
    }


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (b"{", "json"),
        (None, "tombstone"),
        (beat(schema="hindcast.heartbeat/2"), "type"),
        (beat(instance=...), "missing:id"),
        (beat(event_time=...), "missing:event_time"),
        (beat(event_time="2026-11-22T09:59:00Z"), "timestamp_future"),
        (beat(model=...), "missing:model"),
        (beat(model=7), "type"),
        (beat(model="*"), "model_unknown"),
        (beat(model="rival"), "model_unknown"),
    ],
    ids=str,
)
def test_what_is_no_heartbeat_is_bad(record: bytes | dict[str, object] | None, code: str) -> None:
    found = decoder().decode(consumed([record]), NOW_MS)
    assert [bad.code for bad in found.bad] == [code]
    assert len(found.ids) == len(found.combos) == 0


@pytest.mark.parametrize("resources", [..., None, 7, [], {"cpu_ratio": "high", "queue_depth": -1, "fans": 3}], ids=str)
def test_resources_that_say_nothing_make_no_heartbeat_bad(resources: object) -> None:
    found = decoder().decode(consumed([beat(resources=resources)]), NOW_MS)
    assert found.bad == []
    assert found.observed is not None
    assert not OBSERVER.unpack(found.observed.packed[OBSERVER.name], np.array([0]))["resources"].any()


def test_any_model_may_send_heartbeats_where_any_model_is_monitored() -> None:
    found = decoder("fraud", "*").decode(consumed([beat(model="new"), beat(model=""), beat(model="*")]), NOW_MS)
    assert found.combos == [("new", "v1")]
    assert [bad.code for bad in found.bad] == ["model_unknown"] * 2


def test_a_batch_of_heartbeats_travels_packed_and_split() -> None:
    found = decoder().decode(consumed([beat(instance=f"host:{n}") for n in range(20)]), NOW_MS)
    batch = Batch(
        "heartbeats", Source("hindcast-heartbeats", 0), -1, 119, EVENT_MS, False,
        found.ids, found.offsets, found.time_ms, found.score, found.outcome, found.combos, found.combo_index,
        observed=found.observed,
    )  # fmt: skip
    parts = [unpack(pack(part)) for part in batch.split(3)]
    assert {part.kind for part in parts} == {"heartbeats"}
    assert sorted(i for part in parts for i in part.ids) == sorted(found.ids)
    assert all(part.observed is not None and part.observed.size == len(part) for part in parts)
