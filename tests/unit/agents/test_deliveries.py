"""Deliveries: after their block, each by itself, and what comes of them is never lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from agents.deliveries import Deliveries
from agents.keyed import Keyed
from alerting.changes import Changes
from alerting.delivery import Delivery, Outcome
from alerting.notification import Channel, ChannelError, Notification
from alerting.notifier import Notifier
from tests.support.alert_samples import notification
from tests.unit.agents.alerting_fakes import FakePartition, FakeTable, as_partition, context


class ScriptedNotifier:
    """Has these deliveries due, once, and keeps what came of them."""

    def __init__(self, *channels: str) -> None:
        self._due = [Delivery(f"key-{name}", name, notification()) for name in channels]
        self.outcomes: dict[str, Outcome] = {}

    def tick(self, now_ms: int) -> None:
        pass

    def due(self, now_ms: int) -> list[Delivery]:
        due, self._due = self._due, []
        return due

    def outcome(self, delivery_id: str, outcome: Outcome, now_ms: int) -> None:
        assert delivery_id not in self.outcomes
        self.outcomes[delivery_id] = outcome

    def collect(self) -> Changes:
        return Changes({"row": repr(self.outcomes).encode()})

    def counts(self) -> dict[tuple[str, str], int]:
        return {(key.removeprefix("key-"), o.failure or "sent"): 1 for key, o in self.outcomes.items()}


class FakeChannel:
    """Takes a notification when it is let, or raises."""

    def __init__(self, error: Exception | None = None, *, slow: bool = False) -> None:
        self.error = error
        self.sent: list[Notification] = []
        self.go = asyncio.Event()
        self.closed = 0
        if not slow:
            self.go.set()

    async def send(self, notification: Notification) -> None:
        await self.go.wait()
        if self.error is not None:
            raise self.error
        self.sent.append(notification)

    async def check(self) -> None:
        pass

    async def close(self) -> None:
        self.closed += 1


class Stage:
    """One partition, one notifier, some channels."""

    def __init__(self, channels: Mapping[str, FakeChannel], *, lands: bool = True) -> None:
        self.channels = channels
        self.partition = FakePartition(lands=lands)
        self.table = FakeTable(self.partition)
        self.context = context(self.table)
        self.notifier = ScriptedNotifier(*channels)
        rows: Keyed[Notifier] = Keyed(cast("Any", self.table), lambda _: cast("Notifier", self.notifier))
        self.deliveries = Deliveries(self.context, rows, cast("dict[str, Channel]", channels))

    async def round(self) -> None:
        await self.deliveries.round(as_partition(self.partition), cast("Notifier", self.notifier))

    def failure(self, name: str) -> str | None:
        return self.notifier.outcomes[f"key-{name}"].failure


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_nothing_is_attempted_before_its_block_is_on_the_broker() -> None:
    stage = Stage({"a": FakeChannel()}, lands=False)
    round_ = asyncio.ensure_future(stage.round())
    await settle()
    assert len(stage.table.blocks) == 1
    assert stage.channels["a"].sent == []
    stage.partition.land()
    await round_
    await settle()
    assert len(stage.channels["a"].sent) == 1
    assert stage.failure("a") is None


async def test_nothing_is_attempted_for_a_partition_that_has_moved_meanwhile() -> None:
    stage = Stage({"a": FakeChannel()}, lands=False)
    round_ = asyncio.ensure_future(stage.round())
    await settle()
    stage.partition.closed = True
    stage.partition.land()
    await round_
    await settle()
    assert stage.channels["a"].sent == []


async def test_a_slow_channel_holds_back_no_other() -> None:
    stage = Stage({"slow": FakeChannel(slow=True), "quick": FakeChannel()})
    await stage.round()
    await settle()
    assert stage.notifier.outcomes.keys() == {"key-quick"}
    stage.channels["slow"].go.set()
    await settle()
    assert stage.notifier.outcomes.keys() == {"key-quick", "key-slow"}


async def test_a_refusal_and_a_bug_are_outcomes_and_a_bugs_words_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    busy = ChannelError("rate_limited", "later", retryable=True, retry_after_seconds=30.0)
    stage = Stage({"busy": FakeChannel(busy), "broken": FakeChannel(RuntimeError("https://hooks.example/SECRET"))})
    with caplog.at_level(logging.DEBUG):
        await stage.round()
        await settle()
    assert stage.notifier.outcomes["key-busy"] == Outcome("rate_limited", True, 30.0)  # retryable
    assert stage.notifier.outcomes["key-broken"] == Outcome("invalid", False)  # retryable
    assert "RuntimeError" in caplog.text
    assert "SECRET" not in caplog.text


async def test_a_channel_that_begins_to_fail_is_logged_once_and_once_more_when_it_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chat = FakeChannel(ChannelError("server", "chat.example answered 503", retryable=True))
    stage = Stage({"chat": chat})
    with caplog.at_level(logging.INFO):
        for number in range(4):
            chat.error = chat.error if number < 2 else None
            stage.notifier = ScriptedNotifier("chat")
            await stage.round()
            await settle()
    assert [record.getMessage() for record in caplog.records] == [
        "chat fails: chat.example answered 503",
        "chat works again",
    ]


async def test_a_channel_that_is_not_configured_any_more_is_a_failure_for_good() -> None:
    stage = Stage({"a": FakeChannel()})
    cast("dict[str, FakeChannel]", stage.channels).clear()
    await stage.round()
    await settle()
    assert stage.notifier.outcomes["key-a"] == Outcome("not_found", False)  # retryable


async def test_outcomes_wait_while_a_rebalance_is_under_way_and_are_recorded_after_it() -> None:
    stage = Stage({"a": FakeChannel(slow=True)})
    await stage.round()
    stage.partition.ready = False
    stage.channels["a"].go.set()
    await settle()
    assert stage.notifier.outcomes == {}
    stage.partition.ready = True
    await stage.round()
    assert stage.failure("a") is None


async def test_attempts_for_a_partition_that_has_moved_are_given_up() -> None:
    stage = Stage({"a": FakeChannel(slow=True)})
    await stage.round()
    await settle()
    stage.partition.closed = True
    stage.deliveries.forget_closed()
    stage.channels["a"].go.set()
    await settle()
    assert stage.channels["a"].sent == []
    assert stage.notifier.outcomes == {}


async def test_a_stop_lets_what_is_under_way_be_recorded_and_begins_nothing_more() -> None:
    stage = Stage({"a": FakeChannel(slow=True)})
    await stage.round()
    closing = asyncio.ensure_future(stage.deliveries.close())
    await settle()
    assert stage.channels["a"].closed == 0
    stage.channels["a"].go.set()
    await closing
    assert stage.channels["a"].closed == 1
    assert stage.failure("a") is None
    blocks = len(stage.table.blocks)
    await stage.round()
    assert len(stage.table.blocks) == blocks


async def test_attempts_are_counted_by_channel_and_outcome() -> None:
    stage = Stage({"a": FakeChannel(), "b": FakeChannel(ChannelError("server", "500", retryable=True))})
    await stage.round()
    await settle()
    found = {
        tuple(sample.labels.values()): sample.value
        for family in stage.context.telemetry.notifications.collect()
        for sample in family.samples
    }
    assert found == {("a", "sent"): 1.0, ("b", "server"): 1.0}
