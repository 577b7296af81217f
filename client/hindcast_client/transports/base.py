"""What the sender asks of a transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hindcast_client.records import Record


class Outcomes(Protocol):
    """Whom a transport tells what became of the records handed to it: of each, once."""

    def sent(self, count: int) -> None:
        """So many have arrived."""

    def lost(self, record: Record, reason: str, why: str) -> None:
        """This one has not. reason: a short word to count by. why: for a person to read."""


class Transport(Protocol):
    """Lives in the sender's thread, which alone calls it. Belongs to one log. Nothing it does is felt by a request."""

    def open(self, outcomes: Outcomes) -> None:
        """Begin; in a forked child, begin again. Does not wait for a broker."""

    def room(self) -> int:
        """How many records it would take now."""

    def send(self, records: Sequence[Record]) -> None:
        """Take over records without waiting. Reports each, now or later; or raises before it has reported any."""

    def settle(self, seconds: float) -> int:
        """Report what is known by now, waiting at most so long for more; how many records are still unsettled."""

    def close(self) -> None:
        """End. What is still unsettled is reported as lost."""
