"""Which columns of a file mean what to a model, and which are its features."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from models.errors import ConfigError
from models.mapping import FieldMap, Path, Paths, field_map
from runtime.settings import ModelSettings
from runtime.settings.suggest import suggestion


@dataclass(frozen=True, slots=True)
class FileFields:
    """Columns by meaning, None where the file has none; features: name -> column."""

    score: str | None
    prediction: str | None
    actual: str | None
    embedding: str | None
    features: dict[str, str]


def maps(model: ModelSettings) -> tuple[FieldMap, FieldMap]:
    """How the model's predictions and labels are read; a file may hold both in one row."""
    predictions = {str(meaning): path for meaning, path in model.predictions.fields.items()}
    labels = {str(meaning): path for meaning, path in model.labels.fields.items()}
    return field_map("predictions", predictions), field_map("labels", labels)


def find_fields(model: ModelSettings, columns: Sequence[str], chosen: Collection[str] | None) -> FileFields:
    """Meanings and features of these columns (dotted paths).

    chosen: names of the features; None: every column that has no other meaning and may be watched. An object of
    features lends its columns their names, so ``features.amount`` is ``amount``. Raises ConfigError for a chosen one
    that is not there, or may not be watched.
    """
    predictions, labels = maps(model)
    known = frozenset(columns)
    prefix = _prefix(predictions, columns)
    reserved = {*_reserved(predictions, prefix), *_reserved(labels, prefix)}
    free = [column for column in columns if column not in reserved]
    inner = {column.removeprefix(prefix): column for column in free if prefix and column.startswith(prefix)}
    # Where a name stands twice, the object of features is its designated place.
    features = {column: column for column in free if column not in inner.values()} | inner
    every = features | {column: column for column in columns if column not in features}
    if chosen is not None:
        check_allowed(model, chosen)
        features = _choose(every, chosen)
    elif model.features is not None:
        features = {name: every[name] for name in model.features if name in every}
    return FileFields(
        score=first(predictions["score"], known),
        prediction=first(predictions["prediction"], known),
        actual=first(labels["actual"], known),
        embedding=first(predictions["embedding"], known),
        features=features,
    )


def check_allowed(model: ModelSettings, chosen: Collection[str] | None) -> None:
    """Raises ConfigError for features that were chosen although the model's ``features`` leaves them out."""
    forbidden = [name for name in chosen or () if model.features is not None and name not in model.features]
    if forbidden:
        raise ConfigError([f"--features: {name} is not among the features that may be watched" for name in forbidden])


def first(paths: Paths, known: Collection[str]) -> str | None:
    """The first of the paths that is a column."""
    return next((name for name in map(_dotted, paths) if name in known), None)


def _choose(features: dict[str, str], chosen: Collection[str]) -> dict[str, str]:
    unknown = [name for name in chosen if name not in features]
    if unknown:
        raise ConfigError([f"--features: {name} is no column{suggestion(name, list(features))}" for name in unknown])
    return {name: features[name] for name in chosen}


def _prefix(predictions: FieldMap, columns: Sequence[str]) -> str:
    """What the columns of the object of features begin with; nothing if there is none."""
    prefixes = (f"{_dotted(path)}." for path in predictions["features"])
    return next((prefix for prefix in prefixes if any(column.startswith(prefix) for column in columns)), "")


def _reserved(fields: FieldMap, prefix: str) -> Iterator[str]:
    """Columns with a meaning. What weighs the business value of a record may be one of its features, too."""
    for meaning, paths in fields.paths:
        if meaning != "features":
            yield from (
                name for name in map(_dotted, paths) if not (meaning == "value" and prefix and name.startswith(prefix))
            )


def _dotted(path: Path) -> str:
    return ".".join(path)
