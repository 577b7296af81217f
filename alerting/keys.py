"""Keys of rows: parts joined by ``|``, percent-encoded inside."""

from __future__ import annotations

from models.metric_record import escape, unescape


def join(*parts: str) -> str:
    """One key.

    >>> join("alert", "a|b", "")
    'alert|a%7Cb|'
    """
    return "|".join(map(escape, parts))


def split(key: str) -> tuple[str, ...]:
    """The inverse of `join`."""
    return tuple(map(unescape, key.split("|")))
