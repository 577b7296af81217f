"""Their field names -> ours: which paths of a record may carry a meaning, first one first.

The defaults read the canonical names and the well-known fraud example. A configured field
replaces the defaults of its meaning by one dotted path (`payload.score`). The first path that
is present in a record counts, also when its value is null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from models.batch import Kind
from models.errors import ConfigError
from models.outcome import Task

if TYPE_CHECKING:
    from models.carried import Carrier
    from models.observed import Observer

Path = tuple[str, ...]
"""Keys from the top level of a record down to a value."""

Paths = tuple[Path, ...]
"""Where a value may stand, highest precedence first."""

RESOURCES: Final = (
    "active_requests", "queue_depth", "model_load_seconds", "cpu_ratio", "memory_bytes", "disk_ratio", "gpu_ratio",
)  # fmt: skip
"""What serving a prediction needed; only read where it is configured."""

_ID: Final = ("prediction_id", "transaction_id", "request_id", "id")

NAMES: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "predictions": {
            "id": _ID,
            "model": ("model",),
            "version": ("model_version", "version"),
            "event_time": ("event_time", "timestamp"),
            "score": ("score", "predicted_fraud_score", "confidence", "probability"),
            "prediction": ("prediction", "predicted_fraud", "predicted"),
            "scores": ("scores",),
            "features": ("features", "input"),
            "embedding": ("embedding",),
            "latency_ms": ("latency_ms", "latency_seconds"),
            "status": ("status",),
            "error_type": ("error_type",),
            "value": ("value", "revenue"),
            **{name: (f"resources.{name}",) for name in RESOURCES},
        },
        "labels": {
            "id": _ID,
            "actual": ("actual", "actual_fraud", "label", "ground_truth"),
            "label_time": ("label_time", "timestamp"),
        },
    }
)
"""Meaning -> names (dotted paths) read by default, for each kind of topic."""


@dataclass(frozen=True, slots=True)
class ModelFields:
    """How one monitored model's records are read; `name` "*" stands for every model named there.

    `threshold` and `positive_class` are of the binary task: the former decides where a record
    has a score and no prediction. `out_of_orderness_ms` belongs to the watermark and does not change what is decoded.
    `observer`: what is watched besides; `carrier`: what is kept until the label comes.
    """

    name: str
    kind: Kind
    fields: Mapping[str, str] = field(default_factory=dict)
    segments: tuple[str, ...] = ()
    positive_class: int | str | bool = 1
    threshold: float = 0.5
    out_of_orderness_ms: int = 30_000
    observer: Observer | None = None
    carrier: Carrier | None = None
    task: Task = "binary"


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Where one model's records carry what; equal maps read records alike."""

    paths: tuple[tuple[str, Paths], ...]
    segments: tuple[Paths, ...] = ()

    def __getitem__(self, meaning: str) -> Paths:
        return dict(self.paths)[meaning]


def field_map(kind: Kind, fields: Mapping[str, str], segments: Iterable[str] = ()) -> FieldMap:
    """The map of a topic of this kind with the configured fields in place of the defaults.

    A segment field is looked for at the top level, then in the features. Raises ConfigError
    for a meaning that this kind of topic does not have and for a path with an empty part.
    """
    names = NAMES[kind]
    problems = [f"{meaning}: not a field of {kind}, known are {', '.join(names)}" for meaning in fields.keys() - names]
    problems += [f"{meaning}: {path!r} has an empty part" for meaning, path in fields.items() if "" in path.split(".")]
    if problems:
        raise ConfigError(sorted(problems))
    paths: dict[str, Paths] = {meaning: tuple(map(_path, defaults)) for meaning, defaults in names.items()}
    paths |= {meaning: (_path(path),) for meaning, path in fields.items()}
    features = paths.get("features", ())
    return FieldMap(tuple(paths.items()), tuple(_segment_paths(name, features) for name in segments))


def _path(dotted: str) -> Path:
    return tuple(dotted.split("."))


def _segment_paths(name: str, features: Paths) -> Paths:
    path = _path(name)
    return (path, *(above + path for above in features))
