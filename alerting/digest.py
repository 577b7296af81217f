"""The time of the daily digest."""

from __future__ import annotations

from alerting.routing_config import DAY, MINUTE


def next_digest_ms(at_minute: int, now_ms: int) -> int:
    """The next time after now, in milliseconds since the epoch, at that minute of the day in UTC.

    >>> next_digest_ms(9 * 60, 0) // MINUTE
    540
    >>> next_digest_ms(9 * 60, 540 * MINUTE) // MINUTE
    1980
    """
    today_ms = now_ms - now_ms % DAY + at_minute * MINUTE
    return today_ms if today_ms > now_ms else today_ms + DAY
