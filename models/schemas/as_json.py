"""A decoded record as JSON text, as its producer would have written it.

Decimals are numbers, bytes are base64, and a number that is not finite is one that no double holds: JSON has no NaN,
and the decoder knows what to do with a number that is too large.
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
from msgspec import Raw

from models.errors import DecodeError

_NOT_FINITE: Final = Raw(b"1e999")
_encode = msgspec.json.Encoder(decimal_format="number").encode


def as_json(record: dict[str, Any]) -> bytes:
    """The record as JSON text, UTF-8. Raises DecodeError for one that is nested too deep."""
    try:
        text = _encode(record)
        # The encoder writes null for what is not finite, and null is seldom: only then it is looked for.
        return _encode(_finite(record)) if b"null" in text else text
    except RecursionError:
        raise DecodeError("depth", "nested deeper than can be read") from None


def _finite(value: Any) -> Any:  # noqa: ANN401  # any value of a record
    if isinstance(value, float):
        return value if math.isfinite(value) else _NOT_FINITE
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return value
