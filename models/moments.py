"""Durations and times as people write them: ``60s``, ``6h``, ``2026-12-24T00:00:00Z``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

DURATION_PATTERN: Final = r"^[0-9]+ ?(ms|s|m|h|d)$"

_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# Ten years: far above any horizon, far below what int64 milliseconds overflow at.
_DURATION_MS_MAX: Final = 3_660 * _MS["d"]


def parse_duration_ms(text: object) -> int:
    """Milliseconds of ``500ms 60s 5m 6h 14d``; ValueError for anything else (also a bare number)."""
    match = re.match(DURATION_PATTERN, text) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        raise ValueError("not a duration, write it as 500ms, 60s, 5m, 6h or 14d")
    value = int(text[: match.start(1)]) * _MS[match[1]]
    if value > _DURATION_MS_MAX:
        raise ValueError("too long a duration, at most 3660d")
    return value


def parse_time_ms(text: object) -> int:
    """Milliseconds since the epoch of an ISO 8601 time (UTC unless it names an offset); raises ValueError."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None
    if time is None:
        raise ValueError("not a time, write it as 2026-12-24T00:00:00Z")
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def parse_moment_ms(text: str, now_ms: int) -> int:
    """``1h`` (so long ago) or a time, as milliseconds since the epoch; ValueError for anything else.

    >>> parse_moment_ms("1h", 3_600_000), parse_moment_ms("1970-01-01T00:00:01Z", 0)
    (0, 1000)
    """
    try:
        return now_ms - parse_duration_ms(text)
    except ValueError:
        pass
    try:
        return parse_time_ms(text)
    except ValueError:
        raise ValueError("neither a duration (1h) nor a time (2026-11-21T10:00:00Z)") from None
