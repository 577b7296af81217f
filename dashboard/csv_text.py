"""Records as CSV that a spreadsheet may open: one column a number, and no cell that it takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import orjson

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(records: Iterable[Mapping[str, object]]) -> str:
    """A heading and one line a record; columns in the order in which they first appear, `null` as nothing."""
    rows = [dict(_flat("", record)) for record in records]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_guarded(name) for name in columns])
    writer.writerows([[_cell(row.get(name)) for name in columns] for row in rows])
    return out.getvalue()


def _flat(at: str, value: object) -> Iterator[tuple[str, object]]:
    """`{"metrics": {"auc": 1}}` as `metrics.auc`; lists that are not intervals stay JSON."""
    match value:
        case Mapping():
            for name, inner in value.items():
                yield from _flat(f"{at}.{name}" if at else str(name), inner)
        case [low, high] if at.startswith("interval"):
            yield f"{at}.low", low
            yield f"{at}.high", high
        case list():
            yield at, orjson.dumps(value).decode()
        case _:
            yield at, value


def _cell(value: object) -> object:
    return _guarded(value) if isinstance(value, str) else value


def _guarded(text: str) -> str:
    """Text that begins like a formula gets an apostrophe in front, as OWASP advises; numbers stay what they are.

    >>> _guarded("=1+1"), _guarded("fraud")
    ("'=1+1", 'fraud')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
