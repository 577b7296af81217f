"""Pydantic's findings in our words: key paths, suggestions, and never a secret's value."""

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runtime.settings.problem import KeyPath, Problem
from runtime.settings.secrets import is_secret_key
from runtime.settings.suggest import suggestion

_EXACT: Final = (
    "not a setting: Hindcast counts exactly by its own write-ahead log and commits by itself, "
    "so Kafka's guarantees and offsets are not for choosing"
)
_REFUSED: Final = dict.fromkeys(
    (
        "processing_guarantee", "exactly_once", "enable_auto_commit", "auto_offset_reset",
        "consumer_auto_offset_reset", "isolation_level", "acks", "producer_acks", "broker_commit_interval",
    ),
    _EXACT,
)  # fmt: skip
_WORDS: Final = {
    "missing": "is needed",
    "invalid_key": "a key must be text (put it in quotes)",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "string_type": "must be text (put it in quotes)",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "string_too_short": "may not be empty",
    "dict_too_short": "at least one entry is needed",
    "too_short": "at least one entry is needed",
}
_ECHO_MAX: Final = 60
_NEVER_ECHOED: Final = {"missing", "model_type", "dict_type"}
"""What stands in a section's place may be its secret: `slack: https://…`."""


def explain(error: ValidationError, root: type[BaseModel], unspoken: frozenset[KeyPath]) -> list[Problem]:
    """One problem a finding. Values at ``unspoken`` paths come from the environment: not shown."""
    found = {p.path: p for p in (_problem(detail, root, unspoken) for detail in reversed(error.errors()))}
    return list(reversed(found.values()))


def _problem(detail: ErrorDetails, root: type[BaseModel], unspoken: frozenset[KeyPath]) -> Problem:
    path = _clean(root, detail["loc"])
    if detail["type"] == "extra_forbidden":
        return Problem(path, _unknown(str(path[-1]), _keys_at(root, path[:-1])))
    if detail["loc"] and detail["loc"][-1] == "[key]" and detail["type"] == "literal_error":
        key, known = str(path[-1]), _expected(detail)
        return Problem(path, "unknown key" + (suggestion(key, known) or f", there are {', '.join(known)}"))
    return Problem(path, _words(detail) + _echo(detail, path, unspoken))


def _words(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "literal_error":
        options = _expected(detail)
        return f"must be one of {', '.join(options)}{suggestion(str(detail['input']), options)}"
    text = _WORDS.get(detail["type"], detail["msg"].removeprefix("Input "))
    return text.replace("should be", "must be")


def _echo(detail: ErrorDetails, path: KeyPath, unspoken: frozenset[KeyPath]) -> str:
    value = detail["input"]
    secret = path in unspoken or any(is_secret_key(part) for part in path)
    if secret or detail["type"] in _NEVER_ECHOED or not isinstance(value, str | int | float | bool):
        return ""
    text = repr(value)
    return f" (got {text if len(text) <= _ECHO_MAX else text[:_ECHO_MAX] + '…'})"


def _expected(detail: ErrorDetails) -> list[str]:
    return str(detail.get("ctx", {}).get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")


def _unknown(key: str, known: Iterable[str]) -> str:
    if key in _REFUSED:
        return _REFUSED[key]
    return f"unknown key{suggestion(key, list(known))}"


def _keys_at(root: type[BaseModel], path: KeyPath) -> list[str]:
    section = _type_at(root, path)
    if not (isinstance(section, type) and issubclass(section, BaseModel)):
        return []
    return [field.alias or name for name, field in section.model_fields.items()]


def _type_at(root: object, path: KeyPath) -> object:
    at = root
    for part in path:
        at = _step(at, part)
    return at


def _step(at: object, part: str | int) -> object:
    if isinstance(at, type) and issubclass(at, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in at.model_fields.items()}
        return _given(fields.get(str(part)))
    return _given(get_args(at)[-1]) if get_origin(at) in {dict, list} else None


def _given(kind: object) -> object:
    """What an optional value is when it is there."""
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    kinds = [one for one in get_args(kind) if one is not NoneType]
    return kinds[0] if len(kinds) == 1 else None


def _clean(root: type[BaseModel], loc: tuple[str | int, ...]) -> KeyPath:
    """The part of pydantic's location that stands in the file (no union branches, no ``[key]``)."""
    path: list[str | int] = []
    at: object = root
    for part in loc:
        if at is None or part == "[key]":
            break
        path.append(part)
        at = _step(at, part)
    return tuple(path)
