"""PagerDuty, Slack and a webhook on loopback, for workers in processes of their own: served from a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runtime.clock import now_ms
from tests.support.http_fakes import Fault, PagerDutyFake, SlackFake, WebhookFake

SECRET = "hook-SECRET"  # of a server that is on loopback for some seconds


class Receivers:
    """A context in which the three servers listen."""

    def __init__(self) -> None:
        self.pager, self.chat = PagerDutyFake(), SlackFake(interval_seconds=0.5)
        self.hook = WebhookFake(SECRET, now_ms() // 1000)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._enter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._open.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _enter(self) -> None:
        for fake in (self.pager, self.chat, self.hook):
            await self._open.enter_async_context(fake)

    def _run(self, work: Any) -> None:  # noqa: ANN401  # a coroutine
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def chat_faults(self, *faults: Fault) -> None:
        """What the chat does to the next requests."""
        self._loop.call_soon_threadsafe(lambda: self.chat.next_faults(*faults))

    def pager_faults(self, *faults: Fault) -> None:
        """What the pager does to the next requests."""
        self._loop.call_soon_threadsafe(lambda: self.pager.next_faults(*faults))

    def hook_faults(self, *faults: Fault) -> None:
        """What the webhook does to the next requests."""
        self._loop.call_soon_threadsafe(lambda: self.hook.next_faults(*faults))

    # -- configuration

    def settings(self, directory: Path) -> dict[str, Any]:
        """The section `receivers`; secrets stand in files."""
        files = {"pager": PagerDutyFake.ROUTING_KEY, "chat": self.chat.url, "hook": SECRET}
        directory.mkdir(parents=True, exist_ok=True)
        for name, secret in files.items():
            (directory / name).write_text(secret)
        return {
            "pager": {"pagerduty": {"routing_key_file": str(directory / "pager"), "url": self.pager.url}},
            "chat": {"slack": {"webhook_url_file": str(directory / "chat")}},
            "hook": {"webhook": {"url": self.hook.url, "secret_file": str(directory / "hook")}},
        }

    # -- what they were told

    def pages(self, action: str = "trigger") -> Counter[str]:
        """Dedup key -> how many events of that action the pager has taken, copies too."""
        events = [request.json() for request in list(self.pager.accepted)]
        return Counter(event["dedup_key"] for event in events if event["event_action"] == action)

    def hooked(self) -> list[str]:
        """Status by status what the webhook was told, copies dropped."""
        return [alert["status"] for alert in list(self.hook.alerts)]

    def hook_keys(self) -> Counter[str]:
        """Idempotency key -> how often the webhook has taken it."""
        return Counter(request.headers["Idempotency-Key"] for request in list(self.hook.accepted))

    def chatted(self) -> list[str]:
        """The messages that the chat has taken, as they stand there."""
        return [request.body.decode() for request in list(self.chat.accepted)]


def wait_until(reached: Callable[[], bool], seconds: float, describe: Callable[[], str]) -> float:
    """Wait; returns how long it took. Fails with the description."""
    started = time.monotonic()
    while not reached():
        assert time.monotonic() - started < seconds, describe()
        time.sleep(0.05)
    return time.monotonic() - started
