"""Cuts as tests write them down."""

from tables.checkpoint import RowsWritten


def rows_written(rows: dict[bytes, bytes]) -> list[RowsWritten]:
    """A cut's rows."""
    return [(list(rows), list(rows.values()))]
