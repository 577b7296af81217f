"""From a model's settings to what is counted of its predictions before any label."""

from __future__ import annotations

from functools import lru_cache

from metrics.inputs import Inputs
from metrics.observer import OWN_FIELDS, ModelObserver, Watching
from metrics.resources import Resources
from metrics.scores import ScorePart
from metrics.service import Service
from metrics.window_layout import WindowLayout
from models.mapping import RESOURCES, Paths, field_map
from models.outcome import Task
from runtime.settings import ModelSettings
from tables.plan import Watch
from tables.tasks import parts


def watch(model: ModelSettings) -> Watch:
    """How latency, errors and resources are counted, and with a baseline inputs and scores."""
    resources = watched_resources(model)
    own, containers = _own_paths(model, resources)
    baseline, over = model.baseline, model.drift.over
    if baseline is None or not (baseline.features or baseline.scores):
        return _plain(own, resources)
    features = tuple(baseline.features.items())
    paths = (*own, *(feature_paths(name, containers) for name, _ in features))
    seconds, least = (over.ms or 0) / 1000, max(model.drift.min_records, over.records or 0)
    watching: list[Watching] = [*_serving(resources)]
    if features:
        watching.append(Inputs(features, seconds, least))
    if baseline.scores is not None and model.task == "binary":
        watching.append(ScorePart(baseline.scores, seconds, least))
    may_be_told = bool(features) and model.features is None  # an allow-list means that others are not looked at
    observer = ModelObserver(paths, features, resources, containers if may_be_told else ())
    return Watch(observer, tuple(watching), always=True)


def watched_resources(model: ModelSettings) -> tuple[str, ...]:
    """All with ``resources: true``, else those that ``predictions.fields`` maps."""
    return tuple(name for name in RESOURCES if model.resources or name in model.predictions.fields)


@lru_cache(maxsize=1_000)
def _plain(own: tuple[Paths, ...], resources: tuple[str, ...]) -> Watch:
    """One object for all models that are read alike, so that they share their decoders."""
    return Watch(ModelObserver(own, resources=resources), _serving(resources), always=False)


def _serving(resources: tuple[str, ...]) -> tuple[Watching, ...]:
    return (Service(), Resources(resources)) if resources else (Service(),)


@lru_cache(maxsize=1_000)
def whole_layout(task: Task, classes_max: int, watch: Watch) -> WindowLayout:
    """Outcomes and what is watched besides; one object for all models that are watched alike."""
    return WindowLayout((*parts(task, classes_max, whole=True), *watch.parts))


def _own_paths(model: ModelSettings, resources: tuple[str, ...]) -> tuple[tuple[Paths, ...], Paths]:
    fields = {str(meaning): path for meaning, path in model.predictions.fields.items()}
    mapped = field_map("predictions", fields)
    return tuple(mapped[meaning] for meaning in (*OWN_FIELDS, *resources)), mapped["features"]


def feature_paths(name: str, containers: Paths) -> Paths:
    """Among the features, else at the top level."""
    path = tuple(name.split("."))
    return (*(above + path for above in containers), path)
