"""Judging: what the rows cover is not judged again, and what is said is durable before it is said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import orjson
import pytest

from agents.keyed import Keyed
from agents.rules import Judging
from alerting.changes import Changes
from alerting.evaluator import Evaluator
from alerting.unsent import key_of
from models.alert_event import AlertEvent, decode_alert
from models.decision import Decision
from models.metric_record import key
from tests.support.alert_samples import alert
from tests.unit.agents.alerting_fakes import FakeConsumer, FakePartition, FakeProducer, FakeTable, chunk, context
from transport.chunk import Chunk


class ScriptedEvaluator:
    """Keeps what it is given; says what the test puts into `left`."""

    def __init__(self, *left: AlertEvent) -> None:
        self.taken: list[int] = []
        self.asked: list[tuple[str, str, str]] = []
        self.left = list(left)
        self.marked: list[str] = []

    def wants(self, model: str, segment: str, span: str) -> bool:
        self.asked.append((model, segment, span))
        return not segment

    def take(self, record: dict[str, object], now_ms: int) -> None:
        self.taken.append(cast("int", record["n"]))

    def tick(self, now_ms: int) -> None:
        pass

    def collect(self) -> Changes:
        return Changes({"row": repr((self.taken, self.marked)).encode()})

    def outbox(self) -> list[AlertEvent]:
        return list(self.left)

    def decisions(self) -> list[Decision]:
        return []

    def sent(self, keys: list[str]) -> None:
        self.marked += keys
        self.left = [one for one in self.left if key_of(one) not in self.marked]


class Event:
    """A chunk and whether it was acknowledged."""

    def __init__(self, value: Chunk) -> None:
        self.value = value
        self.acknowledged = False

    def ack(self) -> bool:
        self.acknowledged = True
        return True


class Stage:
    """One partition and its evaluator."""

    def __init__(self, *left: AlertEvent, lands: bool = True, end: int = 100) -> None:
        self.partition = FakePartition(lands=lands)
        self.table = FakeTable(self.partition)
        self.context = context(self.table, FakeConsumer(end))
        self.evaluator = ScriptedEvaluator(*left)
        rows: Keyed[Evaluator] = Keyed(cast("Any", self.table), lambda _: cast("Evaluator", self.evaluator))
        self.judging = Judging(self.context, rows)

    async def take(self, *values: tuple[int, bytes | None], after: int = -1, keys: Sequence[bytes] = ()) -> Event:
        event = Event(chunk("metrics", values, after, keys))
        await self.judging._take(event)
        return event

    @property
    def said(self) -> list[AlertEvent]:
        producer = cast("FakeProducer", self.context.app.producer)
        return [decode_alert(value or b"") for topic, value in producer.sent if topic == "alerts"]


def numbered(*numbers: int) -> list[tuple[int, bytes | None]]:
    return [(number, orjson.dumps({"n": number})) for number in numbers]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_chunk_is_acknowledged_when_its_block_is_on_the_broker() -> None:
    stage = Stage(lands=False)
    event = await stage.take(*numbered(0, 1))
    await settle()
    assert (stage.evaluator.taken, event.acknowledged) == ([0, 1], False)
    assert stage.partition.state.applied == {"metrics": 1}
    stage.partition.land()
    await settle()
    assert event.acknowledged


async def test_records_that_the_rows_cover_are_not_judged_again() -> None:
    stage = Stage()
    await stage.take(*numbered(0, 1, 2))
    event = await stage.take(*numbered(1, 2, 3))
    await settle()
    assert stage.evaluator.taken == [0, 1, 2, 3]
    assert event.acknowledged


async def test_a_topic_that_was_made_anew_is_judged_from_its_beginning() -> None:
    stage = Stage()
    await stage.take(*numbered(50))
    cast("FakeConsumer", stage.context.consumer).end = 2
    await stage.take(*numbered(0, 1))
    assert stage.evaluator.taken == [50, 0, 1]
    assert stage.partition.state.applied == {"metrics": 1}


async def test_what_is_no_metric_record_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    event = await stage.take((0, b"{"), (1, b"[1]"), (2, b"{}"), (3, None), *numbered(4))
    await settle()
    assert stage.evaluator.taken == [4]
    assert event.acknowledged
    assert caplog.text.count("is no metric record") == 3


async def test_records_that_no_rule_is_for_are_passed_over_by_their_keys(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    whole, part = key("a|b%", "v1", "", "60s", 0), key("a|b%", "v1", "c=|", "1h", None)
    event = await stage.take((0, orjson.dumps({"n": 0})), (1, b"{"), *numbered(2), keys=[whole, part, b"strange"])
    await settle()
    assert (stage.evaluator.taken, event.acknowledged, caplog.text) == ([0, 2], True, "")
    assert stage.evaluator.asked == [("a|b%", "", "60s"), ("a|b%", "c=|", "1h")]
    assert stage.partition.state.applied == {"metrics": 2}


async def test_during_a_rebalance_nothing_is_judged() -> None:
    stage = Stage()
    stage.partition.ready = False
    event = await stage.take(*numbered(0))
    assert (stage.evaluator.taken, event.acknowledged) == ([], False)


async def test_alerts_are_said_once_they_are_durable_and_marked_only_then() -> None:
    stage = Stage(alert(), lands=False)
    saying = asyncio.ensure_future(stage.judging.say())
    await settle()
    assert stage.said == []
    stage.partition.land()
    await saying
    assert stage.said == [alert()]
    assert stage.evaluator.marked == [key_of(alert())]
    assert stage.table.blocks  # and that is durable, too
    await stage.judging.say()
    assert len(stage.said) == 1


async def test_alerts_of_a_partition_that_has_moved_are_left_to_its_owner() -> None:
    stage = Stage(alert(), lands=False)
    saying = asyncio.ensure_future(stage.judging.say())
    await settle()
    stage.partition.closed = True
    stage.partition.land()
    await saying
    assert (stage.said, stage.evaluator.marked) == ([], [])


async def test_a_newer_word_that_came_while_the_older_was_on_its_way_is_said_too() -> None:
    stage = Stage(alert(), lands=False)
    saying = asyncio.ensure_future(stage.judging.say())
    await settle()
    newer = alert(value=0.7)
    stage.evaluator.left = [newer]
    stage.partition.land()
    await saying
    assert stage.evaluator.left == [newer]
    await stage.judging.say()
    assert stage.said == [alert(), newer]
    assert stage.evaluator.left == []
