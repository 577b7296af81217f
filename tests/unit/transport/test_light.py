"""Light fetches give the same records and positions as aiokafka's own."""

import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from transport import light

TP = TopicPartition("t", 0)


def batch(base: int, values: list[bytes]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for at, value in enumerate(values):
        builder.append(at, 1_000 + at, b"k%d" % at, value, [("h", b"v")])
    raw = bytearray(builder.build())
    raw[0:8] = base.to_bytes(8, "big")
    return bytes(raw)


def fetched(log: bytes, offset: int) -> Any:  # noqa: ANN401  # aiokafka's, untyped
    records = fetcher.PartitionRecords(TP, MemoryRecords(log), [], offset, None, None, True, fetcher.READ_UNCOMMITTED)
    state = SimpleNamespace(consumed=None)
    state.consumed_to = lambda position: setattr(state, "consumed", position)
    assignment = SimpleNamespace(state_value=lambda _: state, active=True)
    result = fetcher.FetchResult(TP, assignment=assignment, partition_records=records, backoff=0)
    result.check_assignment = lambda _: True
    result.state = state
    return result


@pytest.fixture(autouse=True)
def _light() -> Iterator[None]:
    plain = fetcher.FetchResult.getall
    light.keep_records_light(["t"])
    yield
    fetcher.FetchResult.getall = plain
    light._topics.discard("t")


def test_what_was_fetched_is_let_go_of_at_once() -> None:
    fetch = fetched(batch(0, [b"a"]), 0)
    held = weakref.ref(fetch._partition_records)
    gc.disable()
    try:
        fetch.getall()
        assert held() is None
    finally:
        gc.enable()


def test_light_records_equal_aiokafkas_own() -> None:
    log = batch(0, [b"a", b"b", b"c"]) + batch(3, [b"d"])
    own, ours = fetched(log, 1), fetched(log, 1)
    expected = light._plain_getall(own)
    found = ours.getall()
    assert [(r.offset, r.key, r.value, r.timestamp, tuple(r.headers)) for r in found] == [
        (r.offset, r.key, r.value, r.timestamp, tuple(r.headers)) for r in expected
    ]
    assert [r.offset for r in found] == [1, 2, 3]
    assert ours.state.consumed == own.state.consumed == 4
    assert not ours.has_more()


def test_a_large_fetch_is_handed_out_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light, "DRAINED_RECORDS_MIN", 2)
    result = fetched(batch(0, [b"a", b"b"]) + batch(2, [b"c"]), 0)
    assert [r.offset for r in result.getall()] == [0, 1]
    assert result.has_more()
    assert result.state.consumed == 2
    assert [r.offset for r in result.getall()] == [2]
    assert not result.has_more()


def test_a_corrupt_batch_is_refused() -> None:
    log = bytearray(batch(0, [b"a", b"b"]))
    log[-1] ^= 0xFF
    with pytest.raises(CorruptRecordException):
        fetched(bytes(log), 0).getall()


def test_other_topics_keep_aiokafkas_records() -> None:
    light._topics.discard("t")
    found = fetched(batch(0, [b"a"]), 0).getall()
    assert type(found[0]).__name__ == "ConsumerRecord"
