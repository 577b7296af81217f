"""Avro schemas by which a few bytes can do harm: fastavro reads without a limit of depth or of the length of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.schemas.registered import unusable

Names = Mapping[str, Any]
"""Every named type with its full name, as fastavro keeps it."""


def check_bounded(names: Names) -> None:
    """Refuse types that contain themselves (a deep record overflows the stack) and arrays of values that take no bytes
    (a length alone fills the memory). Raises DecodeError `schema_unusable`.
    """
    known: dict[str, bool] = {}
    for name in names:
        _may_be_empty(name, names, known, frozenset())


def _may_be_empty(node: Any, names: Names, known: dict[str, bool], within: frozenset[str]) -> bool:  # noqa: ANN401  # any JSON
    """Whether a value of this type may take no bytes. within: the named types that it stands in."""
    if isinstance(node, str) and node in names:
        if node in within:
            raise unusable("an Avro type that contains itself")
        if node not in known:
            known[node] = _may_be_empty(names[node], names, known, within | {node})
        return known[node]
    if isinstance(node, str):
        return node == "null"
    if isinstance(node, list):  # a union begins with the number of its branch
        for branch in node:
            _may_be_empty(branch, names, known, within)
        return False
    return _complex(node, names, known, within)


def _complex(node: Mapping[str, Any], names: Names, known: dict[str, bool], within: frozenset[str]) -> bool:
    match node["type"]:
        case "record":
            empty = [_may_be_empty(field["type"], names, known, within) for field in node["fields"]]
            return all(empty)
        case "array":
            if _may_be_empty(node["items"], names, known, within):
                raise unusable("an Avro array of values that take no bytes")
            return False
        case "map":
            _may_be_empty(node["values"], names, known, within)
            return False
        case "fixed":
            return bool(node["size"] == 0)
        case "enum":
            return False
        case inner:
            return _may_be_empty(inner, names, known, within)
