"""Notifying: the end of the topics first, then the notifier; what is no alert stops nobody."""

from __future__ import annotations

from typing import Any, cast

import pytest

from agents.keyed import Keyed
from agents.notify import Notifying
from alerting.notifier import Notifier
from models.alert_event import AlertEvent, encode_alert
from models.silence import Silence, encode_silence
from tests.support.alert_samples import alert
from tests.unit.agents.alerting_fakes import FakeConsumer, FakePartition, FakeTable, Record, context
from tests.unit.agents.test_deliveries import ScriptedNotifier
from tests.unit.agents.test_judging import Event, settle
from transport.chunk import Chunk

SILENCE = Silence(silence_id="s1", match={"model": ["fraud"]}, starts_at_ms=0, ends_at_ms=9)


class KeptNotifier(ScriptedNotifier):
    """Keeps what it was fed."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: list[str] = []
        self.silences: list[tuple[str, Silence | None]] = []
        self.rounds = 0

    def take_alert(self, event: AlertEvent, now_ms: int) -> None:
        self.alerts.append(f"{event.fingerprint} {event.status}")

    def take_silence(self, silence_id: str, silence: Silence | None, now_ms: int) -> None:
        self.silences.append((silence_id, silence))

    def tick(self, now_ms: int) -> None:
        self.rounds += 1


class Stage:
    """The one notifier, whose topics end behind so many records."""

    def __init__(self, end: int) -> None:
        self.partition = FakePartition()
        self.table = FakeTable(self.partition)
        self.consumer = FakeConsumer(end)
        self.notifier = KeptNotifier()
        rows: Keyed[Notifier] = Keyed(cast("Any", self.table), lambda _: cast("Notifier", self.notifier))
        self.notifying = Notifying(context(self.table, self.consumer), rows, {})

    async def take(self, topic: str, *records: Record) -> Event:
        event = Event(Chunk(topic, 0, [*records]))
        await self.notifying._take(event)
        await settle()
        return event

    async def tick(self, *, read: bool) -> None:
        """read: everything has been handed out."""
        self.consumer.end = 0 if read else self.consumer.end
        await self.notifying.tick()
        await settle()


def stands(offset: int, name: str, status: str) -> Record:
    return Record(offset, encode_alert(alert(fingerprint=name, status=status)))


async def test_a_notifier_without_a_past_hears_only_what_still_fires_once_it_has_read_everything() -> None:
    stage = Stage(end=9)
    first = await stage.take("alerts", stands(0, "a", "firing"), stands(1, "b", "firing"))
    await stage.tick(read=False)
    assert (stage.notifier.alerts, stage.notifier.rounds, first.acknowledged) == ([], 0, False)
    second = await stage.take("alerts", stands(2, "a", "resolved"))
    await stage.tick(read=True)
    assert stage.notifier.alerts == ["b firing"]
    assert stage.notifier.rounds == 1
    assert first.acknowledged
    assert second.acknowledged
    assert stage.partition.state.applied == {"alerts": 2}


async def test_from_then_on_it_hears_everything_once() -> None:
    stage = Stage(end=9)
    await stage.tick(read=True)
    stage.consumer.end = 9
    await stage.take("alerts", stands(0, "a", "firing"), stands(1, "a", "resolved"))
    event = await stage.take("alerts", stands(1, "a", "resolved"), stands(2, "c", "firing"))
    assert stage.notifier.alerts == ["a firing", "a resolved", "c firing"]
    assert event.acknowledged


async def test_one_with_a_past_hears_everything_that_came_while_it_was_away_before_it_tells_anything() -> None:
    stage = Stage(end=9)
    stage.partition.state.applied = {"alerts": 0}
    await stage.take("alerts", stands(0, "x", "firing"), stands(1, "a", "firing"), stands(2, "a", "resolved"))
    await stage.tick(read=False)
    assert (stage.notifier.alerts, stage.notifier.rounds) == (["a firing", "a resolved"], 0)
    await stage.tick(read=True)
    assert stage.notifier.rounds == 1


async def test_silences_are_taken_and_taken_back_by_their_key() -> None:
    stage = Stage(end=9)
    event = await stage.take(
        "silences", Record(0, encode_silence(SILENCE), b"s1"), Record(1, b"nonsense", b"s2"), Record(2, None, b"s1")
    )
    assert stage.notifier.silences == [("s1", SILENCE), ("s1", None)]
    assert event.acknowledged
    assert stage.partition.state.applied == {"silences": 2}


async def test_what_is_no_alert_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(end=9)
    await stage.tick(read=True)
    stage.consumer.end = 9
    event = await stage.take(
        "alerts", Record(0, b"{"), Record(1, b'{"schema":"x"}'), Record(2, None), stands(3, "a", "firing")
    )
    assert stage.notifier.alerts == ["a firing"]
    assert event.acknowledged
    assert caplog.text.count("is no alert record") == 2
