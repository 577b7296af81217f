"""A fast decoder for records of one shape, made while running.

A shape says which path each value was found at and what kind of value stood there. The decoder
is a msgspec struct with just these paths as typed fields. Soundness: a path of higher precedence
that was absent is declared with a type that nothing can decode into, so a record that does carry
it is refused; whatever is refused goes to the slow definition in `models.profile`. So this
decoder may refuse too much, and never reads a record differently.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Final, NamedTuple, cast

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from models.judge import UNREAD, Leaf, find_any
from models.mapping import Path
from models.observed import WATCHED
from models.profile import WATCHED_ROLES, Field, Profile, Role, Sight


class Place(NamedTuple):
    """Where a value was found (-1: nowhere, -2: nobody looked), the kind of value, and whether one of lower precedence
    stood there too.
    """

    at: int
    kind: str
    hides: bool = False


class Shape(NamedTuple):
    """What a specialised decoder is made for."""

    profile: Profile
    places: tuple[Place, ...]


Getter = Callable[[Struct], Leaf | UnsetType]

_Nothing = Annotated[int, Meta(ge=1, le=0)]
"""No value is at least one and at most zero."""

_TYPES: Final[dict[tuple[Role, str], object]] = {
    ("id", "str"): Annotated[str, Meta(min_length=1)],
    ("id", "int"): Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)],
    ("time", "str"): str,
    ("time", "number"): int | float,
    ("score", "number"): float,
    ("class", "number"): int | bool,
    ("word", "str"): str,
    ("value", "number"): float,
    ("name", "number"): int | float,
    ("name", "str"): str,
    ("name", "bool"): bool,
    ("scores", "scores"): dict[str, float],
    ("shares", "scores"): dict[str, float],
    ("model", "str"): str,
    ("text", "str"): str,
    ("text", "int"): int,
    ("text", "bool"): bool,
    ("watched", "any"): WATCHED,
    ("vector", "any"): Raw,
}
_NUMBERS: Final[dict[Role, set[str]]] = {
    "time": {"int", "float"},
    "score": {"int", "float"},
    "value": {"int", "float"},
    "name": {"int", "float"},
    "class": {"int", "bool"},
}
_NULL_AS: Final[dict[Role, str]] = {"class": "number", "word": "str", "value": "number", "name": "str"}
"""Labels with a truth and withdrawn ones have one shape."""


_OPTIONAL: Final = frozenset({"text", *WATCHED_ROLES})
_SHARED: Final = (str | None, bool | None)
"""A text that is watched, too, is decoded as these: both mean the same value."""


@dataclass(frozen=True, slots=True)
class Specialised:
    """Decodes records of one shape; an attribute, and a getter, per value (None: the shape has no such value)."""

    shape: Shape
    decode: Callable[[bytes], Struct]
    attributes: tuple[str | None, ...]
    getters: tuple[Getter | None, ...]
    brackets_least: int
    """Opening brackets that every record of this shape has."""

    def columns(self, structs: Sequence[Struct], wanted: slice) -> Iterator[list[Leaf | UnsetType]]:
        """The values of these fields, one list each; an object that several of them are in is fetched once."""
        holders: dict[str, Sequence[object]] = {"": structs}
        for attribute in self.attributes[wanted]:
            if attribute is None:
                yield [UNSET] * len(structs)
                continue
            above, _, name = attribute.rpartition(".")
            if above not in holders:
                holders[above] = list(map(attrgetter(above), structs))
            yield list(map(attrgetter(name), holders[above]))


def shape_of(profile: Profile, found: Iterable[Sight], fields: Mapping[str, Raw]) -> Shape:
    """The shape of the record with these fields, in which this was found."""
    places = [
        _place(profile, one, seen)._replace(hides=_hides(one, seen[0], fields))
        for one, seen in zip(profile.fields, found, strict=True)
    ]
    return Shape(profile, tuple(_beside_others(profile, places)))


def _hides(field: Field, at: int, fields: Mapping[str, Raw]) -> bool:
    """Whether what stands at a path keeps another value from being read, where there need not be any."""
    if at < 0 or field.role not in _OPTIONAL:
        return False
    return find_any(cast("dict[str, Raw]", fields), field.paths[at + 1 :])[0] >= 0


def _beside_others(profile: Profile, places: list[Place]) -> list[Place]:
    """A watched value that this record lacks is awaited in the first object that has another one, so that gaps make
    no new shapes.
    """
    watched = [(one, place) for one, place in zip(profile.fields, places, strict=True) if one.role in WATCHED_ROLES]
    holders = {field.paths[place.at][:-1] for field, place in watched if place.at >= 0}
    return [
        _awaited(field, holders) if field.role in WATCHED_ROLES and place.at < 0 else place
        for field, place in zip(profile.fields, places, strict=True)
    ]


def _awaited(field: Field, holders: Collection[Path]) -> Place:
    at = next((at for at, path in enumerate(field.paths) if path[:-1] in holders), -1)
    return Place(at, "any" if at >= 0 else "absent")


def specialise(shape: Shape) -> Specialised | None:
    """A decoder for the shape; None if two values compete for a path or nothing fits the kind."""
    tree = _Node()
    chosen: list[Path | None] = []
    try:
        for field, place in zip(shape.profile.fields, shape.places, strict=True):
            chosen.append(_declare(tree, shape.profile, field, place))
    except (KeyError, ValueError):
        return None
    attributes: dict[Path, str] = {}
    struct = tree.struct("", (), attributes)
    names = tuple(attributes[path] if path else None for path in chosen)
    getters = tuple(attrgetter(name) if name else None for name in names)
    return Specialised(shape, msgspec.json.Decoder(struct).decode, names, getters, tree.brackets())


def _place(profile: Profile, field: Field, found: Sight) -> Place:
    at, value = found
    if field.role in WATCHED_ROLES:
        return Place(at, "any" if at >= 0 else "absent")
    kind = "null" if value is None else type(value).__name__
    if at < 0:
        return Place(at, "absent")
    if kind == "null":
        if field.role == "text":
            kind = "str"
        elif profile.kind == "labels":
            kind = _NULL_AS.get(field.role, kind)
    elif field.role == "scores" or (field.role == "shares" and isinstance(value, dict)):
        kind = "scores"
    elif kind in _NUMBERS.get(field.role, ()):
        kind = "number"
    return Place(at, kind)


def _declare(tree: _Node, profile: Profile, field: Field, place: Place) -> Path | None:
    """Put the field into the tree; the path that carries its value."""
    if place.at == UNREAD[0]:
        return None
    above = field.paths if place.at < 0 else field.paths[: place.at]
    for path in above:
        tree.leaf(path, _Nothing, required=False)
    if place.at < 0:
        return None
    path = field.paths[place.at]
    if place.kind == "null":
        tree.leaf(path, None, required=True)
        return None
    wanted = _TYPES[field.role, place.kind]
    if field.role in _OPTIONAL and wanted is not Raw:  # that is null, too
        wanted = wanted | None  # type: ignore[operator]
    if field.role in _OPTIONAL and place.hides:  # then it must be there, and the others do not matter
        tree.leaf(path, wanted, required=True)
    elif field.role in _OPTIONAL:
        tree.leaf(path, wanted, required=False)
        tree.hold(path)
        for lower in field.paths[place.at + 1 :]:
            tree.leaf(lower, _Nothing, required=False)
    elif field.role in _NULL_AS and profile.kind == "labels":
        tree.leaf(path, wanted | None, required=True)  # type: ignore[operator]
    else:
        tree.leaf(path, wanted, required=True)
    return path


def _both(one: object, other: object) -> object:
    """The type that two values at the same path have. Raises ValueError if they cannot share one."""
    if one == other:
        return one
    for narrow, wide in ((one, other), (other, one)):
        if narrow == _Nothing or (narrow in _SHARED and wide == WATCHED):
            return narrow
    raise ValueError(other)


class _Node:
    """Declared fields of one object level."""

    def __init__(self) -> None:
        self.leaves: dict[str, tuple[object, bool]] = {}
        self.children: dict[str, _Node] = {}
        self.held = False

    def hold(self, path: Path) -> None:
        """Make the objects above an optional value required: its getter goes through them."""
        node = self
        for key in path[:-1]:
            node = node.children[key]
            node.held = True

    def leaf(self, path: Path, wanted: object, *, required: bool) -> None:
        """Declare a value. Raises ValueError where another declaration contradicts it."""
        key, *rest = path
        if rest:
            if key in self.leaves:
                raise ValueError(key)
            self.children.setdefault(key, _Node()).leaf(tuple(rest), wanted, required=required)
        elif key in self.children:
            raise ValueError(key)
        else:
            known, was_required = self.leaves.get(key, (wanted, required))
            both = _both(known, wanted)
            if both == _Nothing and (required or was_required):
                raise ValueError(key)
            self.leaves[key] = both, required or was_required

    @property
    def required(self) -> bool:
        below = any(child.required for child in self.children.values())
        return self.held or below or any(required for _, required in self.leaves.values())

    def brackets(self) -> int:
        objects = sum(wanted == _TYPES["scores", "scores"] for wanted, _ in self.leaves.values())
        return 1 + objects + sum(child.brackets() for child in self.children.values() if child.required)

    def struct(self, prefix: str, above: Path, attributes: dict[Path, str]) -> type[Struct]:
        """The struct of this level; notes the dotted attribute of every path in `attributes`."""
        fields: list[tuple[str, object] | tuple[str, object, object]] = []
        optional: list[tuple[str, object, object]] = []
        rename: dict[str, str] = {}
        for key, (wanted, required) in self.leaves.items():
            name = f"v{len(rename)}"
            rename[name] = key
            attributes[(*above, key)] = prefix + name
            if required:
                fields.append((name, wanted))
            else:
                optional.append((name, wanted | UnsetType, UNSET))
        for key, child in self.children.items():
            name = f"v{len(rename)}"
            rename[name] = key
            nested = child.struct(f"{prefix}{name}.", (*above, key), attributes)
            if child.required:
                fields.append((name, nested))
            else:
                optional.append((name, nested | UnsetType, UNSET))
        return msgspec.defstruct("Seen", [*fields, *optional], rename=rename, gc=False)
