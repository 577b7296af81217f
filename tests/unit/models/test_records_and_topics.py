"""Dead letters, metric records, topics, field maps and partitions look as the contract says."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from aiokafka.partitioner import murmur2 as kafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from models.dead_letter import headers, oversize_envelope
from models.errors import ConfigError
from models.mapping import field_map
from models.metric_record import encode, escape, iso_ms, key, unescape
from models.partitioner import murmur2, partitions_of
from models.topics import DAY_MS, catalogue

WINDOW_MS = 1_795_255_200_000


def test_dead_letter_headers_stand_after_the_original_ones() -> None:
    ours = headers(
        "type", "score: not a number", topic="t", partition=3, offset=99, timestamp_ms=7, model="fraud",
        original=[("trace", b"\xff"), ("trace", b"2")],
    )  # fmt: skip
    assert ours == [
        ("trace", b"\xff"),
        ("trace", b"2"),
        ("hindcast.error.code", b"type"),
        ("hindcast.error.message", b"score: not a number"),
        ("hindcast.source.topic", b"t"),
        ("hindcast.source.partition", b"3"),
        ("hindcast.source.offset", b"99"),
        ("hindcast.source.timestamp", b"7"),
        ("hindcast.model", b"fraud"),
    ]


def test_the_envelope_of_an_oversize_record_names_it_without_its_value() -> None:
    value = b"secret" * 1000
    envelope = json.loads(oversize_envelope("t", 3, 99, value))
    assert (envelope["topic"], envelope["partition"], envelope["offset"], envelope["size_bytes"]) == ("t", 3, 99, 6000)
    assert envelope["sha256"] == hashlib.sha256(value).hexdigest()


def test_a_metric_key_has_the_parts_of_the_contract() -> None:
    assert key("fraud", "v1", "", "60s", WINDOW_MS) == b"fraud|v1||60s|2026-11-21T10:00:00Z"
    assert key("a|b", "50%", "country=DE", "1h", None) == b"a%7Cb|50%25|country=DE|1h|latest"


@given(st.lists(st.text(), min_size=5, max_size=5))
def test_parts_of_a_key_come_back_whatever_stands_in_them(parts: list[str]) -> None:
    assert [unescape(part) for part in "|".join(map(escape, parts)).split("|")] == parts


def test_a_metric_record_has_the_head_of_the_contract_then_the_parts() -> None:
    record = encode(
        model="fraud", model_version="v1", segment="country=DE", task="binary", window_start_ms=WINDOW_MS,
        window_end_ms=WINDOW_MS + 60_000, span="60s", revision=3, final=False, emitted_at_ms=WINDOW_MS + 61_250,
        parts={"total": 2, "metrics": {"auc": float("nan"), "f1": np.float64(0.5)}},
    )  # fmt: skip
    assert json.loads(record) == {
        "schema": "hindcast.metric/1", "model": "fraud", "model_version": "v1", "segment": "country=DE",
        "task": "binary", "window_start": "2026-11-21T10:00:00Z", "window_end": "2026-11-21T10:01:00Z", "span": "60s",
        "revision": 3, "final": False, "emitted_at": "2026-11-21T10:01:01.250Z",
        "total": 2, "metrics": {"auc": None, "f1": 0.5},
    }  # fmt: skip
    assert list(json.loads(record))[-2:] == ["total", "metrics"]


def test_milliseconds_are_shown_where_they_are_not_zero() -> None:
    assert (iso_ms(WINDOW_MS), iso_ms(WINDOW_MS + 5)) == ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00.005Z")


def test_internal_topics_and_only_they_have_internal_names() -> None:
    topics = catalogue("hindcast-", 8, 3_600_000)
    for topic in topics.values():
        marked = any(mark in topic.name for mark in ("-by-id", "-partials", "-changelog"))
        assert marked == topic.internal, topic.name
        assert topic.name.startswith("hindcast-")
        # One log decides which names are admitted, and one notifier sees all alerts, so they have one order.
        is_single = topic.name.endswith(("dimensions-changelog", "alerts", "silences", "notify-changelog"))
        is_single |= "-smoke-" in topic.name
        assert topic.partitions == (1 if is_single else 8)
    public = {name for name, topic in topics.items() if not topic.internal}
    told = {"metrics", "dead-letters", "alerts", "decisions", "pipeline"}
    assert public == told | {"silences", "heartbeats", "smoke-predictions", "smoke-labels"}
    assert topics["silences"].config() == {"cleanup.policy": "compact", "retention.ms": "-1"}
    assert topics["alerts"].config() == topics["metrics"].config()
    assert topics["metrics"].config() == {"cleanup.policy": "compact,delete", "retention.ms": str(30 * DAY_MS)}


def test_state_is_kept_longer_than_any_window_is_open() -> None:
    topics = catalogue("x-", 1, 20 * DAY_MS)
    assert topics["join-changelog"].retention_ms >= 40 * DAY_MS
    assert topics["merge-changelog"].retention_ms >= 40 * DAY_MS
    assert topics["dimensions-changelog"].config()["retention.ms"] == "-1"


def test_a_field_map_keeps_the_order_of_the_contract_and_takes_dotted_paths() -> None:
    mapped = field_map("predictions", {"score": "payload.score"}, ["country"])
    assert mapped["id"] == (("prediction_id",), ("transaction_id",), ("request_id",), ("id",))
    assert mapped["score"] == (("payload", "score"),)
    assert mapped.segments == ((("country",), ("features", "country"), ("input", "country")),)


def test_wrong_fields_are_all_named_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        field_map("labels", {"score": "s", "id": "a..b"})
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["id", "score"]


@given(st.lists(st.binary(max_size=40)))
def test_murmur2_is_that_of_kafka(keys: list[bytes]) -> None:
    assert murmur2(keys).tolist() == [kafka_murmur2(one) & 0xFFFFFFFF for one in keys]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 300))
def test_partitions_are_those_of_kafkas_default_partitioner(keys: list[bytes], partitions: int) -> None:
    expected = [(kafka_murmur2(one) & 0x7FFFFFFF) % partitions for one in keys]
    assert partitions_of(keys, partitions).tolist() == expected
