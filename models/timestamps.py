"""Their times -> whole milliseconds since the epoch (UTC, rounded down).

Read are ISO 8601 date-times and epoch numbers. A date-time is `YYYY-MM-DD`, `T` or a space,
`hh:mm:ss`, a fraction of 1-9 digits or none, and `Z`, an offset `±hh:mm` (`±hhmm`, `±hh`) or
nothing, which means UTC. The unit of a number follows from its size: below 1e11 seconds, below
1e14 milliseconds, below 1e17 microseconds, below 1e20 nanoseconds; so every unit is understood
for the years 2000 to 5138. Floats are read to the microsecond, which is what a double holds.

`parse_one` defines the meaning; `parse_ms` does the same for a column at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import DecodeError

Time = str | int | float

EARLIEST_MS: Final = 946_684_800_000
"""2000-01-01T00:00:00Z; an event before it is a mistake (a zero, seconds read as another unit)."""

INVALID_MS: Final = -(2**63)
"""Stands in a parsed column where the value is no time; it is before EARLIEST_MS."""

_SECONDS_BELOW: Final = 10**11
_MILLISECONDS_BELOW: Final = 10**14
_MICROSECONDS_BELOW: Final = 10**17
_NANOSECONDS_BELOW: Final = 10**20

_DAY_MS: Final = 86_400_000
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|([+-])([01]\d|2[0-3]):?([0-5]\d)?)?",
    re.ASCII,
)
_TEMPLATES_MAX: Final = 3
"""How many ways of writing a column may have before the rest is read one by one."""


def parse_one(value: Time) -> int:
    """One time in ms. Raises DecodeError `timestamp_invalid` (no time) or `type` (a bool)."""
    if isinstance(value, str):
        return _parse_iso(value)
    if isinstance(value, bool):
        raise DecodeError("type", "a time is a string or a number")
    return _parse_epoch(value)


def parse_ms(values: Sequence[Time]) -> NDArray[np.int64]:
    """A column of times in ms, shape [n]; INVALID_MS where `parse_one` would raise."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return _parse_strings(values)  # type: ignore[arg-type]
    if kinds == {int}:
        return _parse_integers(values)  # type: ignore[arg-type]
    if kinds == {float}:
        return _parse_floats(np.array(values, dtype=np.float64))
    return _parse_mixed(values) if len(kinds) > 1 else _one_by_one(values)


def range_code(time_ms: int, now_ms: int, future_ms: int) -> str | None:
    """The code of a time outside [EARLIEST_MS, now_ms + future_ms], else None."""
    if time_ms < EARLIEST_MS:
        return "timestamp_invalid"
    return "timestamp_future" if time_ms > now_ms + future_ms else None


def in_range(time_ms: NDArray[np.int64], now_ms: int, future_ms: int) -> NDArray[np.bool_]:
    """Where `range_code` is None, shape [n]."""
    return (time_ms >= EARLIEST_MS) & (time_ms <= now_ms + future_ms)


def _parse_iso(text: str) -> int:
    found = _ISO.fullmatch(text)
    if found is None:
        raise DecodeError("timestamp_invalid", "not an ISO 8601 date-time")
    hour, minute, second = int(found[4]), int(found[5]), int(found[6])
    if hour > 23 or minute > 59 or second > 59:
        raise DecodeError("timestamp_invalid", "hour, minute or second out of range")
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])).toordinal() - _EPOCH_DAY
    except ValueError:
        raise DecodeError("timestamp_invalid", "no such day") from None
    millis = ((hour * 60 + minute) * 60 + second) * 1000 + int(f"{found[7] or '0':0<3.3}")
    return day * _DAY_MS + millis - _offset_ms(found)


def _parse_epoch(value: float) -> int:
    size = abs(value)
    if not size < _NANOSECONDS_BELOW:
        raise DecodeError("timestamp_invalid", "an epoch time of 1e20 or more")
    if type(value) is not int:
        return int(_parse_floats(np.array([value]))[0])
    if size < _SECONDS_BELOW:
        return value * 1000
    if size < _MILLISECONDS_BELOW:
        return value
    return value // (1000 if size < _MICROSECONDS_BELOW else 1_000_000)


def _parse_mixed(values: Sequence[Time]) -> NDArray[np.int64]:
    parsed = np.empty(len(values), dtype=np.int64)
    kinds = np.fromiter(map(id, map(type, values)), dtype=np.uint64, count=len(values))
    for kind in np.unique(kinds):
        at = np.flatnonzero(kinds == kind)
        parsed[at] = parse_ms([values[i] for i in at.tolist()])
    return parsed


def _one_by_one(values: Sequence[Time]) -> NDArray[np.int64]:
    parsed = np.full(len(values), INVALID_MS, dtype=np.int64)
    for position, value in enumerate(values):
        try:
            parsed[position] = parse_one(value)
        except DecodeError:
            continue
    return parsed


