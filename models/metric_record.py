"""The metric record: what a window or span of a model looked like, as other programs read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

SCHEMA: Final = "hindcast.metric/1"
LATEST: Final = "latest"
"""Stands in the key of a rolling span, which has one current record."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def key(model: str, model_version: str, segment: str, span: str, window_start_ms: int | None) -> bytes:
    """The key on the metrics topic; None as window start means a rolling span."""
    last = LATEST if window_start_ms is None else iso_ms(window_start_ms)
    return "|".join(map(escape, (model, model_version, segment, span, last))).encode()


def escape(part: str) -> str:
    """A part of a key with `%` and `|` percent-encoded, so that parts cannot run into each other."""
    return part.replace("%", "%25").replace("|", "%7C")


def unescape(part: str) -> str:
    """The inverse of `escape`."""
    return part.replace("%7C", "|").replace("%25", "%")


def encode(
    *,
    model: str,
    model_version: str,
    segment: str,
    task: str,
    window_start_ms: int,
    window_end_ms: int,
    span: str,
    revision: int,
    final: bool,
    emitted_at_ms: int,
    parts: Mapping[str, object],
) -> bytes:
    """The record as JSON; `parts` follow the head in their order, NaN becomes null (orjson)."""
    head = {
        "schema": SCHEMA,
        "model": model,
        "model_version": model_version,
        "segment": segment,
        "task": task,
        "window_start": iso_ms(window_start_ms),
        "window_end": iso_ms(window_end_ms),
        "span": span,
        "revision": revision,
        "final": final,
        "emitted_at": iso_ms(emitted_at_ms),
    }
    return orjson.dumps(head | dict(parts), option=orjson.OPT_SERIALIZE_NUMPY)


def iso_ms(time_ms: int) -> str:
    """`2026-11-21T10:00:00Z`; milliseconds are shown where they are not zero."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{time_ms % 1000:03d}Z" if time_ms % 1000 else f"{text}Z"


def ms_of_iso(text: str) -> int:
    """The inverse of `iso_ms`; raises ValueError.

    >>> ms_of_iso("1970-01-01T00:00:01.500Z")
    1500
    """
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
