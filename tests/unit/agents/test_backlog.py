"""A notifier that starts: first it hears everything, and what is long over is no news to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from agents.backlog import SILENT_MS, Backlog
from agents.context import AppContext
from models.alert_event import AlertEvent
from tests.support.alert_samples import alert

ALERTS, SILENCES = TP("alerts", 0), TP("silences", 0)


def stands(name: str, status: str) -> AlertEvent:
    return alert(fingerprint=name, status=status)


def context(*, idle: dict[TP, int], now_ms: int = 0, polled_ms: int | None = None) -> AppContext:
    """idle: up to which offset a topic must have been taken to be at its end."""
    consumer = SimpleNamespace(polled_ms=lambda _: polled_ms)
    found = SimpleNamespace(
        consumer=consumer, now_ms=lambda: now_ms, idle=lambda tp, last: tp in idle and last >= idle[tp]
    )
    return cast("AppContext", found)


def chunk(last: int) -> Any:  # noqa: ANN401  # an event
    return SimpleNamespace(value=SimpleNamespace(last=last))


def test_only_what_still_fires_is_news_in_the_order_of_the_topic() -> None:
    backlog = Backlog(0)
    told = [("b", "firing"), ("a", "firing"), ("a", "resolved"), ("c", "resolved"), ("d", "firing"), ("b", "firing")]
    for offset, (name, status) in enumerate(told):
        backlog.add(offset, stands(name, status))
    assert [one.fingerprint for one in backlog.firing()] == ["d", "b"]


def test_chunks_that_come_again_after_a_rebalance_do_not_bring_back_what_is_over() -> None:
    backlog = Backlog(0)
    for offset, status in [(0, "firing"), (1, "resolved"), (0, "firing")]:
        backlog.add(offset, stands("a", status))
    assert backlog.firing() == []


def test_it_reaches_as_far_as_the_last_chunk_held() -> None:
    backlog = Backlog(0)
    assert backlog.last() == -1
    for last in (4, 9, 4):
        backlog.hold(chunk(last))
    assert backlog.last() == 9
    assert len(backlog.held) == 3


def test_it_is_complete_when_all_topics_are_read_to_their_end() -> None:
    backlog = Backlog(0)
    ends = {ALERTS: 9, SILENCES: 3}
    assert not backlog.is_complete(context(idle=ends), {ALERTS: 9, SILENCES: 2})
    assert not backlog.is_complete(context(idle=ends), {ALERTS: 8, SILENCES: 3})
    assert backlog.is_complete(context(idle=ends), {ALERTS: 9, SILENCES: 3})


@pytest.mark.parametrize(
    ("polled_ms", "now_ms", "complete"),
    [
        (None, SILENT_MS + 1, False),  # the broker has not answered yet
        (SILENT_MS, SILENT_MS, False),  # not long enough
        (SILENT_MS, SILENT_MS + 1, True),
        (0, SILENT_MS + 1, False),  # the broker is away: this silence is no answer
    ],
)
def test_a_topic_whose_records_are_all_deleted_is_at_its_end_when_it_stays_silent(
    polled_ms: int | None, now_ms: int, complete: bool
) -> None:
    found = context(idle={}, now_ms=now_ms, polled_ms=polled_ms)
    assert Backlog(0).is_complete(found, {ALERTS: -1}) == complete