def _parse_integers(values: Sequence[int]) -> NDArray[np.int64]:
    try:
        whole = np.array(values, dtype=np.int64)
    except OverflowError:
        return _one_by_one(values)
    size = np.abs(whole)
    if size.min(initial=2**63 - 1) < 0 or (size >= _NANOSECONDS_BELOW).any():  # -2**63 has no abs
        return _one_by_one(values)
    return np.select(
        [size < _SECONDS_BELOW, size < _MILLISECONDS_BELOW, size < _MICROSECONDS_BELOW],
        [whole * 1000, whole, whole // 1000],
        whole // 1_000_000,
    )


def _parse_floats(values: NDArray[np.float64]) -> NDArray[np.int64]:
    size = np.abs(values)
    known = size < _NANOSECONDS_BELOW
    micros_in_unit = np.select(
        [size < _SECONDS_BELOW, size < _MILLISECONDS_BELOW, size < _MICROSECONDS_BELOW],
        [1e6, 1e3, 1.0],
        1e-3,
    )
    micros = np.rint(np.where(known, values, 0.0) * micros_in_unit).astype(np.int64)
    return np.where(known, micros // 1000, INVALID_MS)


def _parse_strings(values: Sequence[str]) -> NDArray[np.int64]:
    """By groups of equal length, each as one matrix of bytes."""
    lengths = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
    if (lengths == lengths[0]).all():
        return _parse_equal_length(values, int(lengths[0]))
    parsed = np.empty(len(values), dtype=np.int64)
    for length in np.unique(lengths).tolist():
        at = np.flatnonzero(lengths == length)
        parsed[at] = _parse_equal_length([values[i] for i in at.tolist()], length)
    return parsed


def _parse_equal_length(values: Sequence[str], length: int) -> NDArray[np.int64]:
    text = "".join(values)
    if not 19 <= length <= 35 or not text.isascii():
        return _one_by_one(values)
    rows = np.frombuffer(text.encode(), dtype=np.uint8).reshape(len(values), length)
    parsed, fits = _parse_like(values[0], rows)
    for _ in range(_TEMPLATES_MAX - 1):
        left = np.flatnonzero(~fits)
        if not left.size:
            return parsed
        parsed[left], fits[left] = _parse_like(values[left[0]], rows[left])
    left = np.flatnonzero(~fits)
    parsed[left] = _one_by_one([values[i] for i in left.tolist()])
    return parsed


def _parse_like(sample: str, rows: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times of the rows written like the sample, and which rows those are; rows is [n, length].

    Written alike means the same separators, the same number of digits, the same offset.
    """
    template = _ISO.fullmatch(sample)
    if template is None:
        return np.full(len(rows), INVALID_MS), np.zeros(len(rows), dtype=np.bool_)
    digits = rows - np.uint8(48)
    millis = _milliseconds_of_day(digits, min(3, len(template[7] or "")))
    day, fits = _days(digits)
    fits &= _written_like(rows, template) & (millis < _DAY_MS)
    return day * np.int64(_DAY_MS) + (millis - _offset_ms(template)), fits


def _written_like(rows: NDArray[np.uint8], template: re.Match[str]) -> NDArray[np.bool_]:
    least = np.frombuffer(template.string.encode(), dtype=np.uint8).copy()
    spread = np.zeros_like(least)
    for group in (*range(1, 7), 7):
        least[slice(*template.span(group))] = ord("0")
        spread[slice(*template.span(group))] = 9
    spread[[14, 17]] = 5  # tens of minutes and seconds
    inside = (rows - least) <= spread
    return np.ones(len(rows), dtype=np.bool_) if inside.all() else np.logical_and.reduce(inside, axis=1)


def _milliseconds_of_day(digits: NDArray[np.uint8], places: int) -> NDArray[np.int32]:
    """From hh:mm:ss.fff at column 11, with so many digits of the fraction, shape [n]."""
    seconds = (36_000, 3600, 600, 60, 10, 1)
    total = np.zeros(len(digits), dtype=np.int32)
    for column, value in zip((11, 12, 14, 15, 17, 18), seconds, strict=True):
        total += digits[:, column] * np.int32(value)
    total *= 1000
    for column, value in zip(range(20, 20 + places), (100, 10, 1), strict=False):
        total += digits[:, column] * np.int32(value)
    return total


def _offset_ms(template: re.Match[str]) -> int:
    minutes = int(template[10] or 0) * 60 + int(template[11] or 0)
    return minutes * (-60_000 if template[9] == "-" else 60_000)


def _days(digits: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Days since the epoch, and where year, month and day exist; once where all are one day."""
    dates = digits[:, :10]
    if (dates == dates[0]).all():
        day, fits = _civil_days(dates[:1])
        return day, np.repeat(fits, len(digits))
    return _civil_days(dates)


def _civil_days(dates: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Howard Hinnant's days_from_civil: years start in March, so that a leap day ends its year."""
    digit = dates.astype(np.int64).T
    year = digit[0] * 1000 + digit[1] * 100 + digit[2] * 10 + digit[3]
    month, day = digit[5] * 10 + digit[6], digit[8] * 10 + digit[9]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    longest = lengths[np.minimum(month, 12)] + (leap & (month == 2))
    fits = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    year = year - (month <= 2)
    era, in_era = year // 400, year % 400
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + in_era * 365 + in_era // 4 - in_era // 100 + in_year - 719_468, fits
