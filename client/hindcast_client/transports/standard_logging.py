"""Records as messages of Python's own logging, for whatever collects the process's log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from hindcast_client.records import Record
from hindcast_client.transports.base import Outcomes

LOGGER: Final = "hindcast_client.records"
ROOM: Final = 10_000


class LoggingTransport:
    """One message a record at level INFO: the message is the JSON, `hindcast_topic` and `hindcast_key` stand beside it.

    The application decides where the logger `hindcast_client.records` goes. Where its level is above INFO, records
    count as lost (`logging_off`).
    """

    def __init__(self, logger: str = LOGGER) -> None:
        self._logger = logging.getLogger(logger)

    def open(self, outcomes: Outcomes) -> None:
        """See Transport."""
        self._outcomes = outcomes

    def room(self) -> int:
        """See Transport."""
        return ROOM

    def send(self, records: Sequence[Record]) -> None:
        """See Transport."""
        if not self._logger.isEnabledFor(logging.INFO):
            for record in records:
                self._outcomes.lost(record, "logging_off", f"the level of logger {self._logger.name} is above INFO")
            return
        for record in records:
            beside = {"hindcast_topic": record.topic, "hindcast_key": record.key.decode()}
            self._logger.info("%s", record.value.decode(), extra=beside)
        self._outcomes.sent(len(records))

    def settle(self, seconds: float) -> int:  # noqa: ARG002  # Transport's; here everything settles at once
        """See Transport."""
        return 0

    def close(self) -> None:
        """See Transport."""
