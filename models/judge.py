"""One record at a time: the definition of what a record says and of every way it can be bad.

`models.codec` reads chunks much faster with decoders made for the shapes that were seen, and
asks here about every record that such a decoder refuses. Values are read from JSON as strictly
as msgspec reads it: NaN, lone surrogates and trailing text are errors, the last of equal keys
counts, and fields without a meaning are ignored, whatever number stands there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import numpy as np
from msgspec import UNSET, Raw

from models.errors import DecodeError
from models.mapping import Path, Paths
from models.observed import MISMATCHED, WATCHED, Seen, Value

DEPTH_MAX: Final = 64
ID_BYTES_MAX: Final = 256
TEXT_CHARS_MAX: Final = 200
_SHORT_BYTES: Final = 4_096
_PIECE_BYTES: Final = 1 << 18
"""What is looked at together, so that it stays in the processor's cache."""
_BRACES_FROM_BRACKETS: Final = np.uint8(ord("[") ^ ord("{"))
"""The one bit in which the two opening brackets differ."""

Leaf = str | int | float | bool | None


class Record(Protocol):
    """What a consumed record is read by; `timestamp` is Kafka's, in ms."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


Found = tuple[int, Leaf]
"""The index of the first of some paths that is present (-1: none is) and the value there."""

ABSENT: Final[Found] = (-1, None)
UNREAD: Final[Found] = (-2, None)
"""Nobody looked: the record says the same elsewhere."""

_read_object = msgspec.json.Decoder(dict[str, Raw]).decode
_read_leaf = msgspec.json.Decoder(Leaf).decode
_read_scores = msgspec.json.Decoder(dict[str, float] | None).decode
_read_watched: Callable[[Raw], Value] = msgspec.json.Decoder(WATCHED).decode
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_NOT_A_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*+"|(-?(?:NaN|Infinity|inf\b|nan\b))', re.DOTALL)


def open_record(value: bytes | None, record_bytes_max: int) -> dict[str, Raw]:
    """The fields of a record, unread. Raises DecodeError for what is no readable object."""
    if value is None:
        raise DecodeError("tombstone", "a record without a value")
    if len(value) > record_bytes_max:
        raise DecodeError("too_large", f"{len(value)} bytes, at most {record_bytes_max} are read")
    if not value.strip():
        raise DecodeError("empty", "a value of no bytes or blanks only")
    _check_encoding(value)
    if openings(value) > DEPTH_MAX and _depth(value) > DEPTH_MAX:
        raise DecodeError("depth", f"nested deeper than {DEPTH_MAX}")
    try:
        return _read_object(value)
    except msgspec.ValidationError:
        raise DecodeError("type", "a record is a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed(value) from None
    except RecursionError:
        raise DecodeError("depth", "nested deeper than can be read") from None


def openings(value: bytes) -> int:
    """Opening brackets, also those in strings: never less than the depth."""
    if len(value) < _SHORT_BYTES:
        return value.count(b"{") + value.count(b"[")
    every = np.frombuffer(value, np.uint8)
    pieces = (every[at : at + _PIECE_BYTES] | _BRACES_FROM_BRACKETS for at in range(0, len(every), _PIECE_BYTES))
    return sum(int(np.count_nonzero(piece == ord("{"))) for piece in pieces)


def leaf(raw: Raw, meaning: str) -> Leaf:
    """The one value that stands there. Raises DecodeError if it is no single value."""
    try:
        value: Leaf = _read_leaf(raw)
        return value
    except msgspec.ValidationError as error:
        raise _unreadable(error, meaning, "an array or object where one value is expected") from None


def scores(raw: Raw, meaning: str) -> dict[str, float] | None:
    """An object of numbers by class. Raises DecodeError if it is anything else but null."""
    try:
        found: dict[str, float] | None = _read_scores(raw)
        return found
    except msgspec.ValidationError as error:
        raise _unreadable(error, meaning, "an object of numbers is expected") from None


def find(fields: dict[str, Raw], paths: Paths, meaning: str, read: Callable[[Raw, str], Leaf] = leaf) -> Found:
    """What `read` makes of the value at the first path that is present; it may raise DecodeError."""
    at, raw = locate(fields, paths)
    return ABSENT if raw is None else (at, read(raw, meaning))


def find_any(fields: dict[str, Raw], paths: Paths) -> Seen:
    """As `find` for a value that is only watched: numbers as floats, infinite where a double ends."""
    at, raw = locate(fields, paths)
    if raw is None:
        return -1, UNSET
    try:
        return at, _read_watched(raw)
    except msgspec.ValidationError as error:
        return at, math.inf if "out of range" in str(error) else MISMATCHED


def find_unread(fields: dict[str, Raw], paths: Paths) -> Seen:
    """As `find_any`, but whatever stands there is not looked at."""
    at, raw = locate(fields, paths)
    return at, UNSET if raw is None else raw


def find_scores(fields: dict[str, Raw], paths: Paths) -> tuple[int, Value | dict[str, float]]:
    """As `find_any` for an object of numbers by class."""
    at, raw = locate(fields, paths)
    if raw is None:
        return -1, UNSET
    try:
        return at, scores(raw, "scores")
    except DecodeError:
        return at, MISMATCHED


def locate(fields: dict[str, Raw], paths: Paths) -> tuple[int, Raw | None]:
    """The index of the first path that is present (-1: none is) and what stands there, unread."""
    for at, path in enumerate(paths):
        raw = fields.get(path[0])
        if raw is not None and len(path) > 1:
            raw = _below(raw, path)
        if raw is not None:
            return at, raw
    return -1, None


def _below(raw: Raw, path: Path) -> Raw | None:
    """The value at the rest of the path; None where it leads through something else than objects."""
    inner: Raw | None = raw
    for key in path[1:]:
        if inner is None or not bytes(inner).lstrip().startswith(b"{"):
            return None
        inner = _read_object(inner).get(key)
    return inner


def _unreadable(error: msgspec.ValidationError, meaning: str, expected: str) -> DecodeError:
    if "Integer" in str(error):
        return DecodeError("out_of_range", f"{meaning}: an integer of too many digits")
    if "out of range" in str(error):
        return DecodeError("non_finite", f"{meaning}: a number beyond what a double holds")
    return DecodeError("type", f"{meaning}: {expected}")


def cut(value: str) -> str:
    """The first TEXT_CHARS_MAX characters."""
    return value[:TEXT_CHARS_MAX]


def _check_encoding(value: bytes) -> None:
    if value.startswith(b"\xef\xbb\xbf"):
        raise DecodeError("encoding", "starts with a byte order mark")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            raise DecodeError("encoding", "not UTF-8") from None


def _has_lone_surrogate(value: bytes) -> bool:
    awaited_at = -1  # where the low half must follow
    for escape in _ESCAPE.finditer(value):
        unit = int(escape[1], 16) if escape[1] else 0
        low = 0xDC00 <= unit <= 0xDFFF
        if low != (awaited_at == escape.start()) or (awaited_at >= 0 and not low):
            return True
        awaited_at = escape.end() if 0xD800 <= unit <= 0xDBFF else -1
    return awaited_at >= 0


def _depth(value: bytes) -> int:
    depth = deepest = 0
    for token in _STRING_OR_BRACKET.finditer(value):
        first = value[token.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _malformed(value: bytes) -> DecodeError:
    if b"\\u" in value and _has_lone_surrogate(value):
        return DecodeError("encoding", "half of a surrogate pair")
    if b"a" in value or b"n" in value:
        for token in _NOT_A_NUMBER.finditer(value):
            if token[1]:
                return DecodeError("non_finite", "NaN or Infinity is not a JSON number")
    return DecodeError("json", "malformed JSON")
