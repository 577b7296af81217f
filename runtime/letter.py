"""Which dead letters somebody wants to see or replay, and how they are shown."""

from dataclasses import dataclass
from datetime import UTC, datetime

from models.letter import Letter
from runtime.moments import moment_ms


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant: no codes = every code."""

    codes: frozenset[str] = frozenset()
    since_ms: int | None = None
    limit: int | None = None

    def wants(self, letter: Letter) -> bool:
        """Whether code and time fit (the limit counts later)."""
        old = self.since_ms is not None and letter.at_ms < self.since_ms
        return not old and (not self.codes or letter.code in self.codes)


def selection(code: str | None, since: str | None, limit: int | None, now_ms: int) -> Selection:
    """Read the options of the command line; raises ConfigError."""
    codes = frozenset(part.strip() for part in (code or "").split(",") if part.strip())
    return Selection(codes, None if since is None else moment_ms("--since", since, now_ms), limit)


def plain(text: str) -> str:
    """Text of unknown origin without control characters, for a terminal."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)


def time_text(ms: int) -> str:
    """``2026-11-21T10:00:00.000Z``; empty for an unknown time."""
    if ms < 0:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
