"""Channels ready to be tried against a server on loopback, with time-outs that a test can wait for."""

from __future__ import annotations

from collections.abc import Callable

from alerting.channels import slack
from alerting.channels.http import Http
from alerting.channels.specs import Hosts, Links, Texts
from alerting.channels.templates import Renderer, plain
from tests.support.alert_samples import START_MS

LOOPBACK = Hosts(frozenset({"127.0.0.1"}))
NOW_MS = START_MS + 90_000
LINKS = Links("https://hindcast.example/alerts")


def now_ms() -> int:
    """The wall clock of the tests."""
    return NOW_MS


def quick_http() -> Http:
    """To loopback only, and out of patience after half a second."""
    return Http(LOOPBACK, now_ms, connect_seconds=1.0, total_seconds=1.0)


def renderer(
    texts: Texts | None = None, on_failure: Callable[[], None] = lambda: None, *, is_slack: bool = False
) -> Renderer:
    """With our own texts, unless there are others."""
    return Renderer(texts or Texts(), LINKS, on_failure, slack.escape if is_slack else plain)
