"""Times as people give them on the command line."""

from models.errors import ConfigError
from models.moments import parse_moment_ms


def moment_ms(option: str, text: str, now_ms: int) -> int:
    """``1h`` (so long ago) or ``2026-11-21T10:00:00Z`` as milliseconds since the epoch; raises ConfigError.

    >>> moment_ms("--since", "1h", 3_600_000)
    0
    """
    try:
        return parse_moment_ms(text, now_ms)
    except ValueError as error:
        raise ConfigError([f"{option}: {error}: {text!r}"]) from None
