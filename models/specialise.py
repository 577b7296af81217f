"""A fast decoder for records of one shape, made while running.

A shape says which path each value was found at and what kind of value stood there. The decoder
is a msgspec struct with just these paths as typed fields. Soundness: a path of higher precedence
that was absent is declared with a type that nothing can decode into, so a record that does carry
it is refused; whatever is refused goes to the slow definition in `models.profile`. So this
decoder may refuse too much, and never reads a record differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models.judge import UNREAD, Leaf
from models.mapping import Path
from models.observed import WATCHED, Seen
from models.profile import Field, Profile, Role


class Place(NamedTuple):
    """Where a value was found (-1: nowhere, -2: nobody looked) and the kind of value."""

    at: int
    kind: str


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
    ("model", "str"): str,
    ("text", "str"): str,
    ("text", "int"): int,
    ("text", "bool"): bool,
    ("watched", "any"): WATCHED,
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


@dataclass(frozen=True, slots=True)
class Specialised:
    """Decodes records of one shape; a getter per value (None: the shape has no such value)."""

    shape: Shape
    decode: Callable[[bytes], Struct]
    getters: tuple[Getter | None, ...]
    brackets_least: int
    """Opening brackets that every record of this shape has."""


def shape_of(profile: Profile, found: Iterable[Seen]) -> Shape:
    """The shape of a record in which this was found."""
    places = [_place(profile, one, f) for one, f in zip(profile.fields, found, strict=True)]
    return Shape(profile, tuple(_beside_others(profile, places)))


def _beside_others(profile: Profile, places: list[Place]) -> list[Place]:
    """A watched value that this record lacks is awaited where most others stand, so that gaps make no new shapes."""
    there = Counter(p.at for f, p in zip(profile.fields, places, strict=True) if f.role == "watched" and p.at >= 0)
    if not there:
        return places
    usual = Place(there.most_common(1)[0][0], "any")
    lacks = [
        f.role == "watched" and p.at < 0 and usual.at < len(f.paths)
        for f, p in zip(profile.fields, places, strict=True)
    ]
    return [usual if lack else place for lack, place in zip(lacks, places, strict=True)]


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
    getters = tuple(attrgetter(attributes[path]) if path else None for path in chosen)
    return Specialised(shape, msgspec.json.Decoder(struct).decode, getters, tree.brackets())


def _place(profile: Profile, field: Field, found: Seen) -> Place:
    at, value = found
    if field.role == "watched":
        return Place(at, "any" if at >= 0 else "absent")
    kind = "null" if value is None else type(value).__name__
    if at < 0:
        return Place(at, "absent")
    if kind == "null":
        if field.role == "text":
            kind = "str"
        elif profile.kind == "labels":
            kind = _NULL_AS.get(field.role, kind)
    elif field.role == "scores":
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
    if field.role in {"text", "watched"}:
        tree.leaf(path, wanted | None, required=False)  # type: ignore[operator]
        tree.hold(path)
        for lower in field.paths[place.at + 1 :]:
            tree.leaf(lower, _Nothing, required=False)
    elif field.role in _NULL_AS and profile.kind == "labels":
        tree.leaf(path, wanted | None, required=True)  # type: ignore[operator]
    else:
        tree.leaf(path, wanted, required=True)
    return path


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
        elif key in self.children or self.leaves.setdefault(key, (wanted, required)) != (wanted, required):
            raise ValueError(key)

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
