"""A Protobuf message as a dictionary by its field names, as Protobuf's own JSON has it but for a few things.

Whole numbers stay numbers, times are numbers too, and fields keep the names of the .proto file. A field that does not
tell whether it was set (proto3 without `optional`) is always there: its zero is a value.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from models.timestamps import EARLIEST_MS

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

Fields = Callable[[Any], Any]
"""A message -> what its JSON would hold: of all but the well-known types a dictionary."""

_NS_IN_SECOND: Final = 1_000_000_000


def fields_of(descriptor: Descriptor, made: dict[str, Fields] | None = None) -> Fields:
    """How messages of this type are read; made: what is known of other types already."""
    made = {} if made is None else made
    name = descriptor.full_name
    if name in _SPECIAL:
        return _SPECIAL[name]
    if name in made:
        return partial(_by_name, made, name)  # where a type contains itself, it is not made yet
    made[name] = dict
    plain, converted, optional = [], [], []
    for field in descriptor.fields:
        convert = _conversion(field, made)
        if field.has_presence:
            optional.append((field.name, convert or _same))
        elif convert is None:
            plain.append(field.name)
        else:
            converted.append((field.name, convert))

    def fields(message: Any) -> dict[str, Any]:  # noqa: ANN401  # a class that was made while running
        found = {name: getattr(message, name) for name in plain}
        for name, convert in converted:
            found[name] = convert(getattr(message, name))
        for name, convert in optional:
            if message.HasField(name):
                found[name] = convert(getattr(message, name))
        return found

    made[name] = fields
    return fields


def _by_name(made: dict[str, Fields], name: str, message: Any) -> Any:  # noqa: ANN401  # see above
    return made[name](message)


def _same(value: Any) -> Any:  # noqa: ANN401  # a value of any type
    return value


def _conversion(field: FieldDescriptor, made: dict[str, Fields]) -> Fields | None:
    """What makes JSON of the field's value; None where it is JSON already."""
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        of_value = _conversion(message.fields_by_name["value"], made) or _same
        return lambda values: {_key(key): of_value(values[key]) for key in values}
    if message is not None:
        one: Fields | None = fields_of(message, made)
    else:
        one = None if field.enum_type is None else _named(field.enum_type)
    if not field.is_repeated:
        return one
    return list if one is None else lambda values: [one(value) for value in values]


def _named(enum: EnumDescriptor) -> Fields:
    names = {number: value.name for number, value in enum.values_by_number.items()}
    return lambda number: names.get(number, number)


def _key(key: str | int | bool) -> str:  # noqa: FBT001  # as Protobuf has it
    return str(key).lower() if isinstance(key, bool) else str(key)


def _timestamp(message: Any) -> int | str:  # noqa: ANN401  # as are all below
    """Nanoseconds since the epoch; as text where the size of the number would not tell the unit."""
    if message.seconds * 1000 >= EARLIEST_MS:
        return int(message.seconds * _NS_IN_SECOND + message.nanos)
    return "before the year 2000"


def _duration(message: Any) -> float:  # noqa: ANN401
    return float(message.seconds + message.nanos / _NS_IN_SECOND)


def _decimal(message: Any) -> Decimal:  # noqa: ANN401
    return Decimal(int.from_bytes(message.value, "big", signed=True)).scaleb(-message.scale)


def _wrapped(message: Any) -> Any:  # noqa: ANN401
    return message.value


def _struct(message: Any) -> dict[str, Any]:  # noqa: ANN401
    return {name: _value(message.fields[name]) for name in message.fields}


def _list(message: Any) -> list[Any]:  # noqa: ANN401
    return [_value(value) for value in message.values]


def _value(message: Any) -> Any:  # noqa: ANN401
    kind = message.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    found = getattr(message, kind)
    return _struct(found) if kind == "struct_value" else _list(found) if kind == "list_value" else found


_WRAPPERS: Final = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
_SPECIAL: Final[dict[str, Fields]] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list,
    "confluent.type.Decimal": _decimal,
    **{f"google.protobuf.{name}Value": _wrapped for name in _WRAPPERS},
}
"""Types that are not what their fields are."""
