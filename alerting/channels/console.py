"""The console: plain lines through the log, or wherever they are wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable

from alerting.channels import text
from alerting.channels.templates import Renderer
from alerting.notification import Notification

_log = logging.getLogger("hindcast.alerts")
Write = Callable[[str], None]


def log_line(line: str) -> None:
    """To the log, as a warning: an alert is worth a look."""
    _log.warning("%s", line)


class ConsoleChannel:
    """A line for each alert: status, priority, rule, model, value with interval, threshold, reason, runbook."""

    def __init__(self, renderer: Renderer, write: Write = log_line) -> None:
        self._renderer = renderer
        self._write = write

    async def send(self, notification: Notification) -> None:
        """Write the lines; a title first where there are several."""
        body = self._renderer.body(notification)
        lines = (text.body(notification) if body is None else body).splitlines()
        if len(lines) > 1:
            lines.insert(0, self._renderer.title(notification))
        for line in lines:
            self._write(text.clean(line, 2 * text.FIELD_CHARACTERS_MAX))

    async def check(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to let go of."""
