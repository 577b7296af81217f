"""The alert verbs against a real broker."""

import asyncio

import orjson
import pytest
from confluent_kafka import Producer

from models.alert_event import encode_alert
from runtime.alerts_list import list_alerts
from runtime.alerts_replay import replay_rule
from runtime.alerts_silences import add, end, list_silences
from runtime.settings import Settings, parse
from tests.support.alert_samples import alert
from tests.support.topics import ScratchTopics
from tests.unit.alerting.rule_records import now, record

pytestmark = pytest.mark.broker
LOW = {"name": "low", "metric": "accuracy", "below": 0.9, "min_labelled": 100}


def settings(broker: str, prefix: str) -> Settings:
    kafka = {"bootstrap_servers": broker, "topic_prefix": prefix}
    return parse({"kafka": kafka, "alerts": {"packs": [], "rules": [LOW]}}, {})


def write(broker: str, topic: str, values: list[tuple[bytes, bytes, int]]) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for key, value, at_ms in values:
        producer.produce(topic, key=key, value=value, timestamp=at_ms)
    assert producer.flush(20) == 0


async def test_what_fires_is_listed_with_the_last_word_on_each_alert(
    broker: str, topics: ScratchTopics, capsys: pytest.CaptureFixture[str]
) -> None:
    found, topic = settings(broker, topics.prefix), await topics.create("alerts", partitions=1)
    events = [alert(), alert(fingerprint="over"), alert(fingerprint="over", status="resolved", rule="over")]
    values = [(one.fingerprint.encode(), encode_alert(one), 1) for one in events]
    await asyncio.to_thread(write, broker, topic, [*values, (b"x", b"not an alert", 1)])
    assert await asyncio.to_thread(list_alerts, found, every=False, as_json=True) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert orjson.loads(line)["fingerprint"] == alert().fingerprint
    assert await asyncio.to_thread(list_alerts, found, every=True, as_json=False) == 0
    shown = capsys.readouterr().out
    assert "P1 resolved" in shown
    assert "1 firing of 2 alerts" in shown


async def test_a_silence_is_begun_shown_and_ended(
    broker: str, topics: ScratchTopics, capsys: pytest.CaptureFixture[str]
) -> None:
    found = settings(broker, topics.prefix)
    await topics.create("silences", partitions=1)
    assert await asyncio.to_thread(add, found, {"model": ["fraud"]}, 7_200_000, "freeze", 1000) == 0
    silence_id = capsys.readouterr().out.strip()
    await asyncio.to_thread(list_silences, found, 2000)
    assert capsys.readouterr().out.startswith(
        f"{silence_id}  1970-01-01T00:00:01Z to 1970-01-01T02:00:01Z  model fraud"
    )
    assert await asyncio.to_thread(end, found, silence_id, 2000) == 0
    await asyncio.to_thread(list_silences, found, 2000)
    assert capsys.readouterr().out == ""


async def test_stored_records_are_replayed_through_a_rule_since_the_time_asked_for(
    broker: str, topics: ScratchTopics, capsys: pytest.CaptureFixture[str]
) -> None:
    found, topic = settings(broker, topics.prefix), await topics.create("metrics", partitions=2)
    minutes = [(0, 0.5), (10, 0.95), (11, 0.8), (12, 0.95)]
    values = [(b"k", orjson.dumps(record(minute, value)), now(minute)) for minute, value in minutes]
    await asyncio.to_thread(write, broker, topic, values)
    assert await asyncio.to_thread(replay_rule, found, "low", now(5), now(13)) == 0
    sentence, fired, resolved, total = capsys.readouterr().out.splitlines()
    assert sentence.startswith("low (P2, warning): fires when accuracy is below 0.9")
    assert "firing   fraud v1: accuracy 0.8 " in fired
    assert "resolved fraud v1: accuracy 0.95 " in resolved
    assert total.startswith("3 records written since")
