"""A chunk's offsets and values, before anything is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from models.judge import Record

_offset, _value = attrgetter("offset"), attrgetter("value")


def offsets_of(records: Sequence[Record]) -> NDArray[np.int64]:
    """The offset of each record: they ascend, and nearly always without a gap."""
    size = len(records)
    if size and records[-1].offset - records[0].offset == size - 1:
        return np.arange(records[0].offset, records[0].offset + size)
    return np.fromiter(map(_offset, records), np.int64, size)


def screened(records: Sequence[Record], record_bytes_max: int) -> tuple[list[bytes], bytes]:
    """The values, with nothing in place of those that only the definition may look at, and all of them joined."""
    values = [value or b"" for value in map(_value, records)]
    if values and max(map(len, values)) > record_bytes_max:
        values = [value if len(value) <= record_bytes_max else b"" for value in values]
    joined = b"".join(values)
    if not _is_utf8(joined):
        values = [value if _is_utf8(value) else b"" for value in values]
        joined = b"".join(values)
    return values, joined


def _is_utf8(value: bytes) -> bool:
    """Fast decoders do not look into strings that they skip, so this does.

    A decoded value begins and ends with an ASCII character: it is valid where the values joined are.
    """
    if value.isascii():
        return True
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
