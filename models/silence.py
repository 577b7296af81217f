"""A silence: alerts that match it are not notified while it lasts."""

from __future__ import annotations

import msgspec

Matchers = dict[str, list[str]]
"""Label -> the values that match; all labels named must match. A value may end in ``*``."""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Times in milliseconds since the epoch, [starts, ends); on the silences topic under its id."""

    silence_id: str
    match: Matchers
    starts_at_ms: int
    ends_at_ms: int
    reason: str = ""
    created_by: str = ""

    def active(self, now_ms: int) -> bool:
        """Whether it lasts at that time."""
        return self.starts_at_ms <= now_ms < self.ends_at_ms


def matches(match: Matchers, labels: dict[str, str]) -> bool:
    """Whether every label that is named has one of its values.

    >>> matches({"model": ["fraud"], "rule": ["drift-*"]}, {"model": "fraud", "rule": "drift-amount"})
    True
    >>> matches({"model": ["fraud"]}, {"model": "churn"})
    False
    """
    return all(any(_fits(value, labels.get(label, "")) for value in values) for label, values in match.items())


def _fits(value: str, label: str) -> bool:
    return label.startswith(value[:-1]) if value.endswith("*") else label == value


encode_silence = msgspec.json.Encoder().encode
"""Bytes of a silence; a record without a value ends it."""
decode_silence = msgspec.json.Decoder(Silence).decode
"""The inverse; raises msgspec.DecodeError (a ValueError)."""
