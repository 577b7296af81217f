"""Times as people give them on the command line."""

from models.errors import ConfigError
from runtime.settings.units import parse_duration_ms, parse_time_ms


def moment_ms(option: str, text: str, now_ms: int) -> int:
    """``1h`` (so long ago) or ``2026-11-21T10:00:00Z`` as milliseconds since the epoch; raises ConfigError.

    >>> moment_ms("--since", "1h", 3_600_000)
    0
    """
    try:
        return now_ms - parse_duration_ms(text)
    except ValueError:
        pass
    try:
        return parse_time_ms(text)
    except ValueError:
        line = f"{option}: neither a duration (1h) nor a time (2026-11-21T10:00:00Z): {text!r}"
        raise ConfigError([line]) from None
