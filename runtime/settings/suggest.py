"""What somebody may have meant."""

import difflib
from collections.abc import Iterable


def suggestion(word: str, known: Iterable[str]) -> str:
    """``, did you mean x?`` with the nearest of what is known; empty if none is near.

    >>> suggestion("Windw", ["window", "horizon"])
    ', did you mean window?'
    """
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f", did you mean {by_lower[close[0]]}?" if close else ""
