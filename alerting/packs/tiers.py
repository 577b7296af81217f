"""What the rules of all packs have in common."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.alert_event import Priority, Severity

MINUTE_MS: Final = 60_000
RUNBOOKS: Final = "docs/runbooks/"


class Tier(NamedTuple):
    """How urgent a rule is."""

    priority: Priority
    severity: Severity


PAGE: Final = Tier("P1", "critical")
WORK: Final = Tier("P2", "warning")
NOTE: Final = Tier("P3", "info")


def runbook(name: str) -> str:
    """The page of that name in ``docs/runbooks``, as a path in the repository."""
    return f"{RUNBOOKS}{name}.md"
