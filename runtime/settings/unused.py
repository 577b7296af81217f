"""What the file says and this version does not act on: told, never silently dropped."""

from collections.abc import Iterator
from typing import Final

from runtime.settings.model import ModelSettings
from runtime.settings.problem import KeyPath, dotted
from runtime.settings.root import Settings

_MODEL_KEYS_LATER: Final = ("champion", "challengers")


def unused(settings: Settings) -> list[str]:
    """Key paths that were read and are not acted on in this version."""
    return [dotted(path) for path in _paths(settings)]


def unused_line(settings: Settings) -> str | None:
    """The sentence for ``hindcast check`` and the worker's start; None if there is nothing to say."""
    paths = unused(settings)
    return f"read, not acted on in this version: {', '.join(paths)}" if paths else None


def _paths(settings: Settings) -> Iterator[KeyPath]:
    for name, model in settings.models.items():
        for path in _of_model(model):
            yield ("models", name, *path)
    if settings.state.standby_replicas:
        yield ("state", "standby_replicas")
    if settings.sinks is not None:
        yield ("sinks",)


def _of_model(model: ModelSettings) -> Iterator[KeyPath]:
    for field in model.predictions.fields:
        if field == "embedding" or (field == "value" and model.business is None):
            yield ("predictions", "fields", field)
        if field == "scores" and model.task != "multiclass":
            yield ("predictions", "fields", field)
    for key in _MODEL_KEYS_LATER:
        if getattr(model, key) is not None:
            yield (key,)
