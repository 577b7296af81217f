"""What is watched of a model's predictions besides score and class, packed into fixed bytes a record."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from metrics.coding import categorical_codes, numeric_codes
from metrics.packed_embedding import pack as pack_embeddings
from metrics.packed_embedding import packed_type
from metrics.reference import Feature, Numeric
from metrics.resources import steps
from metrics.window_layout import Part
from models.mapping import Paths
from models.observed import Packed, Seen, Value

OK, ERROR = 1, 2
"""Codes of the serving status; 0 is unknown."""
_SUCCESS: Final = frozenset({"success", "ok"})
OWN_FIELDS: Final = ("latency_ms", "status", "error_type")
LATENCY_US_MAX: Final = 2**32 - 2
_ERROR_CHARS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Observation:
    """n counted predictions: score f8[n] (NaN: none), what was predicted (as the task has it, [n]), what the observer
    packed of each, and whether the prediction was made, bool[n]: a record that tells of an error may have none.
    """

    score: NDArray[np.float64]
    predicted: NDArray[Any]
    seen: NDArray[Any]
    made: NDArray[np.bool_]

    def take(self, mask: NDArray[np.bool_]) -> Observation:
        """Some of them."""
        return Observation(self.score[mask], self.predicted[mask], self.seen[mask], self.made[mask])


class Watching(Part, Protocol):
    """A part of a window that needs no labels."""

    def observe(
        self, observation: Observation, slot: NDArray[np.int64], slots: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Count n predictions into windows: head i8[slots, head_columns], cells i4[slots, cells]. slot i8[n]."""


@dataclass(frozen=True, eq=False)
class ModelObserver:
    """Packs latency, status, resources and features; implements `models.observed.Observer`.

    paths: where the values of `OWN_FIELDS` may stand, then those of the resources, then those of the features, in their
    order, then the embedding if it has a dimension. Zeros mean that nothing was there. containers: where the object of
    features may stand, if names in it that are no features of the reference are noted.
    """

    paths: tuple[Paths, ...]
    features: tuple[tuple[str, Feature], ...] = ()
    resources: tuple[str, ...] = ()
    containers: Paths = ()
    dimension: int = 0

    @cached_property
    def name(self) -> str:
        """A checksum of what features are compared with, and of the resources; the dimension of embeddings."""
        checksum = f"{zlib.crc32(msgspec.msgpack.encode((self.features, self.resources))):08x}"
        return f"{checksum}/{self.dimension}" if self.dimension else checksum

    @cached_property
    def known(self) -> frozenset[str]:
        """The features' names; of a dotted one, what it begins with."""
        return frozenset(name.partition(".")[0] for name, _ in self.features)

    @cached_property
    def fields(self) -> tuple[tuple[str, Paths], ...]:
        """What is read from a record."""
        features = (name for name, _ in self.features)
        names = (*OWN_FIELDS, *self.resources, *features, *["embedding"] * self.vectors)
        return tuple(zip(names, self.paths, strict=True))

    @property
    def vectors(self) -> int:
        """How many of the fields, the last ones, are arrays of numbers."""
        return int(self.dimension > 0)

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        """Codes u1[F], z f4[numeric features], latency_us u4 (one more than it is; 0 none), status u1, and where
        there are any resources u4[R] (one more than the steps of each; 0 none).
        """
        numeric = sum(isinstance(feature, Numeric) for _, feature in self.features)
        shape = [
            ("codes", "u1", (len(self.features),)),
            ("z", "<f4", (numeric,)),
            ("latency_us", "<u4"),
            ("status", "u1"),
        ]
        told = [("resources", "<u4", (len(self.resources),))] if self.resources else []
        return np.dtype([*shape, *told, *(packed_type(self.dimension) if self.dimension else [])])

    @property
    def itemsize(self) -> int:
        """Bytes of one record's packed values."""
        return self.dtype.itemsize

    def has_failed(self, seen: Sequence[Seen]) -> bool:
        """Whether the status says so, or an error type without a status does."""
        (_, _), (_, status), (_, error) = seen[: len(OWN_FIELDS)]
        return _status(status, error) == ERROR

    def pack(self, columns: Sequence[Sequence[Value]], places: Sequence[int]) -> Packed:
        """Codes and z of the features, latency, status, resources and embedding of n records, V[n]."""
        latency, status, error, *others = columns
        first, end = len(self.resources), len(self.resources) + len(self.features)
        features, embeddings = others[first:end], others[end:]
        packed = np.zeros(len(latency), self.dtype)
        if places[0] >= 0:
            packed["latency_us"] = _latency_us(latency, 1e6 if self._is_seconds(places[0]) else 1e3)
        errors: dict[int, str] = {}
        if places[1] >= 0 or places[2] >= 0:
            packed["status"] = _statuses(status, error)
            failed = np.flatnonzero(packed["status"] == ERROR).tolist()
            errors = {at: _error_name(error[at]) for at in failed}
        for i, name in enumerate(self.resources):
            packed["resources"][:, i] = steps(name, others[i])
        numbers = 0
        for i, ((_, feature), values) in enumerate(zip(self.features, features, strict=True)):
            if isinstance(feature, Numeric):
                packed["codes"][:, i], packed["z"][:, numbers] = numeric_codes(feature, values)
                numbers += 1
            else:
                packed["codes"][:, i] = categorical_codes(feature, values)
        for vectors in embeddings:
            packed["embedding_state"], packed["embedding"] = pack_embeddings(vectors, self.dimension)
        return Packed(packed.view(f"V{self.itemsize}"), errors)

    def unpack(self, packed: NDArray[np.void] | None, at: NDArray[np.int64]) -> NDArray[Any]:
        """The records at these positions, of `dtype`; as if nothing had been there where nothing was packed."""
        return np.zeros(len(at), self.dtype) if packed is None else packed[at].view(self.dtype)

    def _is_seconds(self, place: int) -> bool:
        return self.paths[0][place][-1].endswith("_seconds")


def latency_us(seen: NDArray[Any]) -> NDArray[np.int64]:
    """Microseconds of each record's serving, i8[n], of what an observer packed; -1 where nobody told."""
    return seen["latency_us"].astype(np.int64) - 1


def _status(status: Value, error: Value) -> int:
    if isinstance(status, str):
        return OK if status.lower() in _SUCCESS else ERROR
    return ERROR if isinstance(error, str) and error else 0


def _statuses(status: Sequence[Value], error: Sequence[Value]) -> NDArray[np.uint8]:
    code = {pair: _status(*pair) for pair in set(zip(status, error, strict=True))}
    return np.fromiter(map(code.__getitem__, zip(status, error, strict=True)), np.uint8, len(status))


def _error_name(error: Value) -> str:
    return error[:_ERROR_CHARS_MAX] if isinstance(error, str) and error else "unknown"


def _latency_us(values: Sequence[Value], scale: float) -> NDArray[np.uint32]:
    """Whole microseconds and one more; 0 for what is no number of at least 0."""
    numbers = np.array([v if type(v) is float else np.nan for v in values], np.float64) * scale
    known = numbers >= 0
    return np.where(known, np.minimum(np.rint(np.where(known, numbers, 0)), LATENCY_US_MAX) + 1, 0).astype(np.uint32)
