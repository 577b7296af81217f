"""Records of either side of a comparison: their id, and their features by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from models.errors import DecodeError
from models.mapping import Path, Paths
from models.profile import id_bytes
from runtime.baseline_fields import maps
from runtime.settings import ModelSettings

Flat = Mapping[str, object]
"""A record's values by dotted path, without nulls and NaN."""
_PLANS_MAX: Final = 1_000
_FAULTS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Item(NamedTuple):
    """A record: its id, and features by name."""

    id: bytes
    features: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which paths of records with these very paths mean what. features: (name, path)."""

    id: str | None
    model: str | None
    features: tuple[tuple[str, str], ...]


class Reader:
    """Reads one side's records by the predictions' mapping; counts those that it cannot read, and other models'.

    Features are the keys of the object of features; on a side that has none, all fields without another meaning.
    """

    def __init__(self, name: str, model: ModelSettings, features: Sequence[str] | None, bytes_max: int) -> None:
        """features: the names of those to compare; None: all."""
        self.read = self.bad = self.others = 0
        self._name, self._chosen, self._bytes_max = name, features, bytes_max
        predictions, labels = maps(model)
        self._ids, self._models = _dotted(predictions["id"]), _dotted(predictions["model"])
        self._prefixes = [f"{path}." for path in _dotted(predictions["features"])]
        meanings = (*predictions.paths, *labels.paths)
        self._taken = {path for meaning, paths in meanings if meaning != "features" for path in _dotted(paths)}
        self._has_object = False
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def value(self, value: bytes | None) -> Item | None:
        """The item of a record's JSON; None if it is none or another model's."""
        if value is None or len(value) > self._bytes_max:
            self._refuse()
            return None
        try:
            return self.flat(dict(_flat(_decode(value))))
        except _FAULTS:
            self._refuse()
            return None

    def flat(self, record: Flat) -> Item | None:
        """The item of a record; None if it has no id or is another model's."""
        plan = self._plan(tuple(record))
        try:
            one = id_bytes(None if plan.id is None else record[plan.id])  # type: ignore[arg-type]  # it looks itself
        except DecodeError:
            self._refuse()
            return None
        self.read += 1
        if plan.model is not None and record[plan.model] != self._name:
            self.others += 1
            return None
        return Item(one, {name: record[path] for name, path in plan.features})

    def _refuse(self) -> None:
        self.read += 1
        self.bad += 1

    def _plan(self, paths: tuple[str, ...]) -> _Plan:
        known = self._plans.get(paths)
        if known is not None:
            return known
        if len(self._plans) >= _PLANS_MAX:
            self._plans.clear()
        found = _Plan(_first(self._ids, paths), _first(self._models, paths), tuple(self._features(paths)))
        self._plans[paths] = found
        return found

    def _features(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        prefix = next((prefix for prefix in self._prefixes if any(path.startswith(prefix) for path in paths)), None)
        if prefix is not None and not self._has_object:
            self._has_object = True
            self._plans.clear()  # what stands outside of the object has been taken for features
        inner = {path.removeprefix(prefix): path for path in paths if prefix and path.startswith(prefix)}
        if self._chosen is not None:
            for name in self._chosen:
                if name in inner or name in paths:
                    yield name, inner.get(name, name)
        elif self._has_object:
            yield from inner.items()
        else:
            yield from ((path, path) for path in paths if path not in self._taken)


def plain(cell: object) -> object:
    """A cell of a typed file as JSON would have it; None for NaN, which is how many programs write a null."""
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _flat(record: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        elif value is not None:
            yield above + key, value


def _dotted(paths: Paths) -> list[str]:
    return [_name(path) for path in paths]


def _name(path: Path) -> str:
    return ".".join(path)


def _first(names: Sequence[str], known: Sequence[str]) -> str | None:
    return next((name for name in names if name in known), None)
