"""`hindcast baseline learn` and `hindcast skew` against a real broker."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from metrics.reference import Numeric, decode_baseline
from models.errors import WorldError
from runtime import baseline_learn, skew
from runtime.baseline_learn import Learn
from runtime.clock import now_ms
from runtime.settings import Settings
from tests.support.topics import ScratchTopics

pytestmark = pytest.mark.broker
MINUTE_MS = 60_000


def settings(broker: str, prefix: str) -> Settings:
    model = {"predictions": {"topic": f"{prefix}predictions"}, "labels": {"topic": f"{prefix}labels"}, "horizon": "1h"}
    return Settings.model_validate({"kafka": {"bootstrap_servers": broker}, "models": {"fraud": model}})


def write(broker: str, topic: str, rows: list[tuple[int, dict[str, Any]]]) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for at_ms, row in rows:
        producer.produce(topic, value=json.dumps(row), timestamp=at_ms)
    assert producer.flush(20) == 0


def prediction(number: int, at_ms: int) -> tuple[int, dict[str, Any]]:
    features = {"amount": number, "country": ("DE", "FR")[number % 2]}
    return at_ms, {"id": number, "timestamp": at_ms, "score": 0.2 if number % 4 else 0.8, "features": features}


def label(number: int, at_ms: int, actual: object) -> tuple[int, dict[str, Any]]:
    return at_ms, {"id": number, "label_time": at_ms, "actual": actual}


async def test_a_baseline_is_learned_of_the_period_and_its_labels(
    broker: str, topics: ScratchTopics, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, now = settings(broker, topics.prefix), now_ms()
    at = [now - 300 * MINUTE_MS + number * MINUTE_MS for number in range(100)]
    predictions, labels = await topics.create("predictions", partitions=3), await topics.create("labels", partitions=2)
    await asyncio.to_thread(write, broker, predictions, [prediction(n, at[n]) for n in range(100)])
    told = [label(n, at[n] + MINUTE_MS, n % 8 == 0) for n in range(100)]
    corrected = [label(12, at[12] + 2 * MINUTE_MS, 1), label(90, now, 1)]  # the second one is out of the horizon
    await asyncio.to_thread(write, broker, labels, told + corrected)
    out = tmp_path / "fraud.json"
    learn = Learn(at[10], at[90], None)
    assert await asyncio.to_thread(baseline_learn.run, found, None, learn, out) == 0
    baseline = decode_baseline(out.read_bytes())
    amount = baseline.features["amount"]
    assert isinstance(amount, Numeric)
    assert (baseline.records, amount.min, amount.max) == (80, 10, 89)
    assert baseline.predictions == {"0": 60, "1": 20}
    # Of the 20 multiples of four, 12 is said to be a fraud later, and ten are multiples of eight.
    assert baseline.performance["precision"] == pytest.approx(11 / 20)
    assert baseline.performance["recall"] == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.startswith(f"{out}: 80 records; 1 numeric and 1 categorical features; scores; predictions; perf")
    with pytest.raises(WorldError, match="no predictions of fraud since"):
        await asyncio.to_thread(baseline_learn.run, found, None, Learn(now, None, None), out)


async def test_labels_are_waited_for_until_none_can_come_any_more(
    broker: str, topics: ScratchTopics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline_learn, "LABELS_EVERY_SECONDS", 0.2)
    found, now = settings(broker, topics.prefix), now_ms()
    at_ms = now - 60 * MINUTE_MS + 4_000
    predictions, labels = await topics.create("predictions", partitions=1), await topics.create("labels", partitions=1)
    await asyncio.to_thread(write, broker, predictions, [prediction(0, at_ms)])
    out = tmp_path / "fraud.json"
    learn = Learn(now - 120 * MINUTE_MS, None, None, follow_labels=True)
    learning = asyncio.create_task(asyncio.to_thread(baseline_learn.run, found, None, learn, out))
    await asyncio.sleep(1.5)
    assert not learning.done()
    await asyncio.to_thread(write, broker, labels, [label(0, at_ms + 1000, 1)])
    assert await learning == 0
    assert decode_baseline(out.read_bytes()).performance["accuracy"] == 1


async def test_what_was_served_is_compared_with_a_topic(broker: str, topics: ScratchTopics, tmp_path: Path) -> None:
    found, now = settings(broker, topics.prefix), now_ms()
    predictions, reference = await topics.create("predictions"), await topics.create("reference", partitions=1)
    old = prediction(1000, now - 120 * MINUTE_MS)
    await asyncio.to_thread(write, broker, predictions, [old, *(prediction(n, now - 1000) for n in range(50))])
    rows = [(now, {"id": n, "features": {"amount": n + (n % 10 == 0), "country": "DE"}}) for n in range(2, 60)]
    await asyncio.to_thread(write, broker, reference, rows)
    out = tmp_path / "skew.json"
    asked = skew.Asked(None, reference, None, None, now - 60 * MINUTE_MS, 1e-6, fail_over=0.2)
    assert await asyncio.to_thread(skew.run, found, asked, out, now) == 1
    said = json.loads(out.read_bytes())
    assert (said["compared"], said["serving"]["only_here"], said["reference"]["only_here"]) == (48, 2, 10)
    assert said["features"]["amount"]["mismatches"] == 4
    assert said["features"]["country"]["mismatch_share"] == 0.5
