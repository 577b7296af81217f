"""Cuts as tests write them down."""

from tables.checkpoint import RowsWritten
from tables.strings import Strings


def rows_written(rows: dict[bytes, bytes]) -> list[RowsWritten]:
    """A cut's rows."""
    return [(Strings.of(list(rows)), Strings.of(list(rows.values())))]
